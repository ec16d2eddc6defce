"""A study under a budget that is killed again and again decides as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import Any

import pytest

from tunewise.store.race import read_race
from tunewise.store.records import DataRecord

pytestmark = pytest.mark.faults
SCORES = (0.8, 0.78, 0.6, 0.3)
PRICES = {
    f"toy{number}": {"step": 0.0, "around": 1.0, "steps": [0], "test": 0.0}
    for number in (0, 1, 2, 3)
}
BUDGET = {"seconds": 60.0, "workers": 2, "prices": PRICES, "speed": 1.0, "clocked": False}


def raced(new: Any, name: str, budget: dict[str, Any] = BUDGET) -> Any:
    toys = [
        {"score": score, "examples": 200, "seconds": 0.1, "steps": 3, "row": n}
        for n, score in enumerate(SCORES)
    ]
    data = DataRecord(rows={"validation": 200, "test": 200}, has_test=True).as_json()
    return new(name).write(*toys, seeds=6, budget=budget, data=data)


def test_ten_kills_of_a_race_change_no_decision_and_no_byte(new_study: Any) -> None:
    undisturbed = raced(new_study, "undisturbed")
    assert undisturbed.run().exit_code == 0
    killed = raced(new_study, "killed")
    for _ in range(10):
        launcher = killed.launch()
        time.sleep(random.uniform(0.3, 1.5))
        os.killpg(launcher.pid, signal.SIGKILL)
        launcher.wait(30)
    assert killed.run().exit_code == 0
    assert killed.table() == undisturbed.table()
    race = read_race(undisturbed.folder.path)
    assert race is not None and race.ended and race.dropped and race.looks > 0
    assert read_race(killed.folder.path) == race


def test_the_clock_ends_a_race_and_the_next_launch_obeys(new_study: Any) -> None:
    toy = raced(new_study, "late", {**BUDGET, "seconds": 17.0, "clocked": True})
    assert toy.run().exit_code == 0
    race = read_race(toy.folder.path)
    assert race is not None and race.ended == "budget" and race.by_clock
    tested = set(toy.folder.tests())
    assert tested and toy.run().exit_code == 0
    assert set(toy.folder.tests()) == tested
