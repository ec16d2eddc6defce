"""Training epoch by epoch: accuracy on both splits, training loss, best and last score."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from tunewise.reports.charts.by_epoch import accuracies, losses
from tunewise.reports.document.model import FILES, PAGE, Column, Paragraph, Section, Table
from tunewise.reports.facts.curves import best_and_last
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.wording import metric_words
from tunewise.reports.sections.cells import CONTENDER, named, score

ABOUT = (
    "Accuracy on training examples is taken while they are learned, with dropout on. Where it "
    "rises and accuracy on validation does not, training fits what does not hold elsewhere."
)


def section(facts: Facts) -> Section | None:
    evidence = facts.shortlist.evidence
    drawn = [accuracies(evidence), losses(evidence)]
    table = _best_and_last(facts)
    if not any(drawn) and not table.rows:
        return None
    return Section.of(
        "by-epoch",
        "Epoch by epoch",
        [
            Paragraph(ABOUT, outputs=PAGE) if drawn[0] else None,
            table if table.rows else None,
            *drawn,
        ],
    )


def _best_and_last(facts: Facts) -> Table:
    metric = facts.results.metric
    show = partial(score, metric)
    columns = (
        replace(CONTENDER, of=lambda one: named(facts.evidence.by_name[one.name])),
        Column("Best", f"best {metric}", show, "best"),
        Column("At epoch", "best epoch", lambda epoch: f"{epoch:g}", "best_epoch"),
        Column("Last", f"last {metric}", show, "last"),
        Column("Epochs", "epochs", lambda epoch: f"{epoch:g}", "last_epoch"),
    )
    caption = (
        f"Validation {metric_words(metric)} after the best epoch and after the last, means over "
        f"seeds{facts.shortlist.note}"
    )
    rows = best_and_last(facts.shortlist.evidence, metric)
    return Table.about("best-and-last", caption, columns, rows, outputs=PAGE | FILES)
