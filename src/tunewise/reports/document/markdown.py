"""Sections as Markdown, as cards and issues show it."""

from __future__ import annotations

import re

from tunewise.core.sanitize import shown
from tunewise.reports.document import model as doc

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~&$])")


def as_markdown(section: doc.Section) -> str:
    """The section under its heading, with a blank line between blocks."""
    return "\n\n".join([f"## {plain(section.title)}", *map(_block, section.blocks)])


def markdown_table(table: doc.Table) -> str:
    """A table in the pipes of GitHub's Markdown."""
    columns = table.columns_of("md")
    head = [plain(column.title) for column in columns]
    rule = ["---:" if column.number else "---" for column in columns]
    rows = [[plain(doc.in_line(cell, "md")) for cell in row] for row in table.shown("md")]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rows))


def plain(text: str) -> str:
    r"""Text in which Markdown sees no markup.

    >>> print(plain("a_b [c](d) | <e>"))
    a\_b \[c\]\(d\) \| \<e\>
    """
    return _MARKUP.sub(r"\\\1", shown(text))


def _block(block: doc.Block) -> str:
    match block:
        case doc.Table():
            return markdown_table(block)
        case doc.Paragraph():
            return " ".join(plain(text) for text in (block.lead, block.text) if text)
        case doc.Bullets():
            return "\n".join(f"- {plain(item.text)}" for item in block.items)
    raise TypeError(f"Markdown has no {type(block).__name__}; its outputs should not name md")
