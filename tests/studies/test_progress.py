"""What a person sees while a study runs."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tunewise.store.race import Against, Left, RaceRecord
from tunewise.store.records import StudyRecord
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job, TrialCosts, TrialResult
from tunewise.store.trials import TrialRecord
from tunewise.studies.events import BudgetSpent, Event, Finished, Notice, Started, Stopped, Tick
from tunewise.studies.jobs import next_jobs
from tunewise.studies.race.so_far import SoFar
from tunewise.studies.watching import live_status
from tunewise.studies.watching.live_status import Board
from tunewise.studies.watching.progress import show_progress, view
from tunewise.training.log import TrialLog

NAMES = ["majority", "lora rank=16 targets=[attention, mlp]"]


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    rows = [
        {
            "name": name,
            "seeded": True,
            "points": [
                {
                    "point": {"training.learning_rate": rate},
                    "settings": {"name": name, "rate": rate},
                    "identity": {"name": name, "rate": rate},
                }
                for rate in (1e-4, 5e-4)
            ],
        }
        for name in NAMES
    ]
    made = StudyFolder.create(tmp_path / "rooms")
    study = {
        "name": "rooms",
        "metrics": ["accuracy"],
        "seeds": [0, 1],
        "data": {"has_test": True},
        "contenders": rows,
    }
    made.write_study(StudyRecord.from_json(study), "")
    return made


def job(folder: StudyFolder, number: int) -> Job:
    """One of the four trials of the search."""
    return next_jobs(folder.study(), {}, {})[number]


def ended(
    job: Job, accuracy: float | None = 0.5, status: str = "done", seconds: float = 10.0
) -> Finished:
    metrics = {"validation": {"accuracy": accuracy}}
    result = TrialResult(job.id, metrics=metrics, error="no \x1b[31mluck")
    return Finished(job, TrialRecord(job.id, status, result, TrialCosts(), Path()), seconds)


def plain(folder: StudyFolder, *events: Event) -> list[str]:
    console = Console(file=StringIO(), width=80)
    with show_progress(folder, workers=2, console=console) as hear:
        for event in events:
            hear(event)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def drawn(board: Board, width: int = 80) -> list[str]:
    console = Console(file=StringIO(), width=width)
    console.print(view(board))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def test_away_from_a_terminal_each_finished_trial_is_one_line(folder: StudyFolder) -> None:
    first, second = job(folder, 0), job(folder, 3)
    assert plain(folder, Started(first), Tick(), ended(first), ended(second, None)) == [
        "[1/6] majority learning_rate=0.0001 seed=0: accuracy 50.0 % (10 s)",
        "[2/6] lora rank=16 targets=[attention, mlp] learning_rate=0.0005 seed=0: "
        "accuracy undefined (10 s)",
    ]


def test_a_failed_trial_says_why_and_cannot_steer_the_terminal(folder: StudyFolder) -> None:
    assert plain(folder, ended(job(folder, 0), status="failed")) == [
        "[1/6] majority learning_rate=0.0001 seed=0: failed: no [31mluck (10 s)"
    ]


def test_notices_tests_and_features_are_reported(folder: StudyFolder) -> None:
    trial = job(folder, 0)
    features = Job("features", "ff", trial.settings, "ff")
    test = Job("test", trial.id, trial.settings)
    assert plain(
        folder,
        Notice("something is odd"),
        Finished(features, None, 2.0),
        ended(test),
    ) == [
        "something is odd",
        "stored features: computed (2.0 s)",
        "[test 0/4] majority learning_rate=0.0001 seed=0: done (10 s)",
    ]


@pytest.mark.parametrize("width", [80, 60])
def test_the_live_view_fits_and_tells_trials_apart(folder: StudyFolder, width: int) -> None:
    board = Board(folder, workers=2)
    for number in (2, 3):
        trial = job(folder, number)
        log = TrialLog(folder.trial_folder(trial.id) / "log.jsonl")
        log.write("start", steps=12345)
        log.write("step", step=1234, loss=10.5)
        board.hear(Started(trial))
    board.hear(ended(job(folder, 0), seconds=90_000.0))
    board.hear(Tick())
    lines = drawn(board, width)
    assert max(map(len, lines)) <= width
    if width == 80:
        assert "1/6 trials" in lines[0] and "left" in lines[0]
        assert "learning_rate=0.0001 seed=0" in lines[1]
        assert "learning_rate=0.0005 seed=0" in lines[2]
        assert "1234/12345  loss 10.500" in lines[1]


def test_a_job_that_stopped_leaves_the_view(folder: StudyFolder) -> None:
    board = Board(folder, workers=2)
    board.hear(Started(job(folder, 2)))
    board.hear(Stopped(job(folder, 2)))
    assert board.running == {}


def test_the_leaderboard_is_sorted_by_validation(folder: StudyFolder) -> None:
    board = Board(folder, workers=2)
    board.hear(ended(job(folder, 0), 0.2))
    board.hear(ended(job(folder, 2), 0.4))
    board.hear(ended(job(folder, 3), 0.9))
    assert [(row.name, row.score, row.finished, row.trials) for row in board.standings] == [
        (NAMES[1], 0.9, 2, 3),
        (NAMES[0], 0.2, 1, 3),
    ]


def test_the_live_view_of_a_race_says_who_races_and_who_was_dropped(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = Board(folder, workers=2)
    for number, accuracy in enumerate((0.9, 0.8, 0.4)):
        board.hear(ended(job(folder, number), accuracy))
    assert "racing" not in "\n".join(drawn(board))
    lag = Against(NAMES[1], NAMES[0], -0.5, chance=0.0004, level=0.01)
    race = RaceRecord(
        dict.fromkeys(NAMES, (0, 1)),
        looks=1,
        racing=(NAMES[0],),
        left=(Left(NAMES[1], "behind", 1, 2, lag),),
    )
    monkeypatch.setattr(live_status, "race_of", lambda study, records: race)
    board.hear(ended(job(folder, 3), 0.3))
    lines = drawn(board, width=80)
    (first,) = [line for line in lines if line.lstrip().startswith("majority")]
    assert first.rstrip().endswith("racing")
    (second,) = [line for line in lines if "dropped" in line]
    assert second.lstrip().startswith("lora rank=16 ")
    assert second.split()[-4:] == ["dropped", "−50.0", "<", "0.001"]
    assert any("p: the chance" in line for line in lines)


def test_what_the_clock_has_ended_does_not_train_any_more(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = Board(folder, workers=2)
    for number in range(2):
        board.hear(ended(job(folder, number), 0.9))
    state = SoFar(NAMES[0], {})
    monkeypatch.setattr(board.first_seeds, "look", lambda records: state)

    def race(study: StudyRecord, records: object) -> RaceRecord:
        over = study.name == "over"
        return RaceRecord(dict.fromkeys(NAMES, (0,)), ended="budget" if over else None)

    monkeypatch.setattr(live_status, "race_of", race)
    board.hear(ended(job(folder, 1), 0.9))
    assert [row.state for row in board.standings] == ["leads", "trains"]
    board.hear(BudgetSpent("The budget is spent.", replace(board.study, name="over")))
    assert [row.state for row in board.standings] == ["leads", "stopped"]


def test_a_contender_that_failed_says_so(folder: StudyFolder) -> None:
    board = Board(folder, workers=2)
    for number in (0, 1):
        board.hear(ended(job(folder, number), status="diverged"))
    assert (board.standings[1].failed, board.standings[1].trials) == (True, 2)
    assert any("failed" in line and "majority" in line for line in drawn(board))


def test_the_chosen_point_counts_by_the_mean_of_its_seeds(folder: StudyFolder) -> None:
    board = Board(folder, workers=2)
    board.hear(ended(job(folder, 0), 0.8))
    board.hear(ended(job(folder, 1), 0.2))
    [seed] = [j for j in next_jobs(board.study, board.records, {}) if j.settings.seed == 1]
    board.hear(ended(seed, 0.6))
    assert board.standings[0].score == pytest.approx(0.7)


def test_the_time_left_is_that_of_finished_trials(folder: StudyFolder) -> None:
    board = Board(folder, workers=2)
    assert board.seconds_left() is None
    board.hear(ended(job(folder, 0), seconds=10.0))
    assert board.seconds_left() == 25.0  # five trials of 10 s for two workers
    board.hear(ended(job(folder, 2), seconds=40.0))
    assert board.seconds_left() == (2 * 10.0 + 2 * 40.0) / 2


def test_a_running_trial_counts_by_its_pace(folder: StudyFolder) -> None:
    now = 1000.0
    board = Board(folder, workers=1, clock=lambda: now)
    trial = job(folder, 0)
    board.hear(Started(trial))
    log = TrialLog(folder.trial_folder(trial.id) / "log.jsonl")
    log.write("start", steps=100)
    log.write("step", step=1, loss=1.0)
    board.hear(Tick())
    now += 20.0
    log.write("step", step=50, loss=1.0)
    board.hear(Tick())
    assert board.seconds_left() == pytest.approx(20.0 + 5 * 40.0)


def test_the_live_view_keeps_notices_and_leaves_no_colour(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    console = Console(file=StringIO(), force_terminal=True, width=80, height=24)
    with show_progress(folder, workers=2, console=console) as hear:
        hear(Notice("something is odd"))
        hear(ended(job(folder, 0)))
        hear(ended(job(folder, 1), status="failed"))
    assert isinstance(console.file, StringIO)
    shown = console.file.getvalue()
    assert "something is odd" in shown
    assert "failed: no [31mluck" in shown
    assert "\x1b[3" not in shown.replace("\x1b[3A", "")


def test_a_resumed_trial_is_paced_by_the_steps_it_takes_now(folder: StudyFolder) -> None:
    now = 1000.0
    board = Board(folder, workers=1, clock=lambda: now)
    trial = job(folder, 0)
    log = TrialLog(folder.trial_folder(trial.id) / "log.jsonl")
    log.write("start", steps=100)
    log.write("step", step=1, loss=1.0)
    log.write("step", step=50, loss=1.0)
    board.hear(Started(trial))
    log.write("start", steps=100)
    log.write("step", step=51, loss=1.0)
    now += 20.0
    log.write("step", step=60, loss=1.0)
    board.hear(Tick())
    assert board.running[trial.key].seconds_left(now) == pytest.approx(80.0)
