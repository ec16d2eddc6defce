"""Charts of training over epochs: loss on both splits in one plot, and the score on validation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict

from tunewise.analysis.curves import CurvePoint, training_loss, validation_curve
from tunewise.analysis.evidence import Evidence
from tunewise.analysis.wording import metric_words
from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import dashes, faded, finished, tint
from tunewise.reports.charts.vega_lite import Marks, field, layered
from tunewise.reports.document.model import Figure

TRAINING, VALIDATION = "training", "validation"
SPLITS = {TRAINING: [5, 3], VALIDATION: [1, 0]}  # how the line of each is dashed


def learning(evidence: Evidence) -> list[Figure]:
    """Loss on both splits over epochs, then the headline metric, with bands over seeds."""
    metric = evidence.headline
    name, key = metric_words(metric), f"validation-{metric}-by-epoch"
    losses = {TRAINING: training_loss(evidence), VALIDATION: validation_curve(evidence, "loss")}
    drawn = [_curves(evidence, losses, "loss-by-epoch", "Loss", axis="loss (nats)", form=".2f")]
    if metric != "loss":
        scores = {VALIDATION: validation_curve(evidence, metric)}
        drawn.append(_curves(evidence, scores, key, f"Validation {name}", axis=name, form="%"))
    return [figure for figure in drawn if figure is not None]


def _curves(
    evidence: Evidence,
    curves: dict[str, list[CurvePoint]],
    key: str,
    title: str,
    *,
    axis: str,
    form: str,
) -> Figure | None:
    """A line for each contender and split; where there is one epoch, its point."""
    values = [
        {**asdict(point), "name": shown(point.name), "split": split}
        for split, points in curves.items()
        for point in points
    ]
    if not values:
        return None
    names = {point.name for points in curves.values() for point in points}
    present = [one for one in evidence.contenders if one.name in names]
    several = sum(bool(points) for points in curves.values()) > 1
    last = max(float(value["epoch"]) for value in values)
    ticks = {"grid": False, "values": whole_epochs(last), "format": "d"}
    x = field("epoch:Q", title="epoch", axis=ticks)
    y = field("mean:Q", title=axis, scale={"zero": False}, axis={"format": form})
    by_split = {"domain": list(SPLITS), "range": list(SPLITS.values())}
    strokes = (
        field("split:N", scale=by_split, legend={"title": "split"}) if several else dashes(present)
    )
    tooltip = [
        field("name:N", title="contender"),
        field("split:N"),
        field("epoch:Q", format=".2~f"),
        field("mean:Q", format=".3f", title=axis),
        field("low:Q", format=".3f", title="lowest seed"),
        field("high:Q", format=".3f", title="highest seed"),
    ]
    low, high = field("low:Q", title=axis), field("high")
    detail, paint = field("split:N"), tint(present, legend=True)
    marks = Marks(values).encode(detail=detail, x=x, color=paint)
    dots = marks.mark("circle", size=9 if len(values) > 25 * len(present) else 36)
    chart = layered(
        marks.mark("area").encode(y=low, y2=high, opacity=faded(0.2, 0.03)),
        marks.mark("line", strokeWidth=2).encode(y=y, strokeDash=strokes, opacity=faded()),
        dots.encode(y=y, opacity=faded(), tooltip=tooltip),
        height=260,
    )
    says = f"{title} over epochs: {'; '.join(_says(curves))}."
    return Figure(key, title, says, finished(chart))


def _says(curves: dict[str, list[CurvePoint]]) -> Iterator[str]:
    last = {
        (shown(point.name), split): point.mean
        for split, points in curves.items()
        for point in points
    }
    several = len({split for _, split in last}) > 1
    for (name, split), mean in last.items():
        yield f"{name}{f' on {split}' if several else ''} ends at {mean:.3f}"


def whole_epochs(epochs: float) -> list[int]:
    """At most eight whole epochs to mark on an axis."""
    step = max(1, math.ceil(epochs / 8))
    return list(range(0, math.ceil(epochs) + 1, step))
