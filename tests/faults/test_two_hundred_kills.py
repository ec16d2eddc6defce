"""Two hundred kills of launchers, workers, trials and all that commands do: no byte changes."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.faults.real import command, fork, job, jobs_left, prepared, results
from tests.faults.test_kills import alive

from tunewise.store.study import StudyFolder
from tunewise.studies.exit_codes import Exit

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux", reason="/proc names parents"),
]
ROUNDS, KILLS = 10, 15  # studies of toys, and kills of each
TARGETS = ("launcher", "worker", "worker", "trial", "trial")
TOY: dict[str, Any] = {"seconds": 0.3, "steps": 5, "features": "ff"}


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def targets(study: Path, launcher: int) -> dict[str, list[int]]:
    """The processes of a launch by what they are."""
    pids = {pid: parent(pid) for pid in alive(study)}
    workers = [pid for pid, above in pids.items() if above == launcher]
    trials = [pid for pid, above in pids.items() if above in workers]
    found = {"launcher": [launcher], "worker": workers, "trial": trials}
    return {name: pids for name, pids in found.items() if pids}


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_study_of_toys_killed_fifteen_times(new_study: Any, seed: int) -> None:
    toys = [{**TOY, "features": None}, TOY, TOY]
    undisturbed = new_study("undisturbed").write(*toys, points=2, seeds=2)
    undisturbed.run()
    random, kills = Random(seed), Counter[str]()
    toy = new_study("killed").write(*toys, points=2, seeds=2)
    launcher = toy.launch()
    order = random.sample(TARGETS * (KILLS // len(TARGETS)), KILLS)
    while kills.total() < KILLS:
        what = order[kills.total()]
        if launcher.poll() is not None:
            if toy.table() == undisturbed.table():
                toy = new_study(f"killed{kills.total()}").write(*toys, points=2, seeds=2)
            launcher = toy.launch()
        if not targets(toy.folder.path, launcher.pid).get(what):
            time.sleep(0.02)
            continue
        time.sleep(random.uniform(0.0, 0.4))
        if found := targets(toy.folder.path, launcher.pid).get(what):
            with suppress(ProcessLookupError):
                os.kill(random.choice(found), signal.SIGKILL)
                kills[what] += 1
    launcher.kill()
    launcher.wait()
    while toy.run().exit_code:
        pass
    print(dict(kills))
    assert toy.table() == undisturbed.table()
    assert toy.folder.faults() == []
    assert toy.folder.set_aside() == {}
    assert set(kills) == set(TARGETS)


class Killer:
    """Does an action in forks that are killed at random moments, then once to its end."""

    def __init__(self, seed: int) -> None:
        self.random, self.kills = Random(seed), Counter[str]()

    def __call__(self, what: str, action: Callable[[], Any], kills: int, seconds: float) -> Any:
        for _ in range(kills):
            process = fork(action)
            time.sleep(self.random.uniform(0.0, seconds))
            self.kills[what] += process.is_alive()
            process.kill()
            process.join()
        process = fork(action)
        process.join()
        return process.exitcode


def contents(folder: Path, *names: str) -> dict[str, bytes]:
    """The files of a folder whose names end so; all where none is given."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name.endswith(names or ("",))
    }


def duration(action: Callable[[], Any]) -> float:
    began = time.monotonic()
    process = fork(action)
    process.join()
    assert process.exitcode == 0
    return time.monotonic() - began


def test_a_real_study_killed_in_all_that_is_done_with_it(
    tiny: Callable[[Path], StudyFolder], tmp_path: Path
) -> None:
    killer, took = Killer(0), dict[str, float]()
    undisturbed, place = tiny(tmp_path / "undisturbed"), tmp_path / "killed"
    while left := jobs_left(undisturbed):
        took[left[0].key] = duration(job(left[0], undisturbed))

    def prepare_it() -> None:
        prepared(place)

    seconds = duration(lambda: prepared(tmp_path / "timed"))
    assert killer("prepare", prepare_it, 12, seconds) == 0
    for name in ("train", "validation", "test"):
        stored = f"data/{name}.parquet"
        assert (place / stored).read_bytes() == (undisturbed.path / stored).read_bytes()

    folder = StudyFolder(place)
    while left := jobs_left(folder):
        action, seconds = job(left[0], folder), took[left[0].key]
        assert killer(left[0].kind, action, 6, seconds) == Exit.COMPLETE
        assert folder.faults() == []
    assert results(folder) == results(undisturbed)

    for what, words in {
        "report": ["report", str(place), "--out"],
        "export": ["export", str(place), "--contender", "head", "--to"],
    }.items():
        calm, killed = tmp_path / f"{what}-calm", tmp_path / f"{what}-killed"
        seconds = duration(command(*words, str(calm)))
        assert killer(what, command(*words, str(killed)), 10, seconds) == 0
        endings = (".safetensors", "config.json", ".csv", ".tex", ".svg")
        assert contents(killed, *endings) == contents(calm, *endings) != {}
        assert set(contents(killed)) == set(contents(calm))
    print(dict(killer.kills))
    assert killer.kills.total() >= 40
    assert {"prepare", "features", "trial", "test", "report", "export"} <= set(killer.kills)
