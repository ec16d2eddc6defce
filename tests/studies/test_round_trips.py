"""Contenders tried before a study runs: which count as one, what is remembered, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.studyfile.test_peft_entries import study
from tests.training.families import save_family

from tunewise.core.errors import InputError
from tunewise.export.round_trip import round_trip
from tunewise.methods import lora_files
from tunewise.store.records import MethodRecord, ModelRecord, TrialSettings
from tunewise.studies import round_trips
from tunewise.studies.prepare import prepare
from tunewise.studies.round_trips import kind_of
from tunewise.training.assembly import Parts


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[TrialSettings]:
    """The settings of each contender that was really tried; nothing is remembered from before."""
    monkeypatch.setenv("TUNEWISE_CACHE", str(tmp_path / "cache"))
    seen: list[TrialSettings] = []

    def counted(parts: Parts, *others: Any) -> None:
        seen.append(parts.settings)
        round_trip(parts, *others)

    monkeypatch.setattr(round_trips, "round_trip", counted)
    return seen


def asked(**method: Any) -> TrialSettings:
    task = {"kind": "classification"}
    return TrialSettings(
        task=task, model=ModelRecord(hash="m"), method=MethodRecord("x", settings=method)
    )


def test_numbers_of_one_sign_are_one_kind_and_words_are_not() -> None:
    one = kind_of(asked(rank=4, dropout=0.0))
    assert kind_of(asked(rank=8, dropout=0.0)) == one
    assert kind_of(asked(rank=4, dropout=0.1)) != one
    inside = kind_of(asked(config={"r": 4, "bias": "none"}))
    assert kind_of(asked(config={"r": 8, "bias": "none"})) == inside
    assert kind_of(asked(config={"r": 4, "bias": "all"})) != inside
    assert kind_of(asked(config={"r": 4, "bias": "none", "use_dora": True})) != inside


def test_each_kind_is_tried_once_and_remembered(tried: list[TrialSettings]) -> None:
    searched = study({"peft_type": "LORA"}, "head", search={"r": [2, 4], "learning_rate": [1e-3]})
    prepare(searched)
    assert [settings.method.name for settings in tried] == ["peft", "head"]
    prepare(searched)
    assert len(tried) == 2


def test_what_would_be_lost_is_reported_with_the_contender_every_time(
    tried: list[TrialSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lora_files, "task_type", lambda model: "CAUSAL_LM")
    counts = []
    for _ in range(2):
        with pytest.raises(InputError, match=r"lora on model embedded:encoder: exporting it fails"):
            prepare(study("lora", "majority"))
        counts.append(len(tried))
    assert counts[1] == 2 * counts[0] > 0  # a failure is no answer to keep


def test_settings_that_name_a_late_block_are_tried_on_the_whole_model(
    tried: list[TrialSettings], tmp_path: Path
) -> None:
    source = str(save_family(tmp_path / "deep", "bert", writes=False, depth=5))
    prepare(study({"peft_type": "LORA"}, models=[source]))
    assert [settings.model and settings.model.source == source for settings in tried] == [False]
    tried.clear()
    prepare(study({"peft_type": "LORA", "layers_to_transform": [4]}, models=[source]))
    assert [settings.model and settings.model.source == source for settings in tried] == [
        False,
        True,
    ]
