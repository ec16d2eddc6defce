"""Tables as LaTeX and CSV read them: whatever a cell holds is text."""

from __future__ import annotations

import csv
import io
import re
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tunewise.core.sanitize import shown
from tunewise.reports.document.csv import FORMULA, as_csv
from tunewise.reports.document.latex import LATEX, as_latex
from tunewise.reports.document.model import Table, tables
from tunewise.reports.sections.inputs import cleaning

SPECIAL = "\\{}$&#%_^~<>\"[]*|`'-,=+@\t\r\n ab"
CELLS = st.text(st.sampled_from(SPECIAL), max_size=12) | st.text(max_size=12)
_BACK = {written: sign for sign, written in LATEX.items()}
_TOKEN = re.compile("|".join(map(re.escape, sorted(_BACK, key=len, reverse=True))))


def typeset(cell: str) -> str:
    """The signs that LaTeX prints for a cell; an assertion where it would do anything else."""
    text, at = "", 0
    while at < len(cell):
        if found := _TOKEN.match(cell, at):
            text, at = text + _BACK[found[0]], found.end()
        elif cell.startswith("{}", at):  # between two signs that would become one
            at += 2
        else:
            assert cell[at] not in LATEX, cell
            assert cell[at : at + 2] not in ("--", "''", ",,"), cell
            text, at = text + cell[at], at + 1
    return text


@given(CELLS, CELLS)
@example("[CLS]", "x")
@example("* star", "*")
@example("[2pt]", "--")
def test_latex_prints_every_cell_as_it_is(first: str, second: str) -> None:
    table = Table.of_files("t", "title", (first, second), [(first, second), (second, 1)])
    _, _, rule, header, another, one, other, *_ = as_latex(table).splitlines()
    assert (rule, another) == (r"\toprule", r"\midrule")
    for line, cells in ((header, (first, second)), (one, (first, second)), (other, (second,))):
        left, _, right = line.removesuffix(r" \\").partition(" & ")
        # What follows \\ or \midrule and looks like one would be an argument of it.
        assert not line.lstrip().startswith(("[", "*"))
        assert [typeset(left), typeset(right)][: len(cells)] == [shown(cell) for cell in cells]


@given(CELLS)
@example("[CLS]")
@example("=1+1")
@example(" \t=1")
def test_csv_holds_every_cell_and_no_formula(text: str) -> None:
    table = Table.of_files("t", "title", ("name", "gap"), [(text, -0.5)])
    _, (name, gap) = csv.reader(io.StringIO(as_csv(table)))
    assert gap == "-0.5"
    assert not name.startswith(FORMULA)
    assert name in (shown(text), f"'{shown(text)}")


@pytest.mark.parametrize("text", ["nearest-neighbour", "lora rank=8", "it's"])
def test_plain_words_stay_plain(text: str) -> None:
    table = Table.of_files("t", "title", ("name",), [(text,)])
    assert text in as_latex(table)


def test_what_cleaning_removed_stands_in_its_file() -> None:
    steps = [
        {"what": "empty texts", "rows": {"train": 3, "test": 1}},
        {"what": "copies", "rows": {"train": 2}},
    ]
    data = SimpleNamespace(source={"clean": {"removed": steps}})
    facts: Any = SimpleNamespace(evidence=SimpleNamespace(data=data))
    section = cleaning.section(facts)
    assert section is not None
    (table,) = tables([section])
    assert as_csv(table) == "rows,train,test\nempty texts,3,1\ncopies,2,0\n"
