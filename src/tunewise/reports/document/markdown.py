"""Sections as Markdown, as cards and issues show it."""

from __future__ import annotations

import re

from tunewise.core.sanitize import shown
from tunewise.reports.document.model import (
    Block,
    Bullets,
    Named,
    Noted,
    Paragraph,
    Section,
    Shown,
    Table,
)

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~&$])")


def as_markdown(section: Section) -> str:
    """The section under its heading, with a blank line between blocks."""
    return "\n\n".join([f"## {plain(section.title)}", *map(_block, section.blocks)])


def markdown_table(table: Table) -> str:
    """A table in the pipes of GitHub's Markdown."""
    columns = table.columns_of("md")
    head = [plain(column.title) for column in columns]
    rule = ["---:" if column.number else "---" for column in columns]
    rows = [[_cell(cell) for cell in row] for row in table.shown("md")]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rows))


def plain(text: str) -> str:
    r"""Text in which Markdown sees no markup.

    >>> print(plain("a_b [c](d) | <e>"))
    a\_b \[c\]\(d\) \| \<e\>
    """
    return _MARKUP.sub(r"\\\1", shown(text))


def _block(block: Block) -> str:
    match block:
        case Table():
            return markdown_table(block)
        case Paragraph():
            return " ".join(plain(text) for text in (block.lead, block.text) if text)
        case Bullets():
            return "\n".join(f"- {plain(item.text)}" for item in block.items)
    raise TypeError(f"Markdown has no {type(block).__name__}; its outputs should not name md")


def _cell(cell: Shown) -> str:
    if isinstance(cell, Named):
        badges = [badge.text for badge in cell.badges if "md" in badge.outputs]
        return plain(" ".join([cell.name, *(f"({text})" for text in badges)]))
    return plain(cell.text if isinstance(cell, Noted) else cell)
