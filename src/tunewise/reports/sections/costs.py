"""What each contender cost: parameters, time and memory, beside what it scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tunewise.analysis.costs import has_costs, other_bytes
from tunewise.analysis.facts import Facts
from tunewise.analysis.wording import fraction
from tunewise.core.format import count, duration, size
from tunewise.reports.charts.costs import tradeoffs
from tunewise.reports.charts.scores import parameters
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import ARTIFACT, CONTENDER, LATENCY, PEAK, SECONDS, TRAINABLE

MOST_RINGS = 3  # in a paper; more are too small in a row, and the table has their fractions
ANSWERING = (  # one at a time, and as many at once as is fastest; a paper has no room for them
    replace(LATENCY, outputs=doc.PAGE | doc.FILES),
    doc.Column(
        "A million answers",
        "seconds a million answers",
        duration,
        "measured.million_seconds",
        outputs=doc.PAGE | doc.FILES,
    ),
)
NOTHING_SAVED = (
    "No contender that is not shown to be worse than the best has fewer trainable parameters, "
    "takes less time or needs less memory."
)
FRONT = (
    "Ringed: contenders than which no other scores as high for less, or higher for as much. The "
    "dashed line is what is reached at each cost."
)
RINGS = "The colored part of a ring is trainable, the rest stays as it was pretrained."


@doc.titled("costs", "Costs")
def section(facts: Facts) -> doc.Blocks:
    results, split = facts.results, facts.results.split
    if not has_costs(facts.evidence, results):
        return
    if results.rows:
        hosts = {host for row in results.rows for host in row.measured.hosts}
        where = f"on {len(hosts)} machines" if len(hosts) > 1 else "on one machine"
        saved = facts.verdict.cost or NOTHING_SAVED
        yield doc.Paragraph(
            f"{saved} Times were measured {where}; they hold for that machine and its load alone.",
            outputs=doc.PRINT,
        )
    others = {name: other_bytes(one) for name, one in facts.evidence.by_name.items()}
    more = dict.fromkeys(name for row in results.rows for name in others[row.name])
    metrics = dict.fromkeys(m for row in results.rows for m in row.scores(split))
    columns = (
        CONTENDER,
        doc.Column("Parameters", "parameters", count, "parameters.total"),
        TRAINABLE,
        doc.Column("", "reduction factor", of="parameters.reduction"),
        doc.Column("Fraction", None, fraction, "parameters.fraction"),
        SECONDS,
        doc.Column("Total time", "seconds in all", duration, "measured.seconds_all"),
        PEAK,
        *(_bytes(name, others) for name in more),
        ARTIFACT,
        *(ANSWERING if any(row.measured.latency_seconds for row in results.rows) else ()),
        *(doc.Column("", f"{split} {metric}", of=(split, metric, "mean")) for metric in metrics),
    )
    caption = f"Parameters and measured costs{facts.shortlist.note}"
    yield doc.Table.about("costs", caption, columns, facts.shortlist.rows, outputs=doc.REPORT)
    if front := tradeoffs(facts.shortlist.results):
        yield doc.Paragraph(FRONT, style="about", outputs=doc.PAGE)
        yield from front
    if rings := parameters(facts.shortlist.results):
        yield doc.Paragraph(RINGS, style="about", outputs=doc.PAGE)
        drawn = sum(row.parameters is not None for row in facts.shortlist.rows)
        yield rings if drawn <= MOST_RINGS else replace(rings, outputs=doc.PAGE)


def _bytes(name: str, others: Mapping[str, Mapping[str, int]]) -> doc.Column:
    """Bytes that trials measured beside those that every trial measures."""
    title = name.replace("_", " ")
    return doc.Column(
        title.capitalize(),
        f"{title} bytes",
        size,
        lambda row: others[row.name].get(name),
        outputs=doc.PAGE | doc.FILES,
    )
