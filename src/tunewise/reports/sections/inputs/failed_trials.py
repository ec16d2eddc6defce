"""Trials that did not end well, and the trials that count."""

from __future__ import annotations

from dataclasses import dataclass

from tunewise.analysis.evidence import Contender, Trial
from tunewise.analysis.facts import Facts
from tunewise.analysis.wording import point_words
from tunewise.core.format import plural
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import called, in_files

MOST_IN_PAPER = 8
HOW_MANY = (
    "{} did not end well; they count as results: a way of training that fails at one search point "
    "or seed may fail for you."
)


@dataclass(frozen=True)
class Failed:
    """A trial that did not end well, with the search point that it tried."""

    contender: Contender
    point: str
    trial: Trial

    @property
    def error(self) -> str:
        return self.trial.record.result.error or "no message"


COLUMNS = (
    *in_files(trial="trial.record.id"),
    doc.Column("Contender", "contender", of="contender.name", number=False),
    doc.Column("Point", "point", of="point", number=False),
    *in_files(seed="trial.seed"),
    doc.Column("Status", "status", of="trial.record.status", number=False),
    doc.Column("Error", "error", of="error", number=False, wraps=True),
)


@doc.titled("failed", "Failed trials")
def section(facts: Facts) -> doc.Blocks:
    failed = [
        Failed(contender, point_words(point.values) or doc.NOTHING, trial)
        for contender in facts.evidence.contenders
        for point in contender.points
        for trial in point.trials
        if not trial.done
    ]
    if failed:
        yield doc.Paragraph(HOW_MANY.format(plural(len(failed), "trial")), outputs=doc.PRINT)
    yield doc.Table.about(
        "failures",
        "Failed trials",
        COLUMNS,
        failed,
        outputs=doc.PAPER | doc.FILES if failed else doc.FILES,
        most=MOST_IN_PAPER,
    )
    yield doc.Bullets(
        tuple(
            doc.Bullet(
                f"{one.point} · seed {one.trial.seed} · trial {one.trial.record.id}",
                badge=doc.Badge(one.trial.record.status, "bad"),
                about=called(one.contender),
                quoted=one.error,
            )
            for one in failed
        ),
        outputs=doc.PAGE,
    )
    that_count = (
        (row.name, trial.record.id)
        for row in facts.results.rows
        for trial in facts.evidence.by_name[row.name].finished
    )
    yield doc.Table.of_files("trials", "Trials that count", ("contender", "trial"), that_count)
