"""A whole study through the command line: run, asked about, killed, and run again."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from random import Random
from subprocess import DEVNULL, PIPE
from typing import Any

import pytest
from tests.commands import Run, launched

from tunewise.store.study import StudyFolder


def computed(folder: Path) -> str:
    """The results file without what was measured."""
    content = json.loads((folder / "report" / "evaluation_results.json").read_text())
    return json.dumps(without_measured(content))


def without_measured(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_measured(v) for k, v in value.items() if k != "measured"}
    return [without_measured(item) for item in value] if isinstance(value, list) else value


def trial_results(folder: Path) -> dict[str, str]:
    """Every trial's and test's result file, which is a function of the settings alone."""
    found = [*folder.glob("trials/*/result.json"), *folder.glob("tests/*/result.json")]
    return {str(path.relative_to(folder)): path.read_text() for path in found}


def test_a_study_ends_with_every_row_and_a_report(finished: Path) -> None:
    content = json.loads((finished / "report" / "evaluation_results.json").read_text())
    rows = {row["name"]: row for row in content["contenders"]}
    assert set(rows) == {"majority", "tfidf", "head", "lora", "full"}
    assert all(row["status"] == "done" for row in rows.values())
    assert rows["lora"]["seeds"] == [0, 1]
    assert rows["tfidf"]["seeds"] == [0]  # every seed would give the same
    assert rows["head"]["parameters"]["trainable"] == 2 * 16 + 2  # C d + C: the pooler is frozen
    assert (finished / "report" / "index.html").stat().st_size < 3_000_000


def test_weights_stay_for_the_chosen_and_the_removal_of_others_is_noted(finished: Path) -> None:
    folder = StudyFolder.open(finished)
    kept = {path.name for path in (finished / "weights").iterdir() if path.is_dir()}
    assert kept == set(folder.tests())
    assert set(folder.removed_weights()) == set(folder.records()) - kept


def test_the_test_split_was_opened_once_for_each_chosen_trial(finished: Path) -> None:
    for test in StudyFolder.open(finished).tests().values():
        assert test.costs.opened
    assert len(list((finished / "tests").glob("*/COMPLETE.json"))) == 8


def test_running_again_runs_nothing_and_changes_nothing(
    finished: Path, place: Path, tunewise: Run
) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.glob("t*s/*/*") if path.is_file()}
    again = tunewise("run", "study.yaml", cwd=place)
    assert again.returncode == 0, again.stderr
    after = {path: path.stat().st_mtime_ns for path in finished.glob("t*s/*/*") if path.is_file()}
    assert after == before


def test_status_results_and_report_answer_from_the_folder(
    finished: Path, place: Path, tunewise: Run
) -> None:
    status = tunewise("status", "runs/small", cwd=place)
    assert "complete" in status.stdout
    assert "11 of 11" in status.stdout  # 2 + 3 methods, 2 points and a second seed each
    rows = json.loads(tunewise("results", "runs/small", "--format", "json", cwd=place).stdout)
    assert [row["name"] for row in rows["contenders"]]
    csv = tunewise("results", "runs/small", "--format", "csv", cwd=place).stdout
    assert len(csv.splitlines()) == 6
    table = tunewise("results", "runs/small", cwd=place).stdout
    assert max(map(len, table.splitlines())) <= 80
    assert tunewise("report", "runs/small", cwd=place).returncode == 0


@pytest.mark.faults
@pytest.mark.parametrize("seed", [0])
def test_killed_five_times_it_ends_byte_equal(
    finished: Path, place: Path, tunewise: Run, seed: int
) -> None:
    """The whole process group is killed at random moments; the same command goes on each time."""
    random = Random(seed)
    killed = 0
    out = place / "runs" / f"killed-{seed}"
    words = ("run", "study.yaml", "--out", str(out))
    for _ in range(5):
        running = launched(*words, cwd=place, stdout=DEVNULL, stderr=DEVNULL)
        started = time.monotonic()
        while not (out / "study.json").exists() and time.monotonic() - started < 60:
            time.sleep(0.05)  # kills before there is a study are cheap to survive
        time.sleep(random.uniform(0.5, 6.0))
        killed += running.poll() is None
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    ended = tunewise(*words, cwd=place)
    assert ended.returncode == 0, ended.stderr
    assert killed >= 3
    assert trial_results(out) == trial_results(finished)
    assert computed(out) == computed(finished)


def test_ctrl_c_stops_with_130_and_the_same_command_goes_on(
    finished: Path, place: Path, tunewise: Run
) -> None:
    out = place / "runs" / "interrupted"
    fewer = ("--set", "methods=[majority, full]", "--set", "seeds=[0]")
    words = ("run", "study.yaml", "--out", str(out), *fewer)
    running = launched(*words, cwd=place, stdout=DEVNULL, stderr=PIPE)
    while not list(out.glob("trials/*/COMPLETE.json")):
        time.sleep(0.05)
        assert running.poll() is None
    os.killpg(running.pid, signal.SIGINT)
    _, message = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "The same command resumes" in " ".join(message.split())
    stopped = set(trial_results(out))
    assert tunewise(*words, cwd=place).returncode == 0
    ended, undisturbed = trial_results(out), trial_results(finished)
    assert ended == {path: undisturbed[path] for path in ended}
    assert len(ended) == 5 > len(stopped)  # majority, two rates of full, two tests
