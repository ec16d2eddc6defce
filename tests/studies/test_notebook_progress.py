"""A running study in a notebook: one output, drawn anew, in which data is text."""

from __future__ import annotations

import sys
from dataclasses import replace
from html import escape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.reports.fabricate import Plan, fabricate

from tunewise.store.study import StudyFolder
from tunewise.studies.events import Notice, Tick
from tunewise.studies.race.so_far import FirstSeeds
from tunewise.studies.watching.live_status import Board
from tunewise.studies.watching.notebook_progress import board_html, following, live_cell
from tunewise.studies.watching.progress import lines_of_progress, show_progress


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder.open(fabricate(tmp_path / "study", Plan(name="<b>rooms</b>")))


class Kernel:
    """What a kernel offers: `outputs` has a list of drawings for each output of the cell."""

    def __init__(self) -> None:
        self.outputs: list[list[str]] = []
        shell = SimpleNamespace(kernel=object())
        self.module = SimpleNamespace(
            get_ipython=lambda: shell, display=SimpleNamespace(display=self.display)
        )

    def display(self, data: dict[str, str], *, raw: bool, display_id: bool) -> Any:
        drawn = [data["text/html"]]
        self.outputs.append(drawn)
        return SimpleNamespace(update=lambda data, *, raw: drawn.append(data["text/html"]))


def test_a_kernel_gets_one_output_that_is_drawn_anew(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel = Kernel()
    monkeypatch.setitem(sys.modules, "IPython", kernel.module)
    with show_progress(folder, workers=2) as hear:
        hear(Notice("the disk is <full>"))
        hear(Tick())
    (drawn,) = kernel.outputs
    assert len(drawn) >= 2
    assert "the disk is &lt;full&gt;" in drawn[-1]
    assert capsys.readouterr().err == ""


def test_what_is_being_done_goes_once_it_is_and_notes_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kernel = Kernel()
    monkeypatch.setitem(sys.modules, "IPython", kernel.module)
    with lines_of_progress() as say:
        say("Reading the data ...")
        say("note: <b>two</b> rows were removed")
        say("Writing the report ...")
    (drawn,) = kernel.outputs
    assert "Reading" in drawn[0] and "Reading" not in drawn[1]
    assert "Writing" in drawn[-2] and "Writing" not in drawn[-1]
    assert "&lt;b&gt;two" in drawn[-1]


def test_a_terminal_with_ipython_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = SimpleNamespace(get_ipython=SimpleNamespace)
    monkeypatch.setitem(sys.modules, "IPython", terminal)
    assert live_cell() is None
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert live_cell() is None


def test_the_view_says_how_far_it_is_and_who_leads(folder: StudyFolder) -> None:
    board = Board(folder, 2)
    html = board_html(board, [])
    assert f"{board.progress.finished} of {board.progress.trials} trainings" in html
    assert "&lt;b&gt;rooms&lt;/b&gt;" in html
    assert html.index(board.standings[0].name) < html.index(board.standings[-1].name)
    assert html.count("<table") == html.count("</table")


def test_first_seeds_are_a_verdict_before_any_race(folder: StudyFolder) -> None:
    board = Board(folder, 2)
    assert board.race is None and board.so_far is not None
    states = {row.name: row.state for row in board.standings}
    assert states[board.so_far.best] == "leads"
    behind = [row for row in board.standings if row.state == "behind"]
    assert behind and all(row.difference < 0 and row.chance < 0.025 for row in behind)  # type: ignore[operator]
    assert f"So far, on validation: {board.so_far.best} leads" in str(board.so_far)
    board.records = dict(list(board.records.items())[:1])
    assert FirstSeeds(board.study).look(board.records) is None


def test_a_race_says_who_was_dropped_and_how_sure_that_is(folder: StudyFolder) -> None:
    board = Board(folder, 2)
    board.standings = [replace(one, state="") for one in board.standings]
    assert "p: the chance" not in board_html(board, [])
    first = replace(board.standings[0], state="dropped", difference=-0.25, chance=0.0004)
    board.standings[0] = first
    html = board_html(board, [])
    assert all(f">{escape(cell)}<" in html for cell in ("dropped", "−25.0", "< 0.001"))
    assert "p: the chance" in html


def test_what_stands_there_at_the_end_has_nothing_running(folder: StudyFolder) -> None:
    drawn: list[str] = []
    board = Board(folder, 2)
    with pytest.raises(KeyboardInterrupt), following(board, drawn.append):
        raise KeyboardInterrupt
    assert "starting" not in drawn[-1]
