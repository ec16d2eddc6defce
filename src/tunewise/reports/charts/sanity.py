"""The chart of the sanity check: training accuracy over epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import figure
from tunewise.reports.charts.vega_lite import Marks, field, layered
from tunewise.reports.document.model import Figure
from tunewise.reports.document.palette import color, dash


def sanity_chart(curves: Mapping[str, Sequence[float]]) -> Figure:
    """A line for each contender; accuracies are fractions, from the first epoch on."""
    values = [
        {"name": shown(name), "epoch": epoch, "accuracy": accuracy}
        for name, curve in curves.items()
        for epoch, accuracy in enumerate(curve, start=1)
    ]
    names, places = [shown(name) for name in curves], range(len(curves))
    paint = {"domain": names, "range": [color(place) for place in places]}
    strokes = {"domain": names, "range": [dash(place) for place in places]}
    last = max((len(curve) for curve in curves.values()), default=1)
    ticks = {"values": [1, *range(5, last + 1, 5)], "format": "d", "grid": False}
    scale, percents = {"domain": [0, 1]}, {"format": "%"}
    lines = Marks(values).encode(
        x=field("epoch:Q", title="epoch", axis=ticks),
        y=field("accuracy:Q", title="training accuracy", scale=scale, axis=percents),
        color=field("name:N", scale=paint, legend={"title": None, "columns": 3}),
        strokeDash=field("name:N", scale=strokes, legend=None),
    )
    drawn = layered(lines.mark("line", strokeWidth=2), lines.mark("circle", size=36), height=260)
    says = (f"{shown(name)} ends at {curve[-1]:.0%}" for name, curve in curves.items())
    return figure("sanity", "Learning a few examples by heart", says, drawn)
