"""Which contenders a document shows where it has no room for all of them.

The tables of scores and of differences hold every row. Beside them stand the best ones and the
best of each method; all rows stand in the CSV files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tunewise.analysis.evidence import Evidence
from tunewise.analysis.results import Results, Row

FEW = 10  # bars or lines that a figure of one column can hold


@dataclass(frozen=True)
class Shortlist:
    """The contenders that a document shows, in the order of the results."""

    evidence: Evidence
    results: Results
    note: str  # what a caption adds where rows are missing

    @property
    def rows(self) -> tuple[Row, ...]:
        return self.results.rows

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(row.name for row in self.rows)

    @property
    def leading(self) -> tuple[Row, ...]:
        """The best contender, and the best of the next other method."""
        scored = self.results.scored
        others = [row for row in scored if row.method != scored[0].method]
        return (*scored[:1], *others[:1])


def shortlist(evidence: Evidence, results: Results, most: int | None) -> Shortlist:
    """The best of each method, and of the others the best; all of them where there is room."""
    if most is None or len(results.rows) <= most:
        return Shortlist(evidence, results, "")
    scored = results.scored
    first: dict[str, Row] = {}
    for row in scored:
        first.setdefault(row.method, row)
    names = {row.name for row in list(first.values())[:most]}
    rest = [row for row in scored if row.name not in names]
    names |= {row.name for row in rest[: most - len(names)]}
    rows = tuple(row for row in results.rows if row.name in names)
    mine = tuple(one for one in evidence.contenders if one.name in names)
    note = f"; {len(rows)} of {len(results.rows)} contenders"
    return Shortlist(replace(evidence, contenders=mine), replace(results, rows=rows), note)
