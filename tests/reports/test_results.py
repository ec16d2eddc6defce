from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.drawings import drawn_truly
from tests.reports.conftest import Seen, look
from tests.reports.fabricate import CONTENDERS, Plan, without

from tunewise.analysis.curves import validation_curve
from tunewise.reports.document.csv import as_csv
from tunewise.reports.document.latex import as_latex
from tunewise.reports.document.model import Table
from tunewise.reports.outputs.record import record
from tunewise.reports.outputs.write import write_plot
from tunewise.statistics.metrics import METRICS
from tunewise.studies.chosen import chosen_ids

LORA = CONTENDERS[3]
BROKEN = replace(
    LORA,
    name="lora lost",
    points=LORA.points[:1],
    settings={"rank": 4},
    fails={(0, 0): ("out-of-memory", "4.1 GB were asked for.")},
)
HALF = replace(
    LORA,
    name="lora half",
    points=LORA.points[:1],
    settings={"rank": 2},
    fails={(0, 2): ("killed", "The process was ended by signal 9.")},
)


def measured_left_out(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: measured_left_out(v) for k, v in value.items() if k != "measured"}
    return [measured_left_out(v) for v in value] if isinstance(value, list) else value


def test_there_is_one_row_for_each_contender_and_the_best_comes_first(rooms: Seen) -> None:
    names = [row.name for row in rooms.results.rows]
    assert sorted(names) == sorted(contender.name for contender in CONTENDERS)
    means = [row.test["accuracy"].mean for row in rooms.results.rows]
    assert means == sorted(means, reverse=True)
    assert rooms.results.rows[0].standing == "best"


def test_the_chosen_point_is_the_one_the_study_itself_chooses(rooms: Seen) -> None:
    study, records = rooms.folder.study(), rooms.folder.records()
    for described, contender in zip(study.contenders, rooms.evidence.contenders, strict=True):
        ids = [trial.record.id for trial in contender.finished]
        assert ids == chosen_ids(study, described, records)


def test_a_score_is_the_mean_of_the_stored_metrics_over_seeds(rooms: Seen) -> None:
    for contender in rooms.evidence.contenders:
        row = next(row for row in rooms.results.rows if row.name == contender.name)
        stored = [trial.metrics("test")["f1_macro"] or 0.0 for trial in contender.finished]
        assert row.test["f1_macro"].mean == pytest.approx(np.mean(stored))
        assert len(stored) == (3 if contender.described.seeded else 1)


def test_one_seed_has_no_standard_deviation(rooms: Seen) -> None:
    rows = {row.name: row for row in rooms.results.rows}
    assert rows["tfidf"].test["accuracy"].sd is None
    assert rows["full"].test["accuracy"].sd is not None


def test_intervals_hold_their_means(rooms: Seen) -> None:
    for row in rooms.results.rows:
        for split in ("validation", "test"):
            for metric in ("accuracy", "f1_macro"):
                low, high = row.intervals[split, metric]
                assert low <= row.scores(split)[metric].mean <= high


def test_a_failed_contender_keeps_its_row_with_status_and_error(tmp_path: Path) -> None:
    seen = look(tmp_path / "s", replace(without(Plan(), "full"), contenders=(LORA, BROKEN, HALF)))
    rows = {row.name: row for row in seen.results.rows}
    assert rows["lora lost"].status == "out-of-memory"
    assert rows["lora lost"].error == "4.1 GB were asked for."
    assert rows["lora lost"].test == {}
    assert rows["lora half"].status == "killed"
    assert rows["lora half"].seeds == (0, 1)
    assert {row.name for row in seen.results.failed} == {"lora lost", "lora half"}


def test_a_study_without_any_trial_has_rows_and_no_scores(tmp_path: Path) -> None:
    seen = look(tmp_path / "s", Plan(ran=False))
    assert [row.status for row in seen.results.rows] == ["unfinished"] * 5
    assert seen.results.best is None
    assert json.dumps(record(seen.facts), allow_nan=False)


