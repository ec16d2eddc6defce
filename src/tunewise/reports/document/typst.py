"""Sections for the template of the paper: plain values, set letter by letter by Typst.

Nothing here is markup. The typesetter receives every text as a string, so that a label or a name
can hold any character.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tunewise.core.sanitize import shortened, shown
from tunewise.reports.document import model as doc

LONGEST_CELL = 90  # characters; more where a column may wrap
LONGEST_NAME = 60
LONGEST_WRAPPED = 260
LONGEST_BULLET = 400
LONGEST_EXAMPLE = 180
_LONG_WORD = re.compile(r"\S{22}(?=\S{3})")


def typst_sections(sections: Sequence[doc.Section]) -> list[dict[str, Any]]:
    """Each section with its title and blocks; the first paragraph names what follows in it."""
    return [
        {"title": set_text(one.title), "blocks": list(map(_block, one.blocks))}
        for one in numbered(doc.sections_for(sections, "pdf"))
    ]


def numbered(sections: Sequence[doc.Section]) -> list[doc.Section]:
    """Sections whose first paragraph names the tables and figures that follow in them."""
    tables, figures = 0, 0
    made = []
    for section in sections:
        ours = sum(isinstance(block, doc.Table | doc.Examples) for block in section.blocks)
        drawn = sum(isinstance(block, doc.Figure) for block in section.blocks)
        named = [
            _span("Table", "Tables", tables, ours, roman),
            _span("Fig.", "Figs.", figures, drawn, str),
        ]
        tables, figures = tables + ours, figures + drawn
        first, *rest = section.blocks
        if isinstance(first, doc.Paragraph) and any(named):
            see = " and ".join(one for one in named if one)
            first = replace(first, text=f"{first.text} See {see}.")
        made.append(replace(section, blocks=(first, *rest)))
    return made


def _span(one: str, several: str, before: int, number: int, numeral: Callable[[int], str]) -> str:
    if number < 2:
        return f"{one} {numeral(before + 1)}" if number else ""
    joint = "and" if number == 2 else "to"
    return f"{several} {numeral(before + 1)} {joint} {numeral(before + number)}"


def roman(number: int) -> str:
    """A number from 1 to 39 in Roman figures, as IEEE numbers tables.

    >>> roman(4), roman(9), roman(14)
    ('IV', 'IX', 'XIV')
    """
    ones = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
    return "X" * (number // 10) + ones[number % 10]


def set_text(text: str) -> str:
    """Text as it is set: every character visible, long words breakable, percent beside its number.

    >>> set_text("a" * 30).count(chr(0x200B))
    1
    """
    kept = shown(text).replace(" %", "\u00a0%")
    return _LONG_WORD.sub(lambda match: f"{match.group()}\u200b", kept)


def _block(block: doc.Block) -> dict[str, Any]:
    match block:
        case doc.Paragraph():
            return {"kind": "text", "lead": set_text(block.lead), "text": set_text(block.text)}
        case doc.Table():
            return _table(block)
        case doc.Bullets():
            texts = (
                f"{one.about.name}: {one.text}" if one.about else one.text for one in block.items
            )
            items = [set_text(shortened(text, LONGEST_BULLET)) for text in texts]
            return {"kind": "list", "items": items}
        case doc.Equation():
            return {"kind": "equation", "name": block.name}
        case doc.Figure():
            caption = block.title or block.says.partition(":")[0]
            says = set_text(block.says)
            return {"kind": "figure", "key": block.key, "caption": set_text(caption), "says": says}
        case doc.Examples():
            # A row for each example: its texts, what is right, and who answered what.
            rows = [
                (
                    shortened(
                        shown(" / ".join(text for _, text in one.texts) or one.id), LONGEST_EXAMPLE
                    ),
                    shortened(shown(one.truth or doc.NOTHING), LONGEST_NAME),
                    shortened(
                        "; ".join(_answer(answer) for answer in one.answers), LONGEST_WRAPPED
                    ),
                )
                for one in block.items[: block.most]
            ]
            header = ("example", "right answer", "answers")
            return _grid(block.caption, "LlL", header, rows, wide=True)
    raise TypeError(f"a paper has no {type(block).__name__}; its outputs should not name it")


def _table(block: doc.Table) -> dict[str, Any]:
    columns = block.columns_of("pdf")
    limits = [LONGEST_WRAPPED if column.wraps else LONGEST_CELL for column in columns]
    return _grid(
        block.caption,
        "".join("L" if column.wraps else "r" if column.number else "l" for column in columns),
        [column.title for column in columns],
        [
            [_cell(cell, most) for cell, most in zip(row, limits, strict=True)]
            for row in block.shown("pdf")
        ],
        wide=block.wide,
    )


def _grid(
    caption: str, align: str, header: Sequence[str], rows: Sequence[Sequence[str]], *, wide: bool
) -> dict[str, Any]:
    return {
        "kind": "table",
        "caption": set_text(caption),
        "align": align,
        "header": [set_text(title) for title in header],
        "rows": [[set_text(cell) for cell in row] for row in rows],
        "wide": wide,
    }


def _cell(cell: doc.Shown, most: int) -> str:
    if isinstance(cell, doc.Named):
        name = shortened(shown(cell.name), LONGEST_NAME)
        return doc.in_line(replace(cell, name=name), "pdf")
    return shortened(shown(doc.in_line(cell, "pdf")), most)


def _answer(answer: doc.Answer) -> str:
    names = ", ".join(shown(one.name) for one in answer.by)
    message = shown(answer.text) + (f" {shown(answer.note)}" if answer.note else "")
    message += f" “{shortened(shown(answer.wrote), LONGEST_CELL)}”" if answer.wrote else ""
    return f"{message}: {names}" if names else message
