"""What each contender cost: parameters, time and memory, beside what it scored."""

from __future__ import annotations

from tunewise.core.format import count, duration
from tunewise.reports.charts.costs import tradeoffs
from tunewise.reports.charts.scores import parameters
from tunewise.reports.document.model import (
    FILES,
    PAGE,
    PRINT,
    REPORT,
    Column,
    Figure,
    Paragraph,
    Section,
    Table,
)
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.results import Row
from tunewise.reports.sections.cells import (
    ARTIFACT,
    CONTENDER,
    PEAK,
    SECONDS,
    TRAINABLE,
    fraction,
    named,
)

MOST_RINGS = 3  # in a paper; more are too small in a row, and the table has their fractions
NOTHING_SAVED = (
    "No contender that is not shown to be worse than the best has fewer trainable parameters, "
    "takes less time or needs less memory."
)
FRONT = (
    "Ringed: contenders than which no other scores as high for less, or higher for as much. The "
    "dashed line is what is reached at each cost."
)
RINGS = "The colored part of a ring is trainable, the rest stays as it was pretrained."


def section(facts: Facts) -> Section | None:
    if not facts.results.rows:
        return Section.of("costs", "Costs", [_table(facts)])
    front = tradeoffs(facts.shortlist.results)
    rings = parameters(facts.shortlist.results)
    return Section.of(
        "costs",
        "Costs",
        [
            Paragraph(_text(facts), outputs=PRINT),
            _table(facts),
            Paragraph(FRONT, style="about", outputs=PAGE) if front else None,
            *front,
            Paragraph(RINGS, style="about", outputs=PAGE) if rings else None,
            _only_where_readable(rings, facts),
        ],
    )


def _text(facts: Facts) -> str:
    hosts = {host for row in facts.results.rows for host in row.measured.hosts}
    where = f"on {len(hosts)} machines" if len(hosts) > 1 else "on one machine"
    saved = facts.verdict.cost or NOTHING_SAVED
    return f"{saved} Times were measured {where}; they hold for that machine and its load alone."


def _only_where_readable(rings: Figure | None, facts: Facts) -> Figure | None:
    """A column of a paper has room for a few rings."""
    if rings is None or sum(1 for row in facts.shortlist.rows if row.parameters) <= MOST_RINGS:
        return rings
    return Figure(rings.key, rings.title, rings.says, rings.spec, outputs=PAGE)


def _table(facts: Facts) -> Table:
    results = facts.results
    more = list(dict.fromkeys(name for cost in facts.costs.values() for name in cost.more_bytes))
    metrics = list(dict.fromkeys(m for row in results.rows for m in row.scores(results.split)))
    columns = (
        CONTENDER,
        Column("Parameters", "parameters", count),
        TRAINABLE,
        Column("", "reduction factor"),
        Column("Fraction", show=fraction),
        SECONDS,
        Column("Total time", "seconds in all", duration),
        PEAK,
        *(
            Column(
                name.replace("_", " ").capitalize(),
                f"{name.replace('_', ' ')} bytes",
                PEAK.show,
                outputs=PAGE | FILES,
            )
            for name in more
        ),
        ARTIFACT,
        *(Column("", f"{results.split} {metric}") for metric in metrics),
    )
    rows = tuple(_cells(facts, row, more, metrics) for row in facts.shortlist.rows)
    caption = f"Parameters and measured costs{facts.shortlist.note}"
    return Table("costs", caption, columns, rows, outputs=REPORT)


def _cells(facts: Facts, row: Row, more: list[str], metrics: list[str]) -> tuple[object, ...]:
    cost, counted = facts.costs[row.name], row.parameters
    spreads = [row.scores(facts.results.split).get(metric) for metric in metrics]
    return (
        named(row),
        counted.total if counted else None,
        counted.trainable if counted else None,
        cost.reduction,
        counted.share if counted else None,
        row.measured.seconds,
        row.measured.seconds_all,
        row.measured.peak_bytes,
        *(cost.more_bytes.get(name) for name in more),
        row.measured.artefact_bytes,
        *(spread.mean if spread else None for spread in spreads),
    )
