"""A trial over several processes is the trial of one: four with gloo on the CPU, against one.

What is sharded, and what ends a process in the middle, takes seconds each and is run with the
faults.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file
from tests.gpu.test_card import assert_same_weights
from tests.tasks.conftest import questions, save_writer, write_rows
from tests.training import test_trial
from tests.training.test_trial import EVERY, Settings, do, result

from tunewise.core.errors import SettingError
from tunewise.core.files import is_complete
from tunewise.runner import run_job
from tunewise.store.study import StudyFolder
from tunewise.studies.jobs import next_jobs
from tunewise.studies.prepare import prepare, store
from tunewise.studyfile.studyfile import read_study
from tunewise.training.loop import Learner
from tunewise.training.ranks import launch
from tunewise.training.ranks.group import Ranks
from tunewise.training.ranks.launch import side_by_side
from tunewise.training.settings import TrainingSettings

study, settings = test_trial.study, test_trial.settings  # a BERT of a few thousand weights
FOUR: dict[str, Any] = {"devices": 4}
SHARDED: dict[str, Any] = {"devices": 4, "shard": True}
NOISE = 1e-5  # of losses, scores and probabilities in float32
OF_WEIGHTS = 1e-4  # of which Adam moves some far for gradients that are next to nothing
UNSEEN = ".key.bias"  # no loss depends on it: its gradient is rounding alone, which Adam scales up


def assert_equal_but_for_noise(study: Path, one: str, other: str) -> None:
    """Losses, scores, predictions, weights, and what was found on the way."""
    ours, theirs = result(study, one), result(study, other)
    for name in ("epochs", "metrics"):
        assert _numbers(ours[name]) == pytest.approx(_numbers(theirs[name]), abs=NOISE)
    for name in ("steps", "best_epoch", "parameters", "flags", "truncated_share"):
        assert ours.get(name) == theirs.get(name)
    assert ours["tokens"]["real"] == theirs["tokens"]["real"]
    assert _found(ours) == _found(theirs)
    answers = [
        pq.read_table(study / "trials" / id / "predictions" / "validation.parquet").to_pandas()
        for id in (one, other)
    ]
    assert list(answers[0].columns) == list(answers[1].columns)
    for column in answers[0].columns:
        left, right = (table[column].tolist() for table in answers)
        try:
            np.testing.assert_allclose(np.stack(left), np.stack(right), atol=NOISE)
        except TypeError:  # ids and texts
            assert left == right
    paths = [study / "weights" / id for id in (one, other)]
    files = [{path.relative_to(at) for path in at.rglob("*.safetensors")} for at in paths]
    assert files[0] == files[1] != set()
    for file in files[0]:
        left, right = (load_file(at / file) for at in paths)
        assert left.keys() == right.keys()
        for name in left:
            if not name.endswith(UNSEEN):
                np.testing.assert_allclose(left[name], right[name], atol=OF_WEIGHTS, err_msg=name)


def _numbers(values: Any) -> list[float]:
    """Every number in a record, in its order."""
    if isinstance(values, dict):
        return [number for each in values.values() for number in _numbers(each)]
    if isinstance(values, list):
        return [number for each in values for number in _numbers(each)]
    return [] if values is None else [values]


def _found(found: dict[str, Any]) -> dict[str, bool | None]:
    return {check["name"]: check["passed"] for check in found["checks"]}


@pytest.mark.parametrize(
    ("name", "own", "over"),
    [
        ("lora", {"rank": 2}, FOUR),
        ("full", {}, SHARDED),
        pytest.param("lora", {"rank": 2}, SHARDED, marks=pytest.mark.faults),
        pytest.param("full", {}, FOUR, marks=pytest.mark.faults),
        pytest.param(
            "lora",
            {},
            SHARDED | {"gradient_checkpointing": True, "accumulate": 2},
            marks=pytest.mark.faults,
        ),
        pytest.param("last-layers", {"count": 1}, SHARDED, marks=pytest.mark.faults),
    ],
    ids=str,
)
def test_four_processes_equal_one(
    study: Path, settings: Settings, name: str, own: dict[str, Any], over: dict[str, Any]
) -> None:
    """Sixty examples in steps of 29: in the last step of an epoch two processes have none."""
    alike: dict[str, Any] = {"dropout": 0.0, "batch_size": 29}
    assert do(study, settings(name, own, **alike), "one") == "done"
    status = do(study, settings(name, own, **alike, **over), "four")
    assert status == "done", result(study, "four")["error"]
    assert_equal_but_for_noise(study, "one", "four")
    assert is_complete(study / "trials" / "four") and is_complete(study / "weights" / "four")


@pytest.mark.faults
@pytest.mark.parametrize(("name", "own"), EVERY, ids=str)
def test_processes_compute_the_parts_of_a_step_side_by_side(
    study: Path, settings: Settings, name: str, own: dict[str, Any]
) -> None:
    """So dropout draws what it draws in one process that computes them in a row."""
    chosen = settings(name, own)
    if not chosen["training"]:
        return
    row = {**chosen, "training": {**chosen["training"], "accumulate": 2}}
    side = {**chosen, "training": {**chosen["training"], "devices": 2}}
    assert [do(study, row, "row"), do(study, side, "side")] == ["done", "done"]
    assert_equal_but_for_noise(study, "row", "side")


@pytest.mark.faults
@pytest.mark.parametrize("over", [{}, {"shard": True}], ids=["data parallel", "sharded"])
def test_three_processes_write_the_answers_of_one(tmp_path: Path, over: dict[str, Any]) -> None:
    """Of a model in slices all write the same answers, as each token needs every slice."""
    (tmp_path / "data").mkdir()
    save_writer(tmp_path / "writer")
    for number, (split, rows) in enumerate({"train": 40, "validation": 70, "test": 4}.items()):
        write_rows(tmp_path / "data" / f"{split}.jsonl", questions(rows, number))
    prepared = prepare(
        read_study(
            {
                "name": "rooms",
                "task": {
                    "kind": "question-answering",
                    "max_new_tokens": 6,
                    "decoding": ["greedy", "top-k 5"],
                    "samples": 2,
                },
                "data": {"source": str(tmp_path / "data")},
                "models": [str(tmp_path / "writer")],
                "methods": [{"lora": {"rank": 2, "targets": "attention"}}],
                "training": {"epochs": 2, "batch_size": 8, "learning_rate": 1e-2, "dropout": 0.0},
                "seeds": [0],
            }
        )
    )
    folder = StudyFolder.create(tmp_path / "study")
    with folder.lock():
        store(prepared, folder)
    [job] = next_jobs(folder.study(), {}, {})
    split_up = replace(
        job.settings, training={**job.settings.training, "devices": 3, **over}, seed=0
    )
    jobs = (replace(job, id="one"), replace(job, id="three", settings=split_up))
    assert [run_job(each, folder.path, lambda: False) for each in jobs] == ["done", "done"]
    assert_equal_but_for_noise(folder.path, "one", "three")


Disturb = Callable[[int, int, signal.Signals], None]


@pytest.fixture
def disturb(monkeypatch: pytest.MonkeyPatch) -> Disturb:
    """`disturb(rank, step, signal)`: what happens to a process after a step."""
    meant: list[tuple[int, int, signal.Signals]] = []
    step = Learner.step

    def disturbed(self: Learner, number: int, *given: Any, **named: Any) -> Any:
        taken = step(self, number, *given, **named)
        for rank, at, sent in meant:
            if (self.ranks.rank, number) == (rank, at):
                os.kill(os.getpid(), sent)
        return taken

    monkeypatch.setattr(Learner, "step", disturbed)

    def at(rank: int, number: int, sent: signal.Signals) -> None:
        meant[:] = [(rank, number, sent)]

    return at


@pytest.mark.faults
@pytest.mark.parametrize("over", [FOUR, SHARDED], ids=["data parallel", "sharded"])
@pytest.mark.parametrize("name", ["lora", "full"])
def test_what_is_interrupted_or_killed_goes_on_to_the_same_bytes(
    study: Path, settings: Settings, disturb: Disturb, name: str, over: dict[str, Any]
) -> None:
    chosen = settings(name, **over)
    assert do(study, chosen, "whole") == "done"
    disturb(0, 11, signal.SIGTERM)
    assert do(study, chosen, "cut") == "interrupted"
    assert not is_complete(study / "trials" / "cut")
    disturb(2, 13, signal.SIGKILL)
    with pytest.raises(ChildProcessError, match=r"Process 3 of the 4 .* ended by SIGKILL"):
        do(study, chosen, "cut", checkpoint_seconds=0.0)
    disturb(-1, -1, signal.SIGKILL)
    assert do(study, chosen, "cut") == "done"
    assert {**result(study, "whole"), "id": ""} == {**result(study, "cut"), "id": ""}
    assert_same_weights(study, "whole", "cut")


@pytest.mark.faults
def test_a_process_that_crashes_fails_the_trial_and_says_which(
    study: Path, settings: Settings, disturb: Disturb
) -> None:
    disturb(1, 3, signal.SIGSEGV)
    assert do(study, settings("lora", {"rank": 2}, devices=2)) == "failed"
    assert result(study)["error"] == "Process 2 of the 2 that computed this trial ended by SIGSEGV."


def test_the_first_cause_is_told_and_not_that_nobody_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(launch, "GRACE", 0.1)

    def work(rank: int, meeting: Path, stop: Callable[[], bool]) -> dict[str, Any]:
        if rank == 1:
            raise FileNotFoundError(2, "No such file", "/a/model")
        while not stop():
            signal.pause()
        return {"status": "done"}

    with pytest.raises(FileNotFoundError, match="/a/model"):
        side_by_side(2, work, lambda: False)


def test_parts_are_shared_so_that_each_is_computed_once() -> None:
    parts = "abcdefg"
    for shards in (False, True):
        of_each = [Ranks(rank, 3, shards).share(parts) for rank in range(3)]
        counted = [one.part for share in of_each for one in share if one.counts]
        assert sorted(counted) == list(parts)
        if shards:  # all compute as often, or those that do would wait for the others
            assert {len(share) for share in of_each} == {3}


def test_a_step_has_an_example_for_each_part_of_each_device() -> None:
    assert TrainingSettings(batch_size=8, accumulate=2, devices=4).parts == 8
    with pytest.raises(SettingError, match="devices = 4: a step of 8 examples"):
        TrainingSettings(batch_size=8, accumulate=3, devices=4)
