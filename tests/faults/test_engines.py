"""What holds of every engine: the fake of the tests, the pool of this machine, a Ray cluster."""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.faults import toy as toy_runner
from tests.faults.fake_engine import FakeEngine

from tunewise.core.errors import InputError, MissingExtra
from tunewise.studies.engines.base import Engine, Needs
from tunewise.studies.engines.known import started
from tunewise.studies.engines.pool import Pool
from tunewise.studies.engines.process import ProcessEngine
from tunewise.studies.engines.ray_cluster import RayCluster, check_address
from tunewise.studies.events import Event, Finished, Started
from tunewise.studies.exit_codes import Exit
from tunewise.studies.jobs import next_jobs
from tunewise.studies.launch import MOVES

Study = Any
MOMENT = 300.0  # seconds until something that must happen has not
ENGINES = [
    pytest.param(lambda: FakeEngine(toy_runner), id="fake"),
    pytest.param(lambda: Pool("toy"), id="local", marks=pytest.mark.faults),
    pytest.param(lambda: RayCluster("toy"), id="ray", marks=pytest.mark.faults),
]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, toy: Study) -> Iterator[Engine]:
    """Two places, not yet ready; `toy` says first where jobs find their runner."""
    if request.node.callspec.id == "ray":
        request.getfixturevalue("nodes").use(request.getfixturevalue("monkeypatch"))
    made: Engine = request.param()
    made.places(2)
    with made:
        yield made


def until(what: Callable[[], bool], engine: Engine) -> list[tuple[str, int]]:
    """What the engine reports until something is so."""
    heard, late = [], time.monotonic() + MOMENT
    while not what():
        assert time.monotonic() < late
        heard += engine.reports(0.05)
    return heard


def reported(engine: Engine, count: int) -> list[tuple[str, int]]:
    heard: list[tuple[str, int]] = []
    late = time.monotonic() + MOMENT
    while len(heard) < count:
        assert time.monotonic() < late
        heard += engine.reports(0.05)
    return heard


def jobs_of(study: Study) -> list[Any]:
    study.write_folder()
    return next_jobs(study.folder.study(), {}, {})


def test_a_study_comes_out_as_by_hand_with_no_more_jobs_at_once_than_places(
    engine: Engine, toy: Study
) -> None:
    toy.write({}, {}, {"score": 0.9}, seeds=2)
    running: set[str] = set()
    most: list[int] = []

    def hear(event: Event) -> None:
        if isinstance(event, Started):
            running.add(event.job.key)
        elif isinstance(event, Finished):
            running.discard(event.job.key)
        most.append(len(running))

    outcome = toy.run_on(engine, hear)
    assert outcome.exit_code == 0 and outcome.progress.complete
    assert sorted(set(toy.ran())) == sorted(toy.ran()) and len(toy.ran()) == 12
    scores = {one.result.settings.read["row"]: one.metric("accuracy") for one in records(toy)}
    assert scores[2] == 0.9 and max(most) == 2


def records(study: Study) -> list[Any]:
    return list(study.folder.records().values())


def test_a_job_that_ends_badly_is_reported_once_with_its_code(engine: Engine, toy: Study) -> None:
    (job,) = jobs_of(toy.write({"fault": "error"}))
    until(lambda: engine.takes(Needs()), engine)
    engine.start(toy.folder, job, Needs())
    assert reported(engine, 1) == [(job.key, Exit.FAILED)]
    assert engine.reports(0.2) == [] and not engine.waits(job.key)


def test_a_job_that_is_asked_to_stop_leaves_a_checkpoint(engine: Engine, toy: Study) -> None:
    (job,) = jobs_of(toy.write({"steps": 1000, "seconds": 100}))
    until(lambda: engine.takes(Needs()), engine)
    engine.start(toy.folder, job, Needs())
    checkpoint = toy.folder.weights_folder(job.id) / "checkpoint" / "state.json"
    until(checkpoint.is_file, engine)
    engine.stop(job.key)
    assert reported(engine, 1) == [(job.key, Exit.INTERRUPTED)]
    assert toy.folder.record(job.id) is None and checkpoint.is_file()


