from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.reports.conftest import Seen, look
from tests.reports.fabricate import CONTENDERS, Plan

from tunewise.analysis.slices import MOST_SLICES, Sliced, _groups, _quartiles, sliced
from tunewise.statistics.corrections import holm
from tunewise.statistics.intervals import wilson
from tunewise.statistics.paired import mcnemar_of

PLAN = Plan(seeds=(0,), epochs=1, validation=60, test=300, slices=("length", "kind", "label"))


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return look(tmp_path_factory.mktemp("slices") / "s", PLAN)


@pytest.fixture(scope="module")
def found(seen: Seen) -> Sliced:
    made = sliced(seen.evidence, seen.results)
    assert made is not None
    return made


def test_every_example_lies_in_one_slice_of_every_column(found: Sliced) -> None:
    assert list(found.columns) == ["length", "kind", "label"]
    for slices in found.columns.values():
        assert sum(one.items for one in slices) == 300
    assert [one.value for one in found.columns["kind"]] == ["cellar", "flat", "room"]
    assert {one.value for one in found.columns["label"]} == set(PLAN.labels)
    assert 2 <= len(found.columns["length"]) <= 4


def test_scores_intervals_and_tests_are_those_of_the_stored_answers(
    seen: Seen, found: Sliced
) -> None:
    """Against the Parquet files: the fraction right, Wilson, McNemar, and Holm over all slices."""
    data = pq.read_table(seen.folder.path / "data" / "test.parquet").to_pydict()
    kind = dict(zip(data["id"], data["kind"], strict=True))
    right = {}
    for contender in seen.evidence.contenders:
        answers = contender.finished[0].answers("test") if contender.finished else None
        if answers is not None:
            right[contender.name] = dict(
                zip(answers.ids, answers.choices == answers.labels, strict=True)
            )
    assert found.best is not None and found.second is not None
    for one in found.columns["kind"]:
        inside = [id for id in kind if kind[id] == one.value]
        for score in one.scores:
            hits = sum(int(right[score.name][id]) for id in inside)
            assert score.mean == pytest.approx(hits / len(inside))
            assert score.interval == pytest.approx(wilson(hits, len(inside)))
        ours, theirs = (
            np.array([right[name][id] for id in inside]) for name in (found.best, found.second)
        )
        assert one.difference == pytest.approx(ours.mean() - theirs.mean())
        assert one.test is not None
        assert one.test.p == pytest.approx(mcnemar_of(ours, theirs).exact)
    tests = [one.test for one in found.slices if one.test]
    assert found.counted == len(tests) == len(found.slices)
    adjusted = holm([test.p for test in tests if test.p is not None])
    assert [test.p_adjusted for test in tests] == pytest.approx(adjusted.tolist())


def test_the_compared_rows_are_those_of_the_whole_study(seen: Seen, found: Sliced) -> None:
    assert [found.best, found.second] == [row.name for row in seen.results.rows[:2]]


def test_page_and_tables_show_them(seen: Seen) -> None:
    page = " ".join(seen.html.split())
    assert 'id="slices"' in page
    assert "p is corrected by Holm over" in page
    assert [chart.key for chart in seen.charts if chart.key.startswith("slices")] == [
        "slices-1",
        "slices-2",
        "slices-3",
    ]


def test_a_study_that_names_no_slices_has_none(rooms: Seen) -> None:
    assert sliced(rooms.evidence, rooms.results) is None
    assert 'id="slices"' not in rooms.html


def test_a_single_row_is_sliced_and_not_tested(tmp_path: Path) -> None:
    seen = look(tmp_path / "s", replace(PLAN, contenders=CONTENDERS[:1]))
    made = sliced(seen.evidence, seen.results)
    assert made is not None
    assert (made.second, made.counted) == (None, 0)
    assert "Best − second" not in seen.html


def test_rare_values_are_put_together_and_missing_ones_kept() -> None:
    values: dict[str, str | None] = {f"a{n}": f"value {n % 20}" for n in range(100)}
    values |= {"b": None, "c": ""}
    groups = dict(_groups(values, cut=False))
    assert len(groups) == MOST_SLICES
    assert "(11 rarer values)" in groups
    assert sum(map(len, groups.values())) == 102
    assert set(dict(_groups({"b": None, "c": ""}, cut=False))) == {"(missing)", "(empty)"}


def test_numbers_are_cut_at_quartiles_and_equal_ones_never_parted() -> None:
    groups = _quartiles({str(n): float(n) for n in range(1, 101)})
    assert [name for name, _ in groups] == ["1 to 25", "26 to 50", "51 to 75", "76 to 100"]
    assert [name for name, _ in _quartiles({"a": 5, "b": 5, "c": 5, "d": 9})] == ["5", "9"]
    few = {str(n): str(n % 3) for n in range(30)}
    assert [name for name, _ in _groups(few, cut=False)] == ["0", "1", "2"]


def test_hostile_values_stay_text(hostile: Seen) -> None:
    made = sliced(hostile.evidence, hostile.results)
    assert made is not None
    assert any("<script>" in one.value for one in made.slices)
    assert "<script>window" not in hostile.html
