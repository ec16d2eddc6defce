"""A contender's errors as a list that a person can work through, in the terminal and as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tunewise.reports.document.model import TERMINAL, Block, Examples, Paragraph, Table
from tunewise.reports.facts.errors import AnsweredExample, Errors
from tunewise.reports.sections.errors import METHOD, example, mistakes_words, wrong_words

MOST = 10  # of each kind in the terminal, unless all are asked for
MISTAKE, WRONG = "likely label mistake", "wrong answer"


def listing(found: Errors) -> list[dict[str, Any]]:
    """A row for each example to look at; what was decided about it can be put beside it."""
    rows = []
    for one in found.listing:
        kind = MISTAKE if (one.split, one.id) in found.suspected else WRONG
        rows.append(
            {
                "kind": kind,
                "split": one.split,
                "id": one.id,
                **one.texts,
                "label": one.label,
                "answer": one.answer,
                "probability of answer": one.confidence,
                "probability of label": one.label_probability,
                "seeds right": one.agreeing,
            }
        )
    return rows


def errors_table(found: Errors) -> Table:
    """The same as a table for files."""
    rows = listing(found)
    keys = list(rows[0]) if rows else ["kind", "split", "id", "label", "answer"]
    values = (tuple(row.get(key) for key in keys) for row in rows)
    return Table.of_files("errors", f"Errors of {found.contender}", keys, values)


def error_blocks(found: Errors, *, everything: bool = False) -> Iterator[Block]:
    """For a terminal: how many, then the examples."""
    most = None if everything else MOST
    yield Paragraph(wrong_words(found), style="headline")
    yield Paragraph(mistakes_words(found))
    yield from _examples("Likely label mistakes", found.mistakes, most)
    yield from _examples("Other errors, the most confident first", found.others, most)
    if found.mistakes:
        yield Paragraph(METHOD, style="about")


def _examples(title: str, items: Sequence[AnsweredExample], most: int | None) -> Iterator[Block]:
    if not items:
        return
    shown_items = tuple(map(example, items[:most]))
    yield Examples(title, shown_items, len(shown_items), outputs=TERMINAL)
    if len(shown_items) < len(items):
        yield Paragraph(
            f"{len(shown_items)} of {len(items):,} shown; the rest with --all or --format csv."
        )
