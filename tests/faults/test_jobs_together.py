"""Jobs that one process does together: what a launch and a worker make of them. On toys."""

from __future__ import annotations

import fcntl
from typing import Any

import pytest
from tests.faults import toy as toy_runner
from tests.faults.fake_engine import FakeEngine

from tunewise.store.trial_records import Job
from tunewise.studies.engines.base import Needs
from tunewise.studies.engines.pool import Pool
from tunewise.studies.events import Event, Finished, Started
from tunewise.studies.exit_codes import Exit
from tunewise.studies.jobs import next_jobs
from tunewise.studies.together import NEEDED, Together

Study = Any
ABLE = {
    "task": {"kind": "classification"},
    "method": {"name": "lora", "version": 1, "settings": {}},
    "training": NEEDED,
}


class Counted(FakeEngine):
    """Says what it was given."""

    def start(self, folder: Any, job: Job, needs: Needs) -> None:
        self.given = [*getattr(self, "given", []), len(job.all)]
        super().start(folder, job, needs)


def run(toy: Study, most: int, heard: list[Event] | None = None) -> tuple[Any, list[int]]:
    engine = Counted(toy_runner, workers=1)
    hear = (lambda event: None) if heard is None else heard.append
    outcome = toy.run_on(engine, hear, lambda job: Needs(1), Together(most, 100))
    return outcome, engine.given


def test_trials_are_given_out_together_and_their_tests_alone(toy: Study) -> None:
    toy.write({"settings": ABLE}, {}, seeds=3)
    heard: list[Event] = []
    outcome, given = run(toy, 2, heard)
    assert outcome.exit_code == 0 and outcome.progress.complete
    assert sorted(given) == [1] * 10 + [2]  # the first seed chooses; two follow it
    begun = [event.job.key for event in heard if isinstance(event, Started)]
    assert sorted(begun) == sorted(e.job.key for e in heard if isinstance(e, Finished))


def test_what_crashes_together_is_done_alone(toy: Study) -> None:
    """And what had ended before it counts."""
    toy.write(
        {"settings": ABLE}, {"settings": ABLE, "fault": "error", "once": True}, {"settings": ABLE}
    )
    outcome, given = run(toy, 3)
    assert outcome.progress.complete and toy.statuses() == ["done"] * 3
    assert given[:3] == [3, 1, 1]
    assert len([note for note in toy.notices if "It is now trained alone" in note]) == 2


def test_a_crash_alone_is_a_result(toy: Study) -> None:
    toy.write({"settings": ABLE}, {"settings": ABLE, "fault": "error"})
    outcome, _ = run(toy, 2)
    assert toy.statuses() == ["done", "failed"] and outcome.exit_code == 1


def test_what_a_lost_machine_did_together_starts_again_together(toy: Study) -> None:
    toy.write({"settings": ABLE, "steps": 30, "seconds": 1.5}, {"settings": ABLE})
    engine = Counted(toy_runner, workers=1)
    lost: list[str] = []

    def lose_once(event: Event) -> None:
        if isinstance(event, Started) and not lost:
            lost.append(event.job.key)
            engine.lose(event.job.key)

    outcome = toy.run_on(engine, lose_once, lambda job: Needs(1), Together(2, 100))
    assert outcome.progress.complete and engine.given[:2] == [2, 2]


@pytest.mark.faults
def test_a_process_skips_what_is_complete_and_waits_for_every_lock(toy: Study) -> None:
    toy.write({"settings": ABLE}, {"settings": ABLE}, {"settings": ABLE})
    toy.write_folder()
    first, second, third = next_jobs(toy.folder.study(), {}, {})
    with Pool("toy", patience=0.2) as pool:
        pool.places(1)
        while not pool.ready:
            pool.reports(0.05)

        def done(job: Job) -> int:
            pool.start(toy.folder, job, Needs())
            while not (ended := pool.reports(0.1)):
                pass
            return ended[0][1]

        assert done(first) == Exit.COMPLETE
        with toy.folder.lock_file(third.key).open("a") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            assert (
                done(Job.from_json({**first.as_json(), "beside": [third.as_json()]})) == Exit.BUSY
            )
        every = {**first.as_json(), "beside": [second.as_json(), third.as_json()]}
        assert done(Job.from_json(every)) == Exit.COMPLETE
    assert toy.ran() == [first.key, second.key, third.key]
