"""Every contender of a model beside the training of all its parameters."""

from __future__ import annotations

from tunewise.core.format import interval, listed
from tunewise.core.sanitize import shown
from tunewise.reports.document.model import PRINT, Column, Paragraph, Section, Table
from tunewise.reports.facts.compare import contest
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.results import Row
from tunewise.reports.sections.cells import fraction, gap, named


def section(facts: Facts) -> Section | None:
    """Nothing where no contender trained everything."""
    results = facts.results
    done = [row for row in facts.shortlist.rows if row.scores(results.split)]
    rows: list[tuple[object, ...]] = []
    ties: list[str] = []
    for full in filter(_trains_everything, done):
        for row in done:
            if row.model != full.model or _trains_everything(row):
                continue
            found = contest(facts.evidence, results, row.name, full.name).measures[0]
            between, over_seeds = found.items.interval, found.method.interval
            rows.append((named(row), found.difference, between, over_seeds, *_saved(row, full)))
            if between and between.low <= 0 <= between.high:
                ties.append(shown(row.name))
    if not rows:
        return None
    columns = (
        Column("Contender", number=False),
        Column("Points", show=gap),
        Column("Examples, 95 %", show=interval),
        Column("Examples and seeds, 95 %", show=interval),
        *(
            Column(title, show=fraction)
            for title in ("Trainable", "Time", "Peak memory", "Artifact")
        ),
    )
    caption = "The difference to full fine-tuning, and costs as a fraction of its costs"
    table = Table(
        "against-full", f"{caption}{facts.shortlist.note}", columns, tuple(rows), outputs=PRINT
    )
    return Section.of(
        "against-full",
        "Comparison with full fine-tuning",
        [Paragraph(_text(ties), outputs=PRINT), table],
    )


def _trains_everything(row: Row) -> bool:
    return row.parameters is not None and row.parameters.trainable == row.parameters.total


def _saved(row: Row, full: Row) -> list[float | None]:
    """Each cost over that of full fine-tuning."""
    ours, theirs = (
        (
            one.parameters.trainable if one.parameters else None,
            one.measured.seconds,
            one.measured.peak_bytes,
            one.measured.artefact_bytes,
        )
        for one in (row, full)
    )
    pairs = zip(ours, theirs, strict=True)
    return [mine / other if mine is not None and other else None for mine, other in pairs]


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
