"""Trials that are trained together are the trials alone: losses, scores, answers, weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.conftest import CONFIGURATIONS
from tests.training import test_trial
from tests.training.test_ranks import assert_equal_but_for_noise
from tests.training.test_trial import SIZES, Settings, do, result, rows

from tunewise.backbones.sources import resolve
from tunewise.core.canonical import digest
from tunewise.core.files import is_complete
from tunewise.data.prepared import write_prepared
from tunewise.methods.lora_layer import Corrections
from tunewise.runner import run_job
from tunewise.store.trial_records import Job, TrialCosts
from tunewise.training.loop import Learner
from tunewise.training.predictor import predict_feed
from tunewise.training.together.meeting import Meeting

study, settings = test_trial.study, test_trial.settings  # a BERT of a few thousand weights
READ_MORE = {"deberta-v2"}  # families whose layers read a table of positions as well
STEPS = 6  # of sixty examples in steps of 29, twice: the last step of an epoch has two
Chosen = dict[str, dict[str, Any]]
Make = Callable[..., dict[str, Any]]
Check = Callable[[Path, Chosen], None]


@pytest.fixture
def lora(settings: Settings) -> Make:
    """`lora(seed=1, rank=3, learning_rate=1e-3)`: settings of a trial."""

    def make(seed: int = 0, rank: int = 2, alpha: float = 16.0, **training: Any) -> dict[str, Any]:
        loop = {"dropout": 0.0, "batch_size": 29, **training}
        return {**settings("lora", {"rank": rank, "alpha": alpha}, **loop), "seed": seed}

    return make


def together(study: Path, chosen: Chosen, **more: Any) -> str:
    """Do trials by their ids in one job."""
    stop = more.pop("stop", lambda: False)
    lead, *beside = (
        {"kind": "trial", "id": id, "settings": each, **more} for id, each in chosen.items()
    )
    return run_job(Job.from_json({**lead, "beside": beside}), study, stop)


@pytest.fixture(scope="module")
def as_alone(tmp_path_factory: pytest.TempPathFactory) -> Check:
    """`as_alone(study, chosen)`: trials equal those alone, each of which is trained once."""
    alone = tmp_path_factory.mktemp("alone")
    write_prepared(alone / "data", {name: rows(name, size) for name, size in SIZES.items()})

    def check(study: Path, chosen: Chosen) -> None:
        for id, each in chosen.items():
            name = digest(each)
            if not (alone / "trials" / name).exists():
                do(alone, each, name)
            for part in ("trials", "weights"):
                (study / part / name).symlink_to(alone / part / name)
            assert_equal_but_for_noise(study, name, id)

    return check


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many trials were in each pass forwards."""
    seen: list[int] = []
    forward = Meeting._go_forward

    def counted(meeting: Meeting, places: Any) -> None:
        seen.append(len(places))
        forward(meeting, places)

    monkeypatch.setattr(Meeting, "_go_forward", counted)
    return seen


def test_other_rates_seeds_and_ranks_equal_the_trials_alone(
    study: Path, lora: Make, as_alone: Check, passes: list[int]
) -> None:
    chosen = {
        "first": lora(),
        "rate": lora(learning_rate=3e-3),
        "seed": lora(seed=1),
        "rank": lora(rank=3, alpha=5.0),
    }
    assert together(study, chosen) == "done"
    assert passes == [4] * STEPS
    as_alone(study, chosen)
    for id in chosen:
        assert is_complete(study / "trials" / id) and is_complete(study / "weights" / id)


def test_costs_are_shares_and_name_the_others(study: Path, lora: Make) -> None:
    together(study, {"a": lora(epochs=1), "b": lora(seed=1, epochs=1)})
    costs = [
        TrialCosts.from_json(json.loads((study / "trials" / id / "costs.json").read_text()))
        for id in ("a", "b")
    ]
    for own in costs:
        assert own.together == ("a", "b") and own.memory is None
        assert own.seconds["train"] > 0
        assert sum(s for name, s in own.seconds.items() if name != "total") == pytest.approx(
            own.seconds["total"]
        )
    do(study, lora(epochs=1), "alone")
    alone = TrialCosts.from_json(json.loads((study / "trials/alone/costs.json").read_text()))
    assert alone.together == () and alone.memory is not None
    assert "together" not in alone.as_json()


@pytest.mark.faults
def test_steps_in_parts_and_a_head_that_reads_the_first_token(
    study: Path, settings: Settings, as_alone: Check, passes: list[int]
) -> None:
    alike: dict[str, Any] = {"dropout": 0.0, "batch_size": 29, "accumulate": 2, "epochs": 1}
    chosen = {
        id: {**settings("lora", {"rank": 2}, "cls", **alike), "seed": seed}
        for seed, id in enumerate(("a", "b"))
    }
    assert together(study, chosen) == "done"
    assert passes == [2] * STEPS  # three steps of two parts
    as_alone(study, chosen)


