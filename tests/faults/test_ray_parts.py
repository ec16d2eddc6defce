"""The parts of the Ray engine where there is no Ray: what a task does, what its errors mean."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.faults.test_engines import jobs_of

from tunewise import __version__
from tunewise.studies.engines import ray_task
from tunewise.studies.engines.ray_driver import STARTS, Driver, connect
from tunewise.studies.engines.ray_task import BEGAN, run_task
from tunewise.studies.exit_codes import Exit

NODES = [{"Alive": True, "Resources": {"CPU": 2.0, "GPU": 1.0, "memory": 8e9}}]


class RayError(Exception):
    pass


class TaskCancelledError(RayError):
    pass


class OutOfMemoryError(RayError):
    pass


class RayTaskError(RayError):
    cause: Exception | None = None


class FakeRay:
    """Yields what it is given: values are said, errors are raised."""

    exceptions = SimpleNamespace(
        RayError=RayError,
        TaskCancelledError=TaskCancelledError,
        OutOfMemoryError=OutOfMemoryError,
        RayTaskError=RayTaskError,
    )

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.says: list[Any] = []
        self.canceled: list[bool] = []
        self.alive: list[dict[str, Any]] = NODES

    def nodes(self) -> list[dict[str, Any]]:
        return self.alive

    def remote(self, **options: Any) -> Any:
        self.asked.append(options)
        return lambda function: SimpleNamespace(remote=lambda *words: iter(self.says))

    def wait(self, tasks: list[Any], **_: Any) -> tuple[list[Any], list[Any]]:
        return tasks, []

    def get(self, said: Any) -> Any:
        if isinstance(said, Exception):
            raise said
        return said

    def cancel(self, task: Any, *, force: bool) -> None:
        self.canceled.append(force)


class Told:
    """A driver without a cluster, and what it reports."""

    def __init__(self) -> None:
        self.ray = FakeRay()
        self.end, write = os.pipe()
        os.set_blocking(self.end, False)
        self.driver = Driver(self.ray, "toy", write)

    def heard(self) -> list[dict[str, Any]]:
        try:
            return [json.loads(line) for line in os.read(self.end, 1 << 16).splitlines()]
        except BlockingIOError:
            return []


@pytest.fixture
def told() -> Told:
    return Told()


def asked(toy: Any, **more: Any) -> dict[str, Any]:
    (job,) = jobs_of(toy.write({}))
    needs = {"cores": 1, "gpus": 0, "memory": None} | more
    return {"do": "run", "study": str(toy.folder.path), "job": job.as_json(), **needs}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ((Exit.FAILED.value, ""), Exit.FAILED),
        (TaskCancelledError(), Exit.INTERRUPTED),
        (OutOfMemoryError("no room"), -9),
        (RayTaskError("No module named 'tunewise'"), Exit.OUTSIDE),
        (RayError("The node died"), Exit.LOST),
    ],
)
def test_what_becomes_of_a_task_is_an_exit_code(told: Told, toy: Any, said: Any, code: int) -> None:
    told.ray.says = [(BEGAN, ""), said]
    message = asked(toy)
    told.driver._obey(message)
    told.driver._look()
    told.driver._look()
    key = f"trial/{message['job']['id']}"
    assert told.heard() == [{"began": key}, {"job": key, "exit": int(code)}]
    told.driver._look()
    assert told.heard() == []  # once
    if isinstance(said, Exception) and str(said):
        assert str(said) in toy.folder.output_file(key).read_text()


def test_a_job_asks_for_what_was_predicted_and_ray_does_not_repeat_it(told: Told, toy: Any) -> None:
    told.driver._obey(asked(toy, gpus=1, memory=3_000_000_000))
    (options,) = told.ray.asked
    assert options == {
        "num_cpus": 1,
        "num_gpus": 1,
        "memory": 3_000_000_000,
        "max_retries": 0,
        "num_returns": "streaming",
    }


def test_a_job_that_fits_on_no_node_says_what_it_needs(told: Told, toy: Any) -> None:
    told.driver._obey(asked(toy, memory=9_000_000_000))
    (ended,) = told.heard()
    assert ended["exit"] == Exit.OUTSIDE and told.ray.asked == []
    words = toy.folder.output_file(ended["job"]).read_text()
    assert words == (
        "\nit needs 1 CPU, 0 GPU and 9 GB on one node, and the nodes have at most 2 CPU, 1 GPU "
        "and 8 GB.\n"
    )


class Busy:
    """A Ray that is too slow to start, so many times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.given: list[dict[str, Any]] = []

    def init(self, **options: Any) -> None:
        self.given.append(options)
        if len(self.given) <= self.times:
            raise Exception("The current node timed out during startup.")

    def shutdown(self) -> None:
        pass


def test_a_local_cluster_is_started_where_no_address_is_given_and_again_if_slow() -> None:
    joined, slow, hopeless = Busy(0), Busy(STARTS - 1), Busy(STARTS)
    connect(joined, "10.0.0.1:6379")
    assert [options["address"] for options in joined.given] == ["10.0.0.1:6379"]
    connect(slow, None)
    assert [options["address"] for options in slow.given] == ["local"] * STARTS
    with pytest.raises(Exception, match="timed out during startup"):
        connect(hopeless, None)


def test_stopping_asks_and_killing_does_not(told: Told, toy: Any) -> None:
    message = asked(toy)
    told.driver._obey(message)
    key = f"trial/{message['job']['id']}"
    for wish in ("stop", "kill"):
        told.driver._obey({"do": wish, "key": key})
        told.driver._obey({"do": wish, "key": "trial/unknown"})
    assert told.ray.canceled == [False, True]


def test_a_node_without_the_study_or_with_another_version_says_so(toy: Any, tmp_path: Path) -> None:
    message = asked(toy)
    ((code, words),) = run_task(json.dumps(message), "toy", "0.0.1")
    assert code == Exit.OUTSIDE and "the study was launched by 0.0.1" in words
    elsewhere = {**message, "study": str(tmp_path / "away")}
    ((code, words),) = run_task(json.dumps(elsewhere), "toy", __version__)
    assert code == Exit.OUTSIDE and "storage that every node sees at the same path" in words


def test_a_task_runs_its_job_and_keeps_the_worker_for_the_next(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_task, "_pools", {})
    message = asked(toy)
    try:
        assert list(run_task(json.dumps(message), "toy", __version__)) == [
            (BEGAN, ""),
            (Exit.COMPLETE, ""),
        ]
        assert toy.statuses() == ["done"] and list(ray_task._pools) == ["toy"]
    finally:
        for pool in ray_task._pools.values():
            pool.close()
    (code, _), *_ = run_task(json.dumps(message), "nowhere", __version__)
    assert code == Exit.OUTSIDE
