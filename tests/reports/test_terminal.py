from __future__ import annotations

import io
import re

import pytest
from rich.console import Console
from tests.reports.conftest import Seen
from tests.reports.hostile import HOSTILE

from tunewise.core.sanitize import shown, visible
from tunewise.reports.document import model as doc
from tunewise.reports.document.terminal import grid
from tunewise.reports.outputs.terminal import print_report


def printed(seen: Seen, *, width: int = 80, color: bool = False) -> str:
    file = io.StringIO()
    print_report(seen.facts, Console(file=file, width=width, force_terminal=color))
    return file.getvalue()


def test_the_verdict_and_every_row_fit_eighty_columns(rooms: Seen) -> None:
    text = printed(rooms)
    assert all(len(line) <= 80 for line in text.splitlines())
    for row in rooms.results.rows:
        assert row.name in text
    assert "66.8 ± 0.4" in text  # nothing of a number is cut off
    assert "…" not in text


def test_no_number_is_cut_in_the_widest_of_rows() -> None:
    """Titles break before numbers do: three digits before the point, and minutes with seconds."""
    titles = ("Contender", "Accuracy", "95 %", "Gap", "p", "Trainable", "Time per trial")
    name = "last-layers count=2 (not shown over seeds)"
    row = (name, "100.0 ± 0.0", "99.0–100.0", "−10.0", "< 0.001", "26.5 k", "4 min 35 s")
    columns = tuple(doc.Column(title, title, number=bool(at)) for at, title in enumerate(titles))
    for rows in ((), (row,)):
        file = io.StringIO()
        table = doc.Table("scores", "Scores", columns, rows, doc.TERMINAL)
        Console(file=file, width=80).print(grid(table))
        assert all(cell in file.getvalue() for one in rows for cell in one[1:])


def test_no_escape_of_the_data_reaches_the_terminal(hostile: Seen) -> None:
    text = printed(hostile)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_names_are_text_and_not_markup(hostile: Seen) -> None:
    text = printed(hostile, width=400)
    assert "{{ 7*7 }}" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_shown_is_one_clean_line_that_can_be_encoded(text: str) -> None:
    line = shown(text)
    assert "\n" not in line
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", line)
    line.encode()


def test_ordinary_text_of_any_script_stays_as_it_is() -> None:
    for text in ("Grüße, 5 €", "مرحبا", "שלום", "日本語", "a\u200db", "naïve"):
        assert shown(text) == text == visible(text)


def test_a_lone_half_of_a_sign_becomes_a_replacement() -> None:
    assert shown("a\ud800b") == "a\ufffdb"
