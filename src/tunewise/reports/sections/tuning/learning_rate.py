"""Validation loss against the learning rate, wherever several rates were trained with."""

from __future__ import annotations

from functools import partial

from tunewise.core.format import listed
from tunewise.core.sanitize import shown
from tunewise.reports.charts.learning_rate import by_learning_rate
from tunewise.reports.document.model import (
    FILES,
    NOTHING,
    PRINT,
    TERMINAL,
    Column,
    Named,
    Paragraph,
    Section,
    Table,
)
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.tuning.searching import RateCurve, rate_curves
from tunewise.reports.facts.wording import metric_name, metric_words
from tunewise.reports.sections.cells import score

MOST_SHOWN = 30  # rows in the terminal; files have all


def section(facts: Facts) -> Section | None:
    curves = rate_curves(facts.shortlist.evidence)
    if not curves:
        return None
    metric = facts.evidence.headline
    measured = "loss" if metric == "loss" else f"loss and {metric_words(metric)}"
    about = (
        f"Validation {measured} after training with each learning rate, under the first seed and "
        "with all else alike. The chosen rate is ringed."
    )
    if early := [curve for curve in curves if curve.points[0].step]:
        steps = sorted({str(curve.points[0].step) for curve in early})
        about += (
            f" Rates that were measured are shown at step {listed(steps)}, where all were compared."
        )
    return Section.of(
        "learning-rate",
        "Learning rate",
        [
            Paragraph(f"{about}{_diverged(curves)}", outputs=PRINT),
            *by_learning_rate(curves, metric),
            _table(curves, metric),
        ],
    )


def _diverged(curves: list[RateCurve]) -> str:
    lost = [
        f"{shown(curve.name)} at {point.rate:g}"
        for curve in curves
        for point in curve.points
        if point.diverged
    ]
    return f" Diverged, and drawn at the upper edge: {listed(lost)}." if lost else ""


def _table(curves: list[RateCurve], metric: str) -> Table:
    early = any(curve.points[0].step for curve in curves)
    measured = [Column("Validation loss", "validation loss", _nats)]
    if metric != "loss":
        sentence = partial(score, metric)
        measured.append(Column(metric_name(metric), f"validation {metric}", sentence))
    columns = (
        Column("Contender", "contender", number=False),
        Column("Learning rate", "learning rate", "{:g}".format),
        *measured,
        Column("", "status"),
        Column("", "chosen"),
        Column("Training", number=False),
        *([Column("Step", "step")] if early else []),
    )
    rows = tuple(
        (
            Named(curve.name, curve.position),
            point.rate,
            *((point.loss, point.score)[: len(measured)]),
            point.status,
            "chosen" if point.chosen else None,
            "chosen" if point.chosen else point.status,
            *([point.step] if early else []),
        )
        for curve in curves
        for point in curve.points
    )
    chosen = [point.chosen for curve in curves for point in curve.points]
    strong = frozenset(place for place, is_chosen in enumerate(chosen) if is_chosen)
    caption = "Validation loss by learning rate, under the first seed"
    return Table("learning-rate", caption, columns, rows, TERMINAL | FILES, strong, most=MOST_SHOWN)


def _nats(loss: float | None) -> str:
    return NOTHING if loss is None else f"{loss:.3f}"
