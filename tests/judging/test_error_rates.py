"""How often verdicts and gates are wrong: by direct simulation, and as benchmarks measure it."""

from __future__ import annotations

import importlib
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from benchmarks.gate import ALPHA, LEAST_OF_FIXED, MOST_FALSE, Change, one_sided
from scipy import stats
from tests.judging.made import rows_of

import tunewise
from tunewise.judging.gate import Gate
from tunewise.statistics.looks import level_of_look
from tunewise.statistics.power import examples_needed
from tunewise.store.lock import exclusive

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
EXAMPLES, LOOKS, LOOPS = 500, 60, 400


def looked_at(loops: int, gain: float, seed: int) -> np.ndarray:
    """One-sided p values of so many loops of changes, shape (loops, looks)."""
    rng = np.random.default_rng(seed)
    right = np.broadcast_to(rng.binomial(EXAMPLES, 0.8, size=loops)[:, None], (loops, LOOKS))
    won, lost = Change.of(0.10, gain).drawn(right, EXAMPLES, rng)
    return one_sided(won, lost)


def levels() -> np.ndarray:
    return np.array([level_of_look([False] * look, alpha=ALPHA) for look in range(LOOKS)])


def test_loops_without_a_gain_keep_something_in_no_more_than_they_may() -> None:
    p = looked_at(LOOPS, 0.0, seed=0)
    assert (p <= levels()).any(axis=1).mean() <= MOST_FALSE
    assert (p <= ALPHA / 2).any(axis=1).mean() > 0.3  # what a test at each look does


def test_a_gain_at_the_first_look_is_kept_as_often_as_a_single_test_finds_it() -> None:
    p = looked_at(LOOPS, 0.03, seed=1)[:, 0]
    assert (p <= levels()[0]).mean() >= LEAST_OF_FIXED * (p <= ALPHA / 2).mean() > 0


@pytest.mark.parametrize(("won", "lost"), [(20, 9), (9, 20), (13, 12), (1, 0)])
def test_the_benchmark_of_the_gate_has_its_p_values(won: int, lost: int) -> None:
    best = np.arange(200) % 4 != 0
    new = best.copy()
    new[np.flatnonzero(~best)[:won]] = True
    new[np.flatnonzero(best)[:lost]] = False
    labels = np.zeros(200, dtype=int)
    found = Gate(None).look(rows_of(new, labels), rows_of(best, labels))
    assert found.p == pytest.approx(float(one_sided(np.array(won), np.array(lost))))
    greater = stats.binomtest(won, won + lost, alternative="greater").pvalue
    if won > lost:
        assert found.p == pytest.approx(greater)


def test_as_many_examples_as_are_said_to_be_needed_show_the_difference() -> None:
    """By direct simulation: 80 of 100 such studies, within what chance and rounding leave."""
    difference, turned = 0.03, 0.10
    needed = examples_needed(difference, turned)
    assert needed is not None
    rng = np.random.default_rng(2)
    chances = [(turned + difference) / 2, (turned - difference) / 2, 1 - turned]
    won, lost, _ = rng.multinomial(needed, chances, size=4000).T
    p = np.minimum(1, 2 * stats.binom.cdf(np.minimum(won, lost), won + lost, 0.5))
    assert 0.76 <= (p <= 0.05).mean() <= 0.84


def test_studies_are_judged_through_files_as_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    judged = importlib.import_module("judged")
    through_files, direct = judged.told(2, 2, 3), judged.claimed(2, 2, 3)
    assert through_files.rejected == direct
    assert 0.3 < through_files.covered <= 1


def test_looks_at_one_gate_at_the_same_time_wait_for_one_another(tmp_path: Path) -> None:
    state, held = tmp_path / "state.json", threading.Event()

    def another() -> None:
        with exclusive(tmp_path / ".state.json.lock", "a look"):
            held.set()
            time.sleep(0.7)  # longer than others wait

    thread = threading.Thread(target=another)
    thread.start()
    held.wait()
    found = tunewise.Gate(state).look([1.0, 0.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0])
    thread.join()
    assert found.look == 1 and state.exists()
