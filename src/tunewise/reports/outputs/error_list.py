"""A contender's errors as a list that a person can work through, in the terminal and as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tunewise.analysis.errors import Errors
from tunewise.reports.document import model as doc
from tunewise.reports.sections.errors import METHOD, example, kinds, mistakes_words, wrong_words

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


def errors_table(found: Errors) -> doc.Table:
    """The same as a table for files."""
    rows = listing(found)
    keys = list(rows[0]) if rows else ["kind", "split", "id", "label", "answer"]
    values = (tuple(row.get(key) for key in keys) for row in rows)
    return doc.Table.of_files("errors", f"Errors of {found.contender}", keys, values)


def error_blocks(found: Errors, *, everything: bool = False) -> Iterator[doc.Block]:
    """For a terminal: how many, then the examples."""
    yield doc.Paragraph(wrong_words(found), style="headline")
    yield doc.Paragraph(mistakes_words(found))
    for title, items in kinds(found):
        kept = tuple(map(example, items if everything else items[:MOST]))
        yield doc.Examples(title, kept, len(kept), outputs=doc.TERMINAL)
        if len(kept) < len(items):
            rest = f"{len(kept)} of {len(items):,} shown; the rest with --all or --format csv."
            yield doc.Paragraph(rest)
    if found.mistakes:
        yield doc.Paragraph(METHOD, style="about")
