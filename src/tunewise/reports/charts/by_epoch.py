"""Charts with one point an epoch: accuracy on both splits, and training loss beside its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from tunewise.analysis.curves import (
    CurvePoint,
    training_accuracy,
    training_loss,
    training_loss_by_epoch,
    validation_curve,
)
from tunewise.analysis.evidence import Evidence
from tunewise.core.canonical import JSONObject
from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import PERCENTS, faded, figure, tint
from tunewise.reports.charts.learning import SPLITS, TRAINING, VALIDATION, whole_epochs
from tunewise.reports.charts.vega_lite import Marks, field, layered
from tunewise.reports.document.model import PAGE, Figure

Curves = dict[str, list[CurvePoint]]  # by split, or by what a point is the mean of

MEANS, STEPS = "mean of an epoch", "steps"


def accuracies(evidence: Evidence) -> Figure | None:
    """Accuracy while training and on validation over epochs, in one plot.

    None where the task has no accuracy, or one point alone.
    """
    curves = {
        TRAINING: training_accuracy(evidence),
        VALIDATION: validation_curve(evidence, "accuracy"),
    }
    if not all(len({point.epoch for point in points}) > 1 for points in curves.values()):
        return None
    values = _values(curves)
    strokes = field(
        "curve:N",
        scale={"domain": list(SPLITS), "range": list(SPLITS.values())},
        legend={"title": "split"},
    )
    marks = _marks(evidence, curves, values).encode(
        y=field("mean:Q", title="accuracy", scale={"zero": False}, axis=PERCENTS)
    )
    chart = layered(
        marks.mark("line", strokeWidth=2).encode(strokeDash=strokes, opacity=faded()),
        marks.mark("circle", size=36).encode(opacity=faded(), tooltip=_tooltip("accuracy", ".1%")),
        height=260,
    )
    says = []
    for name in _names(curves):  # what it ends at on both splits, and where validation was best
        (_, trained), (_, validated) = (_ends(points, name) for points in curves.values())
        best = max((p for p in curves[VALIDATION] if p.name == name), key=lambda p: p.mean)
        says.append(
            f"{shown(name)} ends at {trained:.1%} on training and {validated:.1%} on validation, "
            f"where epoch {best.epoch:g} was the best with {best.mean:.1%}"
        )
    return figure("accuracy-both-splits", "Accuracy on both splits by epoch", says, chart, PAGE)


def losses(evidence: Evidence) -> Figure | None:
    """Training loss: a point for the mean of each epoch, beside the line of its steps."""
    curves = {MEANS: training_loss_by_epoch(evidence), STEPS: training_loss(evidence)}
    if not curves[MEANS]:
        return None
    marks = {
        name: _marks(evidence, curves, _values({name: points})).encode(
            y=field("mean:Q", title="training loss (nats)", scale={"zero": False})
        )
        for name, points in curves.items()
    }
    tooltip = _tooltip("training loss", ".3f")
    chart = layered(
        marks[STEPS].mark("line", strokeWidth=1).encode(opacity=faded(0.4, 0.05)),
        marks[MEANS].mark("line", strokeWidth=2).encode(opacity=faded()),
        marks[MEANS].mark("circle", size=60).encode(opacity=faded(), tooltip=tooltip),
        height=260,
    )
    says = (
        f"{shown(name)} {first:.3f} in the first epoch and {last:.3f} in the last"
        for name in _names(curves)
        for first, last in [_ends(curves[MEANS], name)]
    )
    return figure("training-loss-by-epoch", "Training loss by epoch", says, chart, PAGE)


def _marks(evidence: Evidence, curves: Curves, values: list[JSONObject]) -> Marks:
    """Points by epoch, in the contenders' colors."""
    present = [one for one in evidence.contenders if one.name in _names(curves)]
    last = max(point.epoch for points in curves.values() for point in points)
    ticks = {"grid": False, "values": whole_epochs(last), "format": "d"}
    return Marks(values).encode(
        detail=field("curve:N"),
        x=field("epoch:Q", title="epoch", axis=ticks),
        color=tint(present, legend=True),
    )


def _names(curves: Curves) -> list[str]:
    return list(dict.fromkeys(point.name for points in curves.values() for point in points))


def _values(curves: Curves) -> list[JSONObject]:
    return [
        {**asdict(point), "name": shown(point.name), "curve": curve}
        for curve, points in curves.items()
        for point in points
    ]


def _ends(points: Sequence[CurvePoint], name: str) -> tuple[float, float]:
    own = [point.mean for point in points if point.name == name]
    return own[0], own[-1]


def _tooltip(title: str, form: str) -> list[JSONObject]:
    return [
        field("name:N", title="contender"),
        field("curve:N", title="curve"),
        field("epoch:Q", format=".2~f"),
        field("mean:Q", format=form, title=title),
    ]