def test_a_killed_job_is_reported_and_its_place_is_free(engine: Engine, toy: Study) -> None:
    first, second, third = jobs_of(toy.write({"steps": 1000, "seconds": 100}, {}, {}))
    until(lambda: engine.takes(Needs()), engine)
    engine.start(toy.folder, first, Needs())
    engine.start(toy.folder, second, Needs())
    assert not engine.takes(Needs())
    heard = until(lambda: not engine.waits(first.key), engine)
    heard += reported(engine, 1 - len(heard))
    engine.kill(first.key)
    heard += reported(engine, 1)
    assert dict(heard)[second.key] == Exit.COMPLETE
    assert dict(heard)[first.key] != Exit.COMPLETE and toy.folder.record(first.id) is None
    assert engine.takes(Needs())
    engine.start(toy.folder, third, Needs())
    assert reported(engine, 1) == [(third.key, Exit.COMPLETE)]


def test_closing_ends_what_runs_and_another_one_goes_on(engine: Engine, toy: Study) -> None:
    (job,) = jobs_of(toy.write({"steps": 40, "seconds": 2}))
    until(lambda: engine.takes(Needs()), engine)
    engine.start(toy.folder, job, Needs())
    until((toy.folder.weights_folder(job.id) / "checkpoint" / "state.json").is_file, engine)
    engine.close()
    engine.close()
    with engine.anew() as another:
        assert another.places(2) == 2
        until(lambda: another.takes(Needs()), another)
        another.start(toy.folder, job, Needs())
        assert reported(another, 1) == [(job.key, Exit.COMPLETE)]
    assert len(toy.ran()) == 2


# What a launch makes of what engines say, on the fake


def test_a_job_of_a_lost_machine_starts_again_and_never_as_a_result_of_its_own(toy: Study) -> None:
    toy.write({"steps": 20, "seconds": 0.4})
    engine = FakeEngine(toy_runner)
    lost: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, Started) and len(lost) < MOVES - 1:
            lost.append(event.job.key)
            engine.lose(event.job.key)

    assert toy.run_on(engine, hear).progress.complete
    assert toy.statuses() == ["done"] and len(lost) == MOVES - 1
    assert "was lost. It starts again elsewhere." in toy.notices[0]


def test_a_job_that_fells_every_machine_is_set_aside(toy: Study) -> None:
    toy.write({"steps": 20, "seconds": 0.4}, {})
    engine = FakeEngine(toy_runner)
    felled: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, Started) and (not felled or event.job.key in felled):
            felled.append(event.job.key)
            engine.lose(event.job.key)

    outcome = toy.run_on(engine, hear)
    assert outcome.aside and len(felled) == MOVES and toy.statuses() == ["done"]
    assert toy.run_on(FakeEngine(toy_runner)).progress.complete


def test_an_engine_that_dies_is_followed_by_another(toy: Study) -> None:
    toy.write({"steps": 20, "seconds": 0.4}, {})
    engine = FakeEngine(toy_runner)

    def hear(event: Event) -> None:
        if isinstance(event, Started):
            engine.die()

    assert toy.run_on(engine, hear).progress.complete
    assert toy.notices == ["The fake ended by SIGKILL. Another one takes over."]


def test_time_counts_from_where_a_job_has_a_process(toy: Study) -> None:
    toy.write({"timeout": 0.5})
    engine = FakeEngine(toy_runner, held=True)

    def let_go() -> None:
        engine.held = False

    threading.Timer(1.0, let_go).start()
    toy.run_on(engine)
    assert toy.statuses() == ["done"]


# Ray, where it is not needed


def test_an_engine_that_is_unknown_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"unknown engine 'rey'\. Did you mean 'ray'"):
        started("rey")  # type: ignore[arg-type]


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'tunewise\[ray\]'"):
        RayCluster()


@pytest.mark.parametrize("address", ["ray://head:10001", "head", "head:port", "127.0.0.1:1"])
def test_an_address_without_a_cluster_is_refused_at_once(address: str) -> None:
    with pytest.raises(InputError, match=r"RAY_ADDRESS: .*HOST:PORT, as 'ray start --head'"):
        check_address(address)


def test_a_result_that_is_not_seen_yet_is_waited_for(
    toy: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client of a file server may believe for a while that a file is not there."""
    (job,) = jobs_of(toy.write({}))
    cluster = RayCluster.__new__(RayCluster)
    cluster.unseen, cluster.folders = [], {job.key: toy.folder.made_by(job)}
    said = [[(job.key, Exit.COMPLETE)], [], []]
    monkeypatch.setattr(ProcessEngine, "reports", lambda self, seconds: said.pop(0))
    assert cluster.reports(0) == []
    toy_runner.run_job(job, toy.folder.path, lambda: False)
    assert cluster.reports(0) == [(job.key, Exit.COMPLETE)]
    assert cluster.reports(0) == []
