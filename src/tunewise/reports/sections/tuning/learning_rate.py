"""Validation loss against the learning rate, wherever several rates were trained with."""

from __future__ import annotations

from functools import partial

from tunewise.analysis.facts import Facts
from tunewise.analysis.tuning.searching import RateCurve, rate_curves
from tunewise.analysis.wording import metric_name, metric_words
from tunewise.core.format import listed, score
from tunewise.core.sanitize import shown
from tunewise.reports.charts.learning_rate import by_learning_rate
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import called

MOST_SHOWN = 30  # rows in the terminal; files have all


@doc.titled("learning-rate", "Learning rate")
def section(facts: Facts) -> doc.Blocks:
    curves = rate_curves(facts.shortlist.evidence)
    if not curves:
        return
    metric = facts.evidence.headline
    measured = "loss" if metric == "loss" else f"loss and {metric_words(metric)}"
    about = (
        f"Validation {measured} after training with each learning rate, under the first seed and "
        "with all else alike. The chosen rate is ringed."
    )
    if steps := sorted({str(one.points[0].step) for one in curves if one.points[0].step}):
        about += (
            f" Rates that were measured are shown at step {listed(steps)}, where all were compared."
        )
    softened = any(point.softened for curve in curves for point in curve.points)
    if softened:
        about += (
            " Where a model is too sure, the loss there is that of logits scaled down to suit the "
            "validation split best, so that a few mistakes do not outweigh what it knows."
        )
    if lost := [
        f"{shown(curve.name)} at {point.rate:g}"
        for curve in curves
        for point in curve.points
        if point.diverged
    ]:
        about += f" Diverged, and drawn at the upper edge: {listed(lost)}."
    yield doc.Paragraph(about, outputs=doc.PRINT)
    yield from by_learning_rate(curves, metric)
    yield _table(curves, metric, early=bool(steps), softened=softened)


def _table(curves: list[RateCurve], metric: str, *, early: bool, softened: bool) -> doc.Table:
    """A row for each point of a curve."""
    as_score = partial(score, metric)
    scored, stepped = (doc.ALL if there else frozenset() for there in (metric != "loss", early))
    columns = (
        doc.Column("Contender", "contender", number=False),
        doc.Column("Learning rate", "learning rate", "{:g}".format),
        doc.Column("Validation loss", "validation loss", "{:.3f}".format),
        doc.Column(metric_name(metric), f"validation {metric}", as_score, outputs=scored),
        doc.Column("", "status"),
        doc.Column("", "chosen"),
        doc.Column("Training", number=False),
        doc.Column("Step", "step", outputs=stepped),
    )
    pairs = [(called(curve), point) for curve in curves for point in curve.points]
    rows = tuple(
        (
            name,
            *(point.rate, point.loss, point.score, point.status),
            *(("chosen", "chosen") if point.chosen else (None, point.status)),
            point.step,
        )
        for name, point in pairs
    )
    strong = frozenset(place for place, (_, point) in enumerate(pairs) if point.chosen)
    caption = "Validation loss by learning rate, under the first seed"
    if softened:
        caption += ", logits that are too sure scaled down"
    if early:
        caption += ", where all were compared first; the best of them went on before one was chosen"
    if len(rows) > MOST_SHOWN:
        caption += f" ({MOST_SHOWN} of {len(rows)} rows; the report has all)"
    outputs = doc.TERMINAL | doc.FILES
    return doc.Table("learning-rate", caption, columns, rows, outputs, strong, most=MOST_SHOWN)
