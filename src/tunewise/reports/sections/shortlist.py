"""Which contenders a paper shows where there are too many for a column or a page.

The tables of scores and of differences hold every row. Beside them stand the best ones and the
best of each method; all rows stand in the CSV files.
"""

from __future__ import annotations

from tunewise.reports.facts.results import Results, Row

FEW = 10  # bars or lines that a figure of one column can hold


def few(results: Results) -> tuple[Row, ...]:
    """The best of each method, and of the others the best; in the order of the results."""
    scored = [row for row in results.rows if row.scores(results.split)]
    first: dict[str, Row] = {}
    for row in scored:
        first.setdefault(row.method, row)
    leaders = list(first.values())[:FEW]
    names = {row.name for row in leaders}
    rest = [row for row in scored if row.name not in names][: FEW - len(leaders)]
    names |= {row.name for row in rest}
    if len(results.rows) <= FEW:
        return results.rows
    return tuple(row for row in results.rows if row.name in names)


def of_how_many(results: Results) -> str:
    """What a caption adds where rows are missing."""
    shown = len(few(results))
    return "" if shown == len(results.rows) else f"; {shown} of {len(results.rows)} contenders"


def leading(results: Results) -> tuple[Row, ...]:
    """The best contender, and the best of the next other method."""
    scored = [row for row in results.rows if row.scores(results.split)]
    others = [row for row in scored if row.method != scored[0].method]
    return (*scored[:1], *others[:1])
