"""What comes next is a function of what is there: laws over every order of events."""

from __future__ import annotations

import heapq
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tunewise.store.identity import trial_id
from tunewise.store.records import (
    BudgetRecord,
    ContenderRecord,
    DataRecord,
    ModelRecord,
    ParameterCounts,
    PointRecord,
    StudyRecord,
)
from tunewise.store.trial_records import Job, TrialCosts, TrialResult
from tunewise.store.trials import TrialRecord
from tunewise.studies.jobs import next_jobs, progress_of


def contender(name: str, points: int = 1, **changes: Any) -> ContenderRecord:
    """A row whose settings and identity are its name and the point's number."""
    settings = [{"name": name, "point": point} for point in range(points)]
    return ContenderRecord(
        name,
        points=tuple(
            PointRecord.from_json({"settings": value, "identity": value}) for value in settings
        ),
        **changes,
    )


def study(*contenders: ContenderRecord, seeds: int = 3, has_test: bool = True) -> StudyRecord:
    return StudyRecord(
        metrics=("accuracy",),
        seeds=tuple(range(seeds)),
        data=DataRecord(has_test=has_test),
        contenders=contenders,
    )


def record(id: str, accuracy: float | None = 0.5, status: str = "done") -> TrialRecord:
    result = TrialResult(id, metrics={"validation": {"accuracy": accuracy}})
    return TrialRecord(id, status, result, TrialCosts(), Path(id))


def id_of(name: str, point: int = 0, seed: int = 0) -> str:
    return trial_id({"name": name, "point": point}, seed)


def records(*ids: str) -> dict[str, TrialRecord]:
    return {id: record(id) for id in ids}


def keys(jobs: list[Job]) -> list[str]:
    return [job.key for job in jobs]


def test_every_search_point_comes_first_with_the_first_seed() -> None:
    jobs = next_jobs(study(contender("a", 2), contender("b")), {}, {})
    assert keys(jobs) == [f"trial/{id}" for id in (id_of("a"), id_of("a", 1), id_of("b"))]
    assert [job.settings.seed for job in jobs] == [0, 0, 0]


def test_the_chosen_point_gets_the_other_seeds() -> None:
    found = {
        id_of("a", 0): record(id_of("a", 0), 0.4),
        id_of("a", 1): record(id_of("a", 1), 0.6),
    }
    jobs = next_jobs(study(contender("a", 2)), found, {})
    assert [job.settings.as_json() for job in jobs] == [
        {"name": "a", "point": 1, "seed": 1},
        {"name": "a", "point": 1, "seed": 2},
    ]


def test_three_points_and_three_seeds_are_five_trials() -> None:
    trials, _ = run_to_the_end(study(contender("a", 3)))
    assert len(trials) == 5


def test_a_contender_without_seeds_is_trained_once() -> None:
    trials, _ = run_to_the_end(study(contender("majority", seeded=False)))
    assert trials == {id_of("majority")}


def test_features_come_before_the_trials_that_need_them() -> None:
    rows = study(contender("head", 2, features="ff"), contender("lora"))
    before = next_jobs(rows, {}, {})
    assert keys(before) == ["features/ff", f"trial/{id_of('lora')}"]
    assert before[0].settings.as_json() == {"name": "head", "point": 0, "seed": 0}
    assert len(next_jobs(rows, {}, {}, {"ff"})) == 3


def test_finished_trials_ask_for_no_features() -> None:
    rows = study(contender("head", features="ff"), seeds=1, has_test=False)
    assert next_jobs(rows, records(id_of("head")), {}) == []


def test_tests_wait_for_the_last_trial_of_the_study() -> None:
    rows = study(contender("a"), contender("b"), seeds=1)
    assert keys(next_jobs(rows, records(id_of("a")), {})) == [f"trial/{id_of('b')}"]
    done = records(id_of("a"), id_of("b"))
    assert keys(next_jobs(rows, done, {})) == [f"test/{id_of('a')}", f"test/{id_of('b')}"]
    assert next_jobs(rows, done, done) == []


