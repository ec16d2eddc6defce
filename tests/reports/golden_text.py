"""Every output of an invented study as text that can be compared line by line.

What a person reads (cells, paragraphs) is kept; markup, colors, scripts and images are not, so
that the way an output is made may change while what it says may not.
"""

from __future__ import annotations

import io
import json
from html.parser import HTMLParser
from typing import Any

from rich.console import Console
from tests.reports.conftest import Seen

from tunewise import __version__
from tunewise.reports.document.csv import as_csv
from tunewise.reports.document.latex import as_latex
from tunewise.reports.outputs.record import finite, record
from tunewise.reports.outputs.terminal import print_report

COLUMNS = 80
DIGITS = 9  # of a float: the last ones differ between processors


def outputs(seen: Seen) -> dict[str, str]:
    """The text of every output by the name of its golden file."""
    tables = sorted(seen.tables.values(), key=lambda table: table.key)
    return {
        "results.json": _json(record(seen.facts)),
        "tables.csv": "\n".join(
            f"# {table.key}\n{_rounded_csv(as_csv(table))}" for table in tables
        ),
        "tables.tex": "\n".join(as_latex(table) for table in tables),
        "terminal.txt": _terminal(seen),
        "page.txt": _page(seen.html),
        "paper.json": _json(seen.paper.plain()),
    }


def _json(value: Any) -> str:
    return json.dumps(_rounded(finite(value)), indent=1, ensure_ascii=True) + "\n"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return value.replace(__version__, "VERSION") if isinstance(value, str) else value


def _rounded_csv(text: str) -> str:
    """The same text; a cell that is a long decimal has only the digits that count."""
    lines = []
    for line in text.split("\n"):
        cells = line.split(",")
        lines.append(",".join(_rounded_cell(cell) for cell in cells))
    return "\n".join(lines)


def _rounded_cell(cell: str) -> str:
    try:
        number = float(cell)
    except ValueError:
        return cell
    return f"{number:.{DIGITS}g}" if "." in cell or "e" in cell else cell


def _terminal(seen: Seen) -> str:
    text = io.StringIO()
    console = Console(file=text, width=COLUMNS, force_terminal=False, no_color=True)
    print_report(seen.facts, console)
    return "\n".join(line.rstrip() for line in text.getvalue().split("\n"))


def _page(html: str) -> str:
    reader = _Reader()
    reader.feed(html)
    return "\n".join(line for line in reader.lines() if line).replace(__version__, "VERSION") + "\n"


class _Reader(HTMLParser):
    """The visible text of a page: a line for each block, a row's cells side by side."""

    BLOCKS = frozenset(
        ("p", "h1", "h2", "h3", "h4", "li", "tr", "caption", "summary", "figcaption", "dt", "dd")
    )
    CELLS = frozenset(("td", "th"))
    HIDDEN = frozenset(("script", "style", "template"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in self.HIDDEN
        if tag in self.BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in self.HIDDEN
        if tag in self.BLOCKS:
            self.parts.append("\n")
        elif tag in self.CELLS:
            self.parts.append(" | ")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(" ".join(data.split()) + (" " if data[-1:].isspace() else ""))

    def lines(self) -> list[str]:
        return [" ".join(line.split()) for line in "".join(self.parts).split("\n")]
