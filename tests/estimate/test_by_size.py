"""Proposals fit what they are for, and their costs are near what a plan counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.data.test_inspect import rows

from tunewise import Study
from tunewise.backbones import shapes
from tunewise.backbones.known import known_model
from tunewise.costs.calibration import Calibration, rough_calibration
from tunewise.data.first_look.profile import word_counts
from tunewise.estimate.by_size import (
    Workload,
    peak_bytes,
    proposals,
    study_seconds,
    trainings,
)
from tunewise.estimate.plan import plan
from tunewise.studies.rows import rows_of
from tunewise.training.settings import TrainingSettings

MACHINE = Calibration(1, 5e10, 1.3e10, 5e-6)
WORK = Workload("choose", ("en",), rows=400, held=100, words=40, long_words=60)
PLENTY = 64 << 30


def test_memory_and_time_by_size_are_near_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*asked: Any, **how: Any) -> str:
        raise OSError("no network")

    monkeypatch.setattr(shapes, "hf_hub_download", nothing)
    model = known_model("all-MiniLM-L6-v2")
    assert model is not None
    study = Study(
        {"source": rows(200), "split": {"train": 0.6, "validation": 0.2, "test": 0.2}},
        models=model.name,
        methods=["head", {"lora": {"rank": 8}}, "full"],
        seeds=(0, 1, 2),
    ).settings
    found = plan(study, workers=1, calibration=MACHINE)
    words = word_counts(rows_of(study).splits, ["text"])[:2]
    work = Workload("choose", ("en",), found.rows["train"], found.rows["validation"], *words)
    peak = max(row.peak_bytes or 0 for row in found.contenders) + found.libraries_bytes
    assert peak_bytes(model, work) == pytest.approx(peak, rel=0.2)
    assert study_seconds(model, work, MACHINE) == pytest.approx(found.seconds, rel=0.3)


@pytest.mark.parametrize("languages", [("en",), ("de",), ("sv", "en"), ("ja",), ()])
@pytest.mark.parametrize("form", ["choose", "write"])
def test_what_is_proposed_reads_the_languages_and_fits(
    languages: tuple[str, ...], form: str
) -> None:
    limit = 6 << 30
    work = replace(WORK, languages=languages, form=form)
    found = proposals(work, memory_bytes=limit, calibration=MACHINE)
    assert [one.seconds for one in found] == sorted(one.seconds for one in found)
    for one in found:
        model = known_model(one.name)
        assert model is not None
        assert model.reads(languages)
        assert form in model.forms
        assert one.peak_bytes <= limit
    assert proposals(work, memory_bytes=1 << 20, calibration=MACHINE) == ()


def test_english_has_models_of_several_sizes_and_german_one_of_its_own() -> None:
    found = proposals(WORK, memory_bytes=PLENTY, calibration=MACHINE)
    assert found[-1].parameters > 10 * found[0].parameters
    assert all("many" not in one.languages for one in found)
    german = proposals(replace(WORK, languages=("de",)), memory_bytes=PLENTY, calibration=MACHINE)
    assert any(one.languages == ("de",) for one in german)
    assert len(german) > 1


def test_a_study_takes_longer_with_more_rows_longer_texts_and_more_seeds() -> None:
    model = known_model("bert-base-uncased")
    assert model is not None
    least = study_seconds(model, WORK, MACHINE)
    for more in ({"rows": 4000}, {"words": 120}, {"seeds": 6}):
        assert study_seconds(model, replace(WORK, **more), MACHINE) > least  # type: ignore[arg-type]
    assert peak_bytes(model, replace(WORK, long_words=5000)) == peak_bytes(
        model, replace(WORK, long_words=4000)
    )  # a text is cut to what the model reads


def test_a_search_of_five_rates_costs_less_than_two_trainings() -> None:
    # 200 steps: five rates to step 22, two on to 66, one to the end; then two more seeds
    wanted = (5 * 22 + 2 * (66 - 22) + (200 - 66)) / 200 + 2
    assert trainings(TrainingSettings(), 5, seeds=3) == pytest.approx(wanted)


def test_a_rough_calibration_is_of_one_core() -> None:
    found = rough_calibration()
    assert found.threads == 1
    assert 1e8 < found.flops_per_second < 1e12