@pytest.mark.faults
@pytest.mark.parametrize("family", CONFIGURATIONS)
def test_every_family_of_models_equals_the_trials_alone_or_is_refused(
    study: Path,
    lora: Make,
    as_alone: Check,
    checkpoint: Callable[[str], Path],
    family: str,
) -> None:
    model = resolve(str(checkpoint(family)))
    chosen = {id: {**lora(seed=seed), "model": model} for seed, id in enumerate(("a", "b"))}
    if family in READ_MORE:
        with pytest.raises(ValueError, match="a layer reads 1 rows"):
            together(study, chosen)
        return
    assert together(study, chosen) == "done"
    as_alone(study, chosen)


@pytest.mark.faults
def test_one_that_ends_early_leaves_and_the_others_go_on(
    study: Path, lora: Make, as_alone: Check, passes: list[int]
) -> None:
    """By patience, in the fifth epoch of six."""
    alike: dict[str, Any] = {"epochs": 6, "patience": 1}
    chosen = {"low": lora(learning_rate=3e-3, **alike), "other": lora(**alike)}
    assert together(study, chosen) == "done"
    assert [len(result(study, id)["epochs"]) for id in chosen] == [5, 6]
    assert passes == [2] * 15 + [1] * 3
    as_alone(study, chosen)


def test_one_that_diverges_takes_no_other_with_it(
    study: Path, lora: Make, as_alone: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it puts into the pass is no number from the third step on."""
    step = Learner.step

    def poisoned(self: Learner, number: int, *given: Any, **named: Any) -> Any:
        if (self.seed, number) == (1, 3):
            with torch.no_grad():
                self.weights[0].fill_(torch.nan)
        return step(self, number, *given, **named)

    monkeypatch.setattr(Learner, "step", poisoned)
    chosen = {"a": lora(), "bad": lora(seed=1), "c": lora(rank=3)}
    assert together(study, chosen) == "done"
    assert result(study, "bad")["status"] == "diverged"
    assert "at step 3" in result(study, "bad")["error"]
    assert not (study / "weights" / "bad").exists()
    as_alone(study, {"a": chosen["a"], "c": chosen["c"]})


def test_what_is_stopped_goes_on_alone_or_with_others(
    study: Path, lora: Make, as_alone: Check
) -> None:
    chosen = {"a": lora(), "b": lora(seed=1), "c": lora(learning_rate=3e-3)}
    asked = count()
    assert together(study, chosen, stop=lambda: next(asked) >= 9) == "interrupted"
    assert not any(is_complete(study / "trials" / id) for id in chosen)
    assert list((study / "weights" / "a" / "checkpoint").glob("step-*"))
    assert do(study, chosen["b"], "b") == "done"
    assert together(study, {"c": chosen["c"], "a": chosen["a"]}) == "done"
    as_alone(study, chosen)


@pytest.mark.faults
def test_at_a_rung_the_losses_are_those_alone(study: Path, lora: Make, as_alone: Check) -> None:
    chosen = {"a": lora(), "b": lora(learning_rate=3e-3)}
    assert together(study, {f"{id}@4": each for id, each in chosen.items()}, until=4) == "done"
    for id, each in chosen.items():
        do(study, each, f"{id}-alone@4", until=4)
        ours, alone = result(study, f"{id}@4"), result(study, f"{id}-alone@4")
        assert ours["losses"] == pytest.approx(alone["losses"], abs=1e-5)
    assert together(study, chosen) == "done"  # from its checkpoint
    as_alone(study, chosen)


def test_a_model_that_draws_in_training_is_refused(study: Path, lora: Make) -> None:
    """As it would for dropout, which it draws for all rows at once."""
    chosen = {"a": lora(dropout=0.1), "b": lora(dropout=0.1, seed=1)}
    with pytest.raises(ValueError, match="draws random numbers"):
        together(study, chosen)


def test_a_pass_that_fails_is_the_result_of_none(
    study: Path, lora: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Corrections, "__call__", raising(torch.OutOfMemoryError("full")))
    with pytest.raises(torch.OutOfMemoryError, match="full"):
        together(study, {"a": lora(), "b": lora(seed=1)})
    assert not any((study / "trials" / id / "result.json").exists() for id in "ab")


def test_room_that_others_take_is_no_result_of_the_one_that_lacks_it(
    study: Path, lora: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = count()

    def full(*given: Any, **named: Any) -> Any:
        if next(calls) == 0:
            raise torch.OutOfMemoryError("full")
        return predict_feed(*given, **named)

    monkeypatch.setattr("tunewise.training.loop.predict_feed", full)
    with pytest.raises(torch.OutOfMemoryError, match="full"):
        together(study, {"a": lora(), "b": lora(seed=1)})
    done = [is_complete(study / "trials" / id) for id in "ab"]
    assert sorted(done) == [False, True]


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*given: Any, **named: Any) -> Any:
        raise error

    return fail