def test_only_done_trials_of_chosen_points_are_tested() -> None:
    rows = study(contender("a", 2), seeds=2)
    found = {
        id_of("a", 0): record(id_of("a", 0), 0.6),
        id_of("a", 1): record(id_of("a", 1), 0.4),
        id_of("a", 0, 1): record(id_of("a", 0, 1), status="diverged"),
    }
    assert keys(next_jobs(rows, found, {})) == [f"test/{id_of('a', 0)}"]


def test_without_a_test_split_the_study_ends_with_its_trials() -> None:
    rows = study(contender("a"), seeds=1, has_test=False)
    assert next_jobs(rows, records(id_of("a")), {}) == []


def test_contenders_share_a_trial_they_agree_on() -> None:
    rows = study(contender("a", 2), contender("a", 1), seeds=1)
    assert len(next_jobs(rows, {}, {})) == 2


def test_a_failed_contender_holds_up_nobody() -> None:
    rows = study(contender("a"), contender("b"), seeds=1)
    found = {
        id_of("a"): record(id_of("a"), status="failed"),
        id_of("b"): record(id_of("b")),
    }
    assert keys(next_jobs(rows, found, {})) == [f"test/{id_of('b')}"]


SHAPES = st.lists(
    st.tuples(st.integers(1, 3), st.booleans(), st.sampled_from([None, "ff"])),
    min_size=1,
    max_size=3,
)
STATUSES = st.sampled_from(["done", "done", "done", "failed", "diverged", "killed"])


@given(SHAPES, st.integers(1, 3), st.data())
def test_any_order_of_events_ends_with_the_same_trials(
    shapes: list[tuple[int, bool, str | None]], seeds: int, data: st.DataObject
) -> None:
    rows = [
        contender(str(number), points, seeded=seeded, features=features)
        for number, (points, seeded, features) in enumerate(shapes)
    ]
    outcome: dict[str, TrialRecord] = {}  # what each trial would give, whenever it runs

    def ends(id: str) -> TrialRecord:
        if id not in outcome:
            outcome[id] = record(id, data.draw(st.integers(0, 3)) / 4, data.draw(STATUSES))
        return outcome[id]

    def pick(jobs: list[Job]) -> Job:
        return jobs[data.draw(st.integers(0, len(jobs) - 1))]

    first = run_to_the_end(study(*rows, seeds=seeds), ends, pick)
    assert run_to_the_end(study(*rows, seeds=seeds), ends, pick) == first
    assert run_to_the_end(study(*rows, seeds=seeds), ends) == first


def run_to_the_end(
    rows: StudyRecord, ends: Any = record, pick: Any = lambda jobs: jobs[0]
) -> tuple[set[str], set[str]]:
    """Finish one job after another; laws that hold at every moment are checked on the way."""
    found: dict[str, TrialRecord] = {}
    tests: dict[str, TrialRecord] = {}
    features: set[str] = set()
    while jobs := next_jobs(rows, found, tests, features):
        assert len(set(keys(jobs))) == len(jobs)
        progress = progress_of(rows, found, tests)
        assert not progress.complete
        assert progress.finished == len(found) and progress.tested == len(tests)
        job = pick(jobs)
        if job.kind == "features":
            assert job.id not in features
            features.add(job.id)
        elif job.kind == "trial":
            assert job.id not in found and not tests
            found[job.id] = ends(job.id)
        else:
            assert found[job.id].status == "done" and job.id not in tests
            tests[job.id] = record(job.id)
    assert progress_of(rows, found, tests).complete
    return set(found), set(tests)


TRAINED = {"head": 4.0, "lora-1": 15.0, "lora-16": 16.0, "lora-256": 20.0, "full": 28.0}  # seconds
SIZES = {name: ParameterCounts(1000, 10 * int(took), 10) for name, took in TRAINED.items()}


