"""Sections in a terminal of 80 columns. Whatever comes from data is text, never markup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import fill

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from tunewise.core.sanitize import shortened, shown
from tunewise.reports.document import model as doc

STYLES = {"headline": "bold", "strong": "bold", "note": "yellow", "about": "dim"}
FLUSH = ("headline", "about")  # the other paragraphs are set in
LONGEST_TEXT, LONGEST_REPLY, WIDEST_NAME = 300, 110, 20  # characters
WIDTH = 80  # columns of a terminal that numbers have to fit
NARROWEST = 12  # of the first column, whose texts break
MARKS = {True: "✓", False: "✗", None: " "}


def print_sections(sections: Sequence[doc.Section], console: Console) -> None:
    """Print what of each section is meant for a terminal, without headings."""
    below_words = False  # a table draws an empty line below itself
    for section in doc.sections_for(sections, "terminal"):
        for block in section.blocks:
            is_words = isinstance(block, doc.Paragraph | doc.Bullets)
            if below_words and not is_words:
                console.print()
            below_words = is_words
            for drawn in rendered(block):
                console.print(drawn)


def rendered(block: doc.Block) -> Iterator[RenderableType]:
    """A block as rich draws it."""
    match block:
        case doc.Paragraph():
            text = f"{shown(block.lead)} {shown(block.text)}".strip()
            mark = "! " if block.style == "note" else ""
            drawn = Text(f"{mark}{text}", style=STYLES.get(block.style, ""))
            yield drawn if block.style in FLUSH else Padding(drawn, (1, 0, 0, 2))
        case doc.Table():
            if block.caption:  # not the grid's own, which breaks at the width of the grid
                yield Text(shown(block.caption))
            yield grid(block)
        case doc.Bullets():
            for item in block.items:
                yield Padding(Text(f"- {shown(item.text)}"), (0, 0, 0, 2))
        case doc.Examples():
            yield Text(shown(block.caption), style="bold")
            for example in block.items[: block.most]:
                yield from _example(example)
            yield Text()
        case _:
            name = type(block).__name__
            raise TypeError(f"a terminal has no {name}; its outputs should not name it")


def grid(table: doc.Table) -> Grid:
    """A table whose first column may break over lines; numbers stay whole."""
    drawn = Grid(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    rows = [
        [shown(doc.in_line(cell, "terminal")) for cell in row] for row in table.shown("terminal")
    ]
    columns = table.columns_of("terminal")
    titles = _titles([shown(column.title) for column in columns], rows)
    for place, (column, title) in enumerate(zip(columns, titles, strict=True)):
        first = place == 0
        drawn.add_column(
            Text(title),
            justify="right" if column.number and not first else "left",
            no_wrap=column.number and not first,
            overflow="fold",
            min_width=NARROWEST if first else None,
        )
    for place, row in enumerate(rows):
        drawn.add_row(*map(Text, row), style="bold" if place in table.strong else "")
    return drawn


def _titles(titles: list[str], rows: list[list[str]]) -> list[str]:
    """Titles that break over lines, down to what stands below them, where all would be too wide.

    The first column breaks by itself; of the others numbers would be cut.
    """
    cells = [max(len(row[place]) for row in rows) for place in range(len(titles)) if rows]
    widths = [max(len(title), cell) + 2 for title, cell in zip(titles, cells, strict=bool(rows))]
    if NARROWEST + 3 + sum(widths[1:]) <= WIDTH:
        return titles
    return [
        fill(title, max(cell, 1), break_long_words=False) if place else title
        for place, (title, cell) in enumerate(zip(titles, cells, strict=True))
    ]


def _example(example: doc.Example) -> Iterator[RenderableType]:
    """The texts, a line each, what is right, and below it who answered what."""
    yield Text()
    named = len(example.texts) > 1
    lines = [
        f"{shown(column)}: {_cut(text)}" if named else _cut(text) for column, text in example.texts
    ]
    lines = [f"{shown(example.id)}  {''.join(lines[:1])}".rstrip(), *lines[1:]]
    for line in lines[:-1]:
        yield Text(line)
    truth = f" (right: {shown(example.truth)})" if example.truth else ""
    yield Text(f"{lines[-1]}{truth}", style="bold")
    names = [", ".join(shown(one.name) for one in answer.by) for answer in example.answers]
    replies = Grid.grid(padding=(0, 2, 0, 0))
    replies.add_column(width=min(WIDEST_NAME, max(map(len, names), default=1)), overflow="fold")
    replies.add_column(overflow="fold", max_width=28)
    replies.add_column(overflow="fold")
    for name, answer in zip(names, example.answers, strict=True):
        message = f"{MARKS[answer.right]} {shown(answer.text)}"
        message += f" {shown(answer.note)}" if answer.note else ""
        wrote = answer.wrote and shortened(shown(answer.wrote), LONGEST_REPLY)
        quoted = f"“{wrote}”" if wrote else "" if wrote is None else "wrote nothing"
        replies.add_row(Text(name), Text(message), Text(quoted, style="dim"))
    yield Padding(replies, (0, 0, 0, 2))


def _cut(text: str) -> str:
    return shortened(shown(text), LONGEST_TEXT)
