"""Training epoch by epoch: accuracy on both splits, training loss, best and last score."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from tunewise.analysis.curves import best_and_last
from tunewise.analysis.facts import Facts
from tunewise.analysis.wording import metric_words
from tunewise.core.format import score
from tunewise.reports.charts.by_epoch import accuracies, losses
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import CONTENDER, named

ABOUT = (
    "Accuracy on training examples is taken while they are learned, with dropout on. Where it "
    "rises and accuracy on validation does not, training fits what does not hold elsewhere."
)


@doc.titled("by-epoch", "Epoch by epoch")
def section(facts: Facts) -> doc.Blocks:
    evidence = facts.shortlist.evidence
    both = accuracies(evidence)
    if both:
        yield doc.Paragraph(ABOUT, outputs=doc.PAGE)
    metric = facts.results.metric
    show = partial(score, metric)
    columns = (
        replace(CONTENDER, of=lambda one: named(facts.evidence.by_name[one.name])),
        doc.Column("Best", f"best {metric}", show, "best"),
        doc.Column("At epoch", "best epoch", lambda epoch: f"{epoch:g}", "best_epoch"),
        doc.Column("Last", f"last {metric}", show, "last"),
        doc.Column("Epochs", "epochs", lambda epoch: f"{epoch:g}", "last_epoch"),
    )
    caption = (
        f"Validation {metric_words(metric)} after the best epoch and after the last, means over "
        f"seeds{facts.shortlist.note}"
    )
    rows = best_and_last(facts.shortlist.evidence, metric)
    table = doc.Table.about("best-and-last", caption, columns, rows, outputs=doc.PAGE | doc.FILES)
    if table.rows:
        yield table
    yield both
    yield losses(evidence)
