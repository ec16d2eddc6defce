from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reports.conftest import Seen, look_at
from tests.reports.fabricate import Plan, fabricate
from tests.reports.fabricate_written import WrittenPlan, fabricate_written

from tunewise.analysis.costs import device_peaks, pareto, placed
from tunewise.analysis.tuning.searching import best_of, tried
from tunewise.core.files import mark_complete
from tunewise.reports.document.latex import as_latex
from tunewise.reports.outputs.write import write_report
from tunewise.store.study import StudyFolder

POINTS = st.lists(
    st.tuples(st.integers(1, 6), st.integers(0, 6)).map(lambda p: (float(p[0]), float(p[1]))),
    min_size=1,
    max_size=12,
)


@given(POINTS)
def test_every_point_off_the_front_is_beaten_by_one_on_it(
    points: list[tuple[float, float]],
) -> None:
    on = pareto(points)
    front = [point for point, kept in zip(points, on, strict=True) if kept]
    assert front
    for point, kept in zip(points, on, strict=True):
        beaten = any(c <= point[0] and q >= point[1] and (c, q) != point for c, q in front)
        assert beaten != kept


def test_the_front_is_that_of_scores_against_costs(rooms: Seen) -> None:
    points = {point.row.name: point for point in placed(rooms.results, "parameters")}
    assert set(points) == {"head", "lora rank=16", "full"}  # the others train no network
    assert points["full"].cost == 22_715_141
    assert all(point.front for point in points.values())
    memory = {point.row.name: point.front for point in placed(rooms.results, "memory")}
    assert not memory["majority"]  # TF-IDF needs as little and scores more


def test_the_reduction_factor_is_total_over_trained(rooms: Seen) -> None:
    factors = {row.name: row.parameters and row.parameters.reduction for row in rooms.results.rows}
    assert factors["lora rank=16"] == pytest.approx(23_010_053 / 296_837)
    assert factors["full"] == 1.0
    assert factors["majority"] is None


def test_other_bytes_that_a_trial_measured_get_their_column(tmp_path: Path) -> None:
    folder = fabricate(tmp_path / "s", Plan(seeds=(0,), epochs=1))
    for path in folder.glob("trials/*/costs.json"):
        content = json.loads(path.read_text())
        content["bytes"] |= {"allocated": 7, "reserved": 9}
        path.write_text(json.dumps(content))
        mark_complete(path.parent)
    table = look_at(folder).tables["costs"]
    keys = [column.key for column in table.columns]
    assert {"allocated bytes", "reserved bytes", "test accuracy", "test loss"} <= {*keys}
    place = keys.index("reserved bytes")
    assert {row[place] for row in table.rows} == {9}
    assert r"reduction factor" in as_latex(table)


def test_memory_of_a_gpu_has_its_table_by_phase(tmp_path: Path, rooms: Seen) -> None:
    plan = WrittenPlan(ranks=(4,), seeds=(0, 1), validation=20, test=20, decoding=("greedy",))
    folder = fabricate_written(tmp_path / "s", plan)
    trained = 0
    for path in sorted(folder.glob("trials/*/costs.json")):
        content = json.loads(path.read_text())
        if memory := content.get("memory"):
            trained += 1
            forward = {"allocated": 300 + trained, "reserved": 900 - trained}
            memory["device"] = {"forward": forward, "update": {"allocated": 9, "reserved": 2000}}
            path.write_text(json.dumps(content))
            mark_complete(path.parent)
    seen = look_at(folder)
    table = seen.tables["gpu-memory"]
    by_key = {column.key: place for place, column in enumerate(table.columns)}
    peaks = device_peaks(seen.evidence, seen.results)
    assert 1 < len(peaks) == len(table.rows)
    for one, row in zip(peaks, table.rows, strict=True):
        assert row[by_key["allocated bytes"]] == one.allocated["forward"] > 300
        assert row[by_key["forward reserved"]] == one.reserved["forward"]
        assert row[by_key["reserved bytes"]] == row[by_key["update reserved"]] == 2000
    assert all(one.most_allocated == one.allocated["forward"] for one in peaks)
    assert "update allocated" in as_latex(table)
    assert "Memory of the GPU by phase" in seen.html
    assert "gpu-memory" not in rooms.tables


def test_points_of_a_search_are_reported_with_the_chosen_and_its_edge(rooms: Seen) -> None:
    by_name = {contender.name: contender for contender in rooms.evidence.contenders}
    head = tried(by_name["head"], "accuracy")
    assert [point.values["training.learning_rate"] for point in head] == [1e-3, 5e-4, 1e-4]
    assert [point.chosen for point in head] == [True, False, False]
    assert head[0].edges == ()  # of 300 examples, 6 points ahead of the next: it may be chance
    full = tried(by_name["full"], "accuracy")
    assert (full[-1].score, full[-1].status) == (None, "diverged")


def test_the_expected_best_rises_from_the_mean_to_the_best(rooms: Seen) -> None:
    by_name = {contender.name: contender for contender in rooms.evidence.contenders}
    lora = by_name["lora rank=16"]
    scores = [point.score("accuracy") or 0.0 for point in lora.points]
    curve = best_of(lora, "accuracy")
    assert curve[0] == pytest.approx(sum(scores) / 3)
    assert curve == sorted(curve)
    assert curve[-1] < max(scores)  # three draws with replacement may miss the best
    assert best_of(by_name["full"], "accuracy") == []  # two points that ended are too few


def test_plots_and_tables_of_an_earlier_report_go_and_nothing_else(tmp_path: Path) -> None:
    folder = StudyFolder.open(fabricate(tmp_path / "s", Plan(seeds=(0,), epochs=1)))
    out = tmp_path / "report"
    write_report(folder, out)
    listed = json.loads((out / "written.json").read_text())
    assert {f"{p.parent.name}/{p.name}" for p in out.glob("*/*")} == set(listed["files"])
    (out / "plots" / "mine.svg").write_text("somebody's own")
    (tmp_path / "precious.txt").write_text("kept")
    gone = "plots/search-9.svg"
    (out / gone).write_text("an earlier report's")
    bad = ["../precious.txt", "plots/../../precious.txt", "index.html", "/etc/hostname", 7]
    (out / "written.json").write_text(json.dumps({"files": [gone, *bad]}))
    write_report(folder, out)
    assert not (out / gone).exists()
    assert (out / "plots" / "mine.svg").exists()
    assert (out / "index.html").exists()
    assert (tmp_path / "precious.txt").read_text() == "kept"
    assert json.loads((out / "written.json").read_text()) == listed
    (out / "written.json").write_text("{broken")
    write_report(folder, out)
    with (out / "tables" / "search.csv").open(newline="") as file:
        assert next(csv.reader(file))[0] == "contender"
