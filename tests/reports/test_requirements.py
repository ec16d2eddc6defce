from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.reports.conftest import Seen, look
from tests.reports.fabricate import CONTENDERS, Plan

from tunewise.analysis.verdict.requirements import Recommendation, recommendation

SMALL = Plan(seeds=(0, 1), epochs=1, validation=200, test=300)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return look(tmp_path_factory.mktemp("limits") / "s", SMALL)


def within(seen: Seen, **limits: Any) -> Recommendation:
    found = recommendation(limits, seen.results)
    assert found is not None
    return found


def test_a_study_without_limits_recommends_nothing_of_its_own(seen: Seen) -> None:
    assert seen.verdict.within is None
    assert recommendation({}, seen.results) is None


def test_the_best_within_the_limits_is_named_with_what_it_loses(seen: Seen) -> None:
    best = seen.results.rows[0].name
    artifacts = {one.name: one.artefact for one in CONTENDERS}
    found = within(seen, artefact=artifacts["head"])
    assert (best, found.name) == ("full", "head")
    assert found.within == ("head", "majority")  # 9,100 and 180 bytes; TF-IDF has 412,000
    assert "full scores higher" in found.says
    assert "but misses artifact (90.9 MB)" in found.says
    assert found.misses[0].bound == 9100


def test_what_answers_too_slowly_is_not_recommended(seen: Seen) -> None:
    """Answers were timed when contenders were tested: a ten-thousandth of their training here."""
    seconds = {one.name: one.seconds / 1e4 for one in CONTENDERS}
    found = within(seen, latency=seconds["head"])
    assert seconds["full"] > seconds["head"]
    assert found.name != "full" and found.misses[0].limit == "latency"
    assert "latency at most" in found.says and f"({1000 * seconds['full']:.3g} ms)" in found.says


def test_the_best_itself_is_taken_where_it_keeps_the_limits(seen: Seen) -> None:
    found = within(seen, artefact=1e9, accuracy=0.1)
    assert found.name == "full"
    assert found.misses == ()
    assert found.says == (
        "Within the limits (artifact at most 1.00 GB and accuracy at least 10.0 %), "
        "full is the one to take."
    )


def test_where_none_keeps_them_the_nearest_miss_is_named(seen: Seen) -> None:
    found = within(seen, accuracy=0.999, artefact=1000, parameters=10)
    assert (found.name, found.within) == (None, ())
    assert found.nearest == "majority"  # one limit missed; every other row misses at least two
    assert [miss.limit for miss in found.misses] == ["accuracy"]
    assert found.says.startswith("No contender keeps the limits (accuracy at least 99.9 %, ")


def test_of_those_that_miss_equally_many_the_smallest_factor_is_nearest(seen: Seen) -> None:
    found = within(seen, accuracy=0.999)
    assert found.nearest == "full"


def test_what_was_not_measured_is_not_kept(tmp_path: Path) -> None:
    seen = look(tmp_path / "s", replace(SMALL, contenders=CONTENDERS[:2]))
    rows = tuple(
        replace(row, measured=replace(row.measured, peak_bytes=None)) for row in seen.results.rows
    )
    found = recommendation({"memory": 8e9}, replace(seen.results, rows=rows))
    assert found is not None
    assert found.name is None
    assert "memory (not measured)" in found.says


def test_page_and_verdict_tell_the_choice(tmp_path: Path) -> None:
    seen = look(tmp_path / "s", replace(SMALL, require={"artefact": 1e6, "time": 60}))
    assert seen.verdict.within is not None
    assert seen.verdict.within.name == "head"
    assert "the one to take" in seen.html


def test_the_leanest_of_the_tied_is_named(rooms: Seen) -> None:
    assert (rooms.verdict.cheapest, rooms.verdict.leanest, rooms.verdict.fastest) == (
        ("lora rank=16",) * 3
    )
    assert rooms.verdict.cost is not None
    assert "lora rank=16 peaks at 305 MB of memory against 663 MB for full" in rooms.verdict.cost
