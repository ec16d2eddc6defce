"""Every contender of a model beside the training of all its parameters."""

from __future__ import annotations

from tunewise.core.format import interval, listed
from tunewise.core.sanitize import shown
from tunewise.reports.document.model import PRINT, Column, Paragraph, Section, Table, at
from tunewise.reports.facts.compare import Measure
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.results import Row
from tunewise.reports.facts.wording import fraction
from tunewise.reports.sections.cells import gap, named

COSTS = {
    "Trainable": "trainable",
    "Time": "measured.seconds",
    "Peak memory": "measured.peak_bytes",
    "Artifact": "measured.artefact_bytes",
}
CAPTION = "The difference to full fine-tuning, and costs as a fraction of its costs"


def section(facts: Facts) -> Section | None:
    """Nothing where no contender trained everything."""
    done = facts.shortlist.results.scored
    found = [
        (row, full, facts.measured_against(row.name, full.name))
        for full in filter(_trains_everything, done)
        for row in done
        if row.model == full.model and not _trains_everything(row)
    ]
    if not found:
        return None
    columns = (
        Column("Contender", number=False),
        Column("Points", show=gap),
        Column("Examples, 95 %", show=interval),
        Column("Examples and seeds, 95 %", show=interval),
        *(Column(title, show=fraction) for title in COSTS),
    )
    rows = tuple(_cells(*each) for each in found)
    ties = [
        shown(row.name)
        for row, _, measure in found
        if (ends := measure.items.interval) and ends.low <= 0 <= ends.high
    ]
    key, caption = "against-full", f"{CAPTION}{facts.shortlist.note}"
    table = Table(key, caption, columns, rows, outputs=PRINT)
    text = Paragraph(_text(ties), outputs=PRINT)
    return Section.of(key, "Comparison with full fine-tuning", [text, table])


def _trains_everything(row: Row) -> bool:
    return row.parameters is not None and row.parameters.trainable == row.parameters.total


def _cells(row: Row, full: Row, found: Measure) -> tuple[object, ...]:
    """The difference, and each cost over that of full fine-tuning."""
    costs = ((at(row, cost), at(full, cost)) for cost in COSTS.values())
    saved = (ours / theirs if ours is not None and theirs else None for ours, theirs in costs)
    return named(row), found.difference, found.items.interval, found.method.interval, *saved


def _text(ties: list[str]) -> str:
    known = (
        f"For {listed(ties)} the interval over examples holds zero: for these checkpoints, the "
        "data do not show a difference to full fine-tuning."
        if ties
        else "For none of them does the interval over examples hold zero."
    )
    return (
        "What is given up, and what is saved, by training less than everything? The table has "
        "each contender of the same model beside it; each interval counts this pair alone. "
        f"{known}"
    )
