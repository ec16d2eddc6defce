"""The chart of the sanity check: training accuracy over epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt

from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import base, figure
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
    paint = alt.Scale(domain=names, range=[color(place) for place in places])
    strokes = alt.Scale(domain=names, range=[dash(place) for place in places])
    last = max((len(curve) for curve in curves.values()), default=1)
    ticks = alt.Axis(values=[1, *range(5, last + 1, 5)], format="d", grid=False)
    scale, percents = alt.Scale(domain=[0, 1]), alt.Axis(format="%")
    lines = base(values).encode(
        x=alt.X("epoch:Q", title="epoch", axis=ticks),
        y=alt.Y("accuracy:Q", title="training accuracy", scale=scale, axis=percents),
        color=alt.Color("name:N", scale=paint, legend=alt.Legend(title=None, columns=3)),
        strokeDash=alt.StrokeDash("name:N", scale=strokes, legend=None),
    )
    drawn = (lines.mark_line(strokeWidth=2) + lines.mark_circle(size=36)).properties(height=260)
    says = (f"{shown(name)} ends at {curve[-1]:.0%}" for name, curve in curves.items())
    return figure("sanity", "Learning a few examples by heart", says, drawn)
