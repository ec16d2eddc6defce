"""What results look like in a notebook, and as values of Python."""

from __future__ import annotations

import importlib.util
import json
from html.parser import HTMLParser

import altair
import pandas as pd
import pytest
from tests.reports.conftest import Seen

from tunewise.core.errors import InputError
from tunewise.core.frame import frame
from tunewise.reports.outputs import notebook
from tunewise.results import StudyResults

VOID = {"line", "br", "hr", "input", "img"}


class Elements(HTMLParser):
    """Every element of a cell; each has to be closed where it was opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def opened(rooms: Seen) -> StudyResults:
    return StudyResults(rooms.folder.path)


def cells(seen: Seen) -> list[str]:
    first, second = [row.name for row in seen.results.scored][:2]
    opened = StudyResults(seen.folder.path)
    return [
        opened._repr_html_(),
        opened.verdict._repr_html_(),
        opened.results._repr_html_(),
        opened.compare(first, second)._repr_html_(),
    ]


def test_every_display_is_whole_html_without_scripts(rooms: Seen, hostile: Seen) -> None:
    for html in (*cells(rooms), *cells(hostile)):
        found = Elements(html)
        assert found.open == []
        assert not found.seen & {"script", "iframe", "img", "link", "a"}
        assert not any(name.startswith("on") for name in found.attributes)


def test_a_study_shows_its_verdict_and_each_contender(opened: StudyResults) -> None:
    html = opened._repr_html_()
    assert opened.verdict.headline in html
    assert all(f">{row.name}<" in html for row in opened.results.rows)
    assert "full scores highest" in repr(opened)


def test_a_frame_has_the_rows_of_the_report_with_their_intervals(opened: StudyResults) -> None:
    frame = opened.to_frame()
    assert isinstance(frame, pd.DataFrame)
    best = opened.results.rows[0]
    assert list(frame["contender"]) == [row.name for row in opened.results.rows]
    assert frame["test accuracy"][0] == best.test["accuracy"].mean
    assert frame["test accuracy low"][0] == best.intervals["test", "accuracy"].low
    assert frame["standing"][0] == "best"
    second = opened.results.rows[1].to_best
    assert second is not None
    assert frame["to the best"][1] == second.difference
    assert frame["p"][1] == second.deciding.p_adjusted
    assert (frame["seconds a trial"] > 0).any()


def test_a_column_of_numbers_that_nobody_knows_is_no_column_of_objects() -> None:
    made = frame([{"name": "a", "sd": None}, {"name": "b", "sd": None}])
    assert list(made.columns) == ["name", "sd"] and made["sd"].dtype == float
    assert len(frame([])) == 0


def test_without_pandas_the_same_rows_are_dictionaries(
    opened: StudyResults, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = opened.to_frame()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    rows = opened.to_frame()
    assert isinstance(rows, list)
    assert [row["contender"] for row in rows] == list(frame["contender"])
    json.dumps(rows)


def test_examples_hold_texts_labels_predictions_and_probabilities(opened: StudyResults) -> None:
    frame = opened.examples("full", split="validation")
    assert len(frame) == 300
    assert {"id", "text", "label", "prediction", "right", "seeds right"} <= set(frame)
    chances = frame[[name for name in frame if name.startswith("probability ")]]
    assert chances.sum(axis=1).to_numpy() == pytest.approx(1)
    wrong = opened.examples("full", wrong=True)
    assert not wrong["right"].any()
    assert set(wrong["id"]) <= set(opened.errors("full")["id"])


@pytest.mark.parametrize(
    ("name", "split", "message"),
    [("ful", None, "Did you mean 'full'"), ("full", "tset", "Did you mean 'test'")],
)
def test_a_wrong_name_is_told(
    opened: StudyResults, name: str, split: str | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        opened.examples(name, split=split)


def test_every_chart_is_one_of_altair_that_holds_together(opened: StudyResults) -> None:
    charts = opened.charts
    assert {"differences", "test-accuracy", "confusion"} <= set(charts)
    for name in ("differences", "confusion"):
        spec = charts[name].to_dict()  # validates it against the schema of Vega-Lite
        assert spec["config"]["background"] == "white"


def test_a_chart_shows_itself_without_the_web_until_a_renderer_is_chosen(
    opened: StudyResults,
) -> None:
    chart = opened.charts["differences"].properties(width=300)
    shown = chart._repr_mimebundle_()
    assert shown["image/svg+xml"].startswith("<svg")
    assert opened.results.rows[1].name in shown["image/svg+xml"]
    assert "<script" not in shown["image/svg+xml"]
    with altair.renderers.enable("mimetype"):
        assert any(kind.startswith("application/vnd.vega") for kind in chart._repr_mimebundle_()[0])


def test_a_cell_leaves_out_what_it_has_no_room_for(opened: StudyResults) -> None:
    html = notebook.results_cell(opened.results)
    assert "Accuracy, test" in html
    assert "Accuracy, validation" not in html
    assert "Artifact" not in html
