"""Every contender of a model beside the training of all its parameters."""

from __future__ import annotations

from tunewise.analysis.facts import Facts
from tunewise.analysis.results import Row
from tunewise.analysis.wording import fraction
from tunewise.core.format import interval, listed, points
from tunewise.core.sanitize import shown
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import named, texts

COSTS = {
    "Trainable": "trainable",
    "Time": "measured.seconds",
    "Peak memory": "measured.peak_bytes",
    "Artifact": "measured.artefact_bytes",
}
CAPTION = "The difference to full fine-tuning, and costs as a fraction of its costs"
WHAT = (
    "What is given up, and what is saved, by training less than everything? The table has each "
    "contender of the same model beside it; each interval counts this pair alone."
)


@doc.titled("against-full", "Comparison with full fine-tuning")
def section(facts: Facts) -> doc.Blocks:
    """Nothing where no contender trained everything."""
    done = facts.shortlist.results.scored
    found = [
        (row, full, facts.measured_against(row.name, full.name))
        for full in filter(_trains_everything, done)
        for row in done
        if row.model == full.model and not _trains_everything(row)
    ]
    if not found:
        return
    columns = (
        *texts("Contender"),
        doc.Column("Points", show=points),
        doc.Column("Examples, 95 %", show=interval),
        doc.Column("Examples and seeds, 95 %", show=interval),
        *(doc.Column(title, show=fraction) for title in COSTS),
    )
    rows = []  # the difference, and each cost over that of full fine-tuning
    for row, full, measure in found:
        costs = ((doc.at(row, cost), doc.at(full, cost)) for cost in COSTS.values())
        saved = (ours / theirs if ours is not None and theirs else None for ours, theirs in costs)
        intervals = (measure.items.interval, measure.method.interval)
        rows.append((named(row), measure.difference, *intervals, *saved))
    caption = f"{CAPTION}{facts.shortlist.note}"
    ties = [
        shown(row.name)
        for row, _, measure in found
        if (ends := measure.items.interval) and ends.low <= 0 <= ends.high
    ]
    says = "For none of them does the interval over examples hold zero."
    if ties:
        says = (
            f"For {listed(ties)} the interval over examples holds zero: for these checkpoints, the "
            "data do not show a difference to full fine-tuning."
        )
    yield doc.Paragraph(f"{WHAT} {says}", outputs=doc.PRINT)
    yield doc.Table("against-full", caption, columns, tuple(rows), outputs=doc.PRINT)


def _trains_everything(row: Row) -> bool:
    return row.parameters is not None and row.parameters.trainable == row.parameters.total