def test_the_record_is_json_and_names_what_was_measured(rooms: Seen) -> None:
    content = record(rooms.facts)
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert content["schema"] == 1
    first = content["contenders"][0]
    assert first["measured"]["seconds"] > 0
    assert "seconds" not in first and "peak_bytes" not in first


def test_what_was_not_measured_is_the_same_on_another_machine(tmp_path: Path, rooms: Seen) -> None:
    other = look(tmp_path / "s", Plan(host="elsewhere", pace=3.7))
    ours, theirs = (record(s.facts) for s in (rooms, other))
    assert ours != theirs
    assert json.dumps(measured_left_out(ours)) == json.dumps(measured_left_out(theirs))


def test_metrics_of_reports_are_those_of_the_statistics(rooms: Seen) -> None:
    assert set(rooms.results.metrics) <= set(METRICS)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1"])
def test_csv_disarms_text_and_leaves_numbers_alone(text: str) -> None:
    lines = as_csv(Table.of_files("t", "t", ("text", "number"), [(text, -0.5)])).splitlines()
    cell, number = lines[1].split(",")
    assert cell.startswith("'")
    assert number == "-0.5"


def test_latex_sees_no_command_in_names() -> None:
    made = as_latex(Table.of_files("t", "t", ("a",), [("\\input{x} $1 & 50 % #_^~",)]))
    row = made.splitlines()[5]
    assert row == (
        r"\textbackslash{}input\{x\} \$1 \& 50 \% \#\_\textasciicircum{}\textasciitilde{} \\"
    )


def test_every_table_has_as_many_cells_as_columns(rooms: Seen) -> None:
    for table in rooms.tables.values():
        assert all(len(row) == len(table.columns) for row in table.rows), table.key


def test_what_did_not_fit_stands_in_the_bars_with_nothing(tmp_path: Path) -> None:
    lost = replace(
        CONTENDERS[4],
        points=({},),
        skills=(0.8,),
        fails={(0, 0): ("out-of-memory", "held more than the memory limit of 8 GB.")},
    )
    seen = look(tmp_path / "s", Plan(contenders=(*CONTENDERS[:2], lost), seeds=(0,)))
    row = next(row for row in seen.results.rows if row.name == "full")
    assert (row.status, row.standing) == ("out-of-memory", "unscored")
    assert row.measured.peak_bytes is not None
    for key in ("test-accuracy", "both-splits-accuracy", "validation-metrics"):
        [chart] = [chart for chart in seen.charts if chart.key == key]
        assert "full out of memory, counted as 0" in chart.says
        with drawn_truly():
            write_plot(tmp_path, chart)
        assert ">out of memory<" in (tmp_path / f"{key}.svg").read_text()


def test_bars_stand_side_by_side_with_their_own_means(rooms: Seen) -> None:
    charts = {chart.key: chart.spec for chart in rooms.charts}
    for key, wanted in {
        "both-splits-accuracy": [("validation", "accuracy"), ("test", "accuracy")],
        "validation-metrics": [("validation", "accuracy"), ("validation", "f1_macro")],
    }.items():
        (drawn, *_) = charts[key]["datasets"].values()
        means = [row.scores(s)[m].mean for row in rooms.results.rows for s, m in wanted]
        assert [value["mean"] for value in drawn] == means


def test_best_and_last_epoch_are_those_of_the_curve(rooms: Seen) -> None:
    table = rooms.tables["best-and-last"]
    curve = validation_curve(rooms.evidence, "accuracy")
    assert [row[0].name for row in table.rows] == ["head", "lora rank=16", "full"]
    for named, best, at, last, epochs in table.rows:
        own = {point.epoch: point.mean for point in curve if point.name == named.name}
        assert (best, last) == (max(own.values()), own[max(own)])
        assert own[at] == best and epochs == len(own) == 6
