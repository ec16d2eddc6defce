"""Tables and a chart of written answers: ways of decoding, and kinds of failure."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.reports.document import Cell, Table
from tunewise.reports.facts.generated_answers import Decoded, Failures
from tunewise.statistics.failures import KINDS


def decoding(rows: Sequence[Decoded]) -> Table:
    """Quality and diversity of every way of decoding."""
    header = (
        "contender",
        "decoding",
        "samples",
        "exact match",
        "f1",
        "best exact match",
        "best f1",
        "distinct 1",
        "distinct 2",
        "unique share",
        "self f1",
        "words",
        "share cut",
    )
    cells: list[tuple[Cell, ...]] = [
        (
            row.contender,
            row.strategy,
            row.samples,
            row.exact_match,
            row.f1,
            row.best_exact_match,
            row.best_f1,
            row.distinct_1,
            row.distinct_2,
            row.unique,
            row.self_f1,
            row.words,
            row.cut,
        )
        for row in rows
    ]
    return Table("decoding", "Ways of decoding: quality and diversity", header, tuple(cells))


def wrong_answers(found: Sequence[Failures]) -> Table:
    """How often each contender fails in which way, over all its seeds."""
    header = ("contender", "answers", *KINDS)
    rows: list[tuple[Cell, ...]] = [
        (one.contender, one.answers, *(one.counts.get(kind, 0) for kind in KINDS)) for one in found
    ]
    return Table("wrong_answers", "Wrong answers by kind", header, tuple(rows))
