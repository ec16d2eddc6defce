"""What each contender cost: parameters, time and memory, beside what it scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tunewise.core.format import count, duration, size
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
    at,
)
from tunewise.reports.facts.costs import has_costs, other_bytes
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.results import Results
from tunewise.reports.facts.wording import fraction
from tunewise.reports.sections.cells import (
    ARTIFACT,
    CONTENDER,
    PEAK,
    SECONDS,
    TRAINABLE,
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
    if not has_costs(facts.evidence, facts.results):
        return None
    front = tradeoffs(facts.shortlist.results)
    rings = parameters(facts.shortlist.results)
    return Section.of(
        "costs",
        "Costs",
        [
            Paragraph(_text(facts), outputs=PRINT) if facts.results.rows else None,
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
    return replace(rings, outputs=PAGE)


def _table(facts: Facts) -> Table:
    results = facts.results
    others = {name: other_bytes(one) for name, one in facts.evidence.by_name.items()}
    more = dict.fromkeys(name for row in results.rows for name in others[row.name])
    metrics = dict.fromkeys(m for row in results.rows for m in row.scores(results.split))
    columns = (
        CONTENDER,
        Column("Parameters", "parameters", count, "parameters.total"),
        TRAINABLE,
        Column("", "reduction factor", of="parameters.reduction"),
        Column("Fraction", None, fraction, "parameters.fraction"),
        SECONDS,
        Column("Total time", "seconds in all", duration, "measured.seconds_all"),
        PEAK,
        *(_bytes(name, others) for name in more),
        ARTIFACT,
        *(_score(results, metric) for metric in metrics),
    )
    caption = f"Parameters and measured costs{facts.shortlist.note}"
    return Table.about("costs", caption, columns, facts.shortlist.rows, outputs=REPORT)


def _bytes(name: str, others: Mapping[str, Mapping[str, int]]) -> Column:
    """Bytes that trials measured beside those that every trial measures."""
    title = name.replace("_", " ")
    return Column(
        title.capitalize(),
        f"{title} bytes",
        size,
        lambda row: others[row.name].get(name),
        outputs=PAGE | FILES,
    )


def _score(results: Results, metric: str) -> Column:
    """A score beside the costs, for programs."""
    split = results.split
    return Column("", f"{split} {metric}", of=lambda row: at(row.scores(split).get(metric), "mean"))