def of_sizes() -> StudyRecord:
    rows = []
    for name in TRAINED:
        row = contender(name, features="ff" if name == "head" else None)
        reads = ModelRecord("bert")
        settings = replace(row.points[0].settings, training={"epochs": 2}, model=reads)
        point = replace(row.points[0], settings=settings, parameters=SIZES[name])
        rows.append(replace(row, points=(point,)))
    return study(*rows, seeds=2)


def side_by_side(rows: StudyRecord, workers: int) -> list[tuple[float, Job]]:
    """When each job of a study starts, as the engine starts them."""
    found: dict[str, TrialRecord] = {}
    tests: dict[str, TrialRecord] = {}
    started: list[tuple[float, Job]] = []
    running: list[tuple[float, int]] = []  # when it ends, and which it is
    now, names = 0.0, {id_of(name, seed=seed): name for name in TRAINED for seed in (0, 1)}
    while True:
        busy = {started[number][1].key for _, number in running}
        ready = [job for job in next_jobs(rows, found, tests, {"ff"}) if job.key not in busy]
        while ready and len(running) < workers:
            job = ready.pop(0)
            took = TRAINED[names[job.id]] / (10 if job.kind == "test" else 1)
            heapq.heappush(running, (now + took, len(started)))
            started.append((now, job))
        if not running:
            return started
        now, number = heapq.heappop(running)
        job = started[number][1]
        took = TRAINED[names[job.id]]
        seconds = {"total": took, "evaluate": took / 10}
        done = replace(record(job.id), costs=TrialCosts(seconds=seconds))
        (tests if job.kind == "test" else found)[job.id] = done


def test_what_takes_longest_starts_first() -> None:
    """The last of all, full fine-tuning, once ran alone for 24 of 87 seconds."""
    started = side_by_side(of_sizes(), workers=2)
    names = {id_of(name, seed=seed): f"{name}-{seed}" for name in TRAINED for seed in (0, 1)}
    order = [names[job.id] for _, job in started]
    longest = ["full", "lora-256", "lora-16", "lora-1", "head"]
    assert order[:5] == [f"{name}-0" for name in longest]  # by the parameters they pass and train
    assert order[5:10] == [f"{name}-1" for name in longest]  # by the seconds of the first seed
    assert order[10::2] == [f"{name}-0" for name in longest]  # the tests
    first_test = started[10][0]
    assert first_test == sum(TRAINED.values())  # no core idles: two seeds on two cores


def test_what_needs_no_model_starts_before_what_takes_long() -> None:
    rows, plain = of_sizes(), contender("tfidf", seeded=False)
    first = next_jobs(replace(rows, contenders=(*rows.contenders, plain)), {}, {}, {"ff"})
    assert [job.id for job in first][:2] == [id_of("tfidf"), id_of("full")]
    hurried = replace(rows, contenders=(*rows.contenders, plain), budget=BudgetRecord(600.0))
    first = next_jobs(hurried, {}, {}, {"ff"})
    assert [job.id for job in first][:3] == [id_of("tfidf"), id_of("head"), id_of("full")]


def test_progress_counts_what_the_study_will_take() -> None:
    rows = study(contender("a", 3), contender("majority", seeded=False))
    start = progress_of(rows, {}, {})
    assert (start.trials, start.finished, start.tests, start.tested) == (6, 0, 4, 0)
    later = progress_of(rows, records(id_of("a", 0), id_of("majority")), {})
    assert (later.trials, later.finished, later.failed) == (6, 2, 0)


def test_progress_shrinks_when_a_contender_fails() -> None:
    rows = study(contender("a"), contender("b"))
    found = {id_of("a"): record(id_of("a"), status="out-of-memory")}
    progress = progress_of(rows, found, {})
    assert (progress.trials, progress.finished, progress.failed) == (4, 1, 1)
    assert (progress.tests, progress.contenders_failed) == (3, 1)


def test_the_launcher_never_loads_torch() -> None:
    code = (
        "import sys, tunewise.studies.launch, tunewise.studies.watching.progress;"
        "import tunewise.store.study, tunewise.studies.watching.timing;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
