"""Validation loss and score against the learning rate, a line for each contender."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from tunewise.analysis.tuning.searching import RateCurve
from tunewise.analysis.wording import metric_words
from tunewise.core.canonical import JSONObject
from tunewise.core.format import is_fraction
from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import faded, figure, lines, tint
from tunewise.reports.charts.vega_lite import Marks, field, layered
from tunewise.reports.document.model import PAGE, PRINT, Figure

HEIGHT = 260
DOT = 60  # area of a point; of equal points the earlier ones are drawn larger, so that all show
LARGER = 90
CLOSE = 0.02  # of the range: points nearer than that cover each other
STEP = 16  # between the marks of those that diverged at one rate
MOST_MARKS = 4
WIDE_RANGE = 10  # from this factor between two losses on their axis is logarithmic


def by_learning_rate(curves: Sequence[RateCurve], metric: str) -> list[Figure]:
    """The loss, with those that diverged at the upper edge, and the headline metric."""
    loss = _figure(curves, "loss", title="validation loss (nats)", form=".3~f")
    if metric == "loss":
        return [loss] if loss else []
    score = _figure(
        curves,
        metric,
        title=f"validation {metric_words(metric)}",
        form="%" if is_fraction(metric) else ".2f",
    )
    return [figure for figure in (loss, score) if figure is not None]


def _figure(curves: Sequence[RateCurve], quantity: str, *, title: str, form: str) -> Figure | None:
    values = _values(curves, quantity)
    if not values:
        return None
    lost = _diverged(curves) if quantity == "loss" else []
    rates = sorted({point.rate for curve in curves for point in curve.points})
    x = field(
        "rate:Q",
        title="learning rate",
        scale={"type": "log", "domain": [rates[0] / 1.5, rates[-1] * 1.5], "nice": False},
        axis={"values": rates, "format": ".2~e", "grid": False, "labelOverlap": True},
    )
    heights = [value["value"] for value in values]
    wide = quantity == "loss" and min(heights) > 0 and max(heights) > WIDE_RANGE * min(heights)
    scale = {"type": "log"} if wide else {"zero": False, "padding": 14}
    y = field("value:Q", title=title, scale=scale, axis={"format": form, "tickCount": 5})
    tooltip = [
        field("name:N", title="contender"),
        field("rate:Q", format=".3~e", title="learning rate"),
        field("value:Q", format=".1%" if form == "%" else ".3f", title=title),
        field("point:N"),
    ]
    line, points = lines(values, curves, x=x, y=y)
    size = field("size:Q", scale=None, legend=None)
    layers = [line, points.mark("circle").encode(size=size, tooltip=tooltip)]
    if chosen := [value for value in values if value["point"] == "chosen"]:
        ring = Marks([{**value, "size": value["size"] + 2 * DOT} for value in chosen])
        layers.append(ring.mark("point", style="ring").encode(x=x, y=y, size=size, tooltip=tooltip))
    layers += _at_the_edge(
        lost, x, tint(curves, legend=True), middle=math.sqrt(rates[0] * rates[-1])
    )
    chart = layered(*layers, height=HEIGHT)
    name = f"{quantity}-by-learning-rate"
    heading = f"{title.partition(' (')[0].capitalize()} against learning rate"
    # A paper has a table of the scores.
    outputs = PRINT if quantity == "loss" else PAGE
    return figure(name, heading, _says(curves, quantity, form), chart, outputs)


def _values(curves: Sequence[RateCurve], quantity: str) -> list[JSONObject]:
    """A row for each point with a value; the later a point stands, the smaller it is drawn."""
    values: list[JSONObject] = [
        {
            "name": shown(curve.name),
            "rate": point.rate,
            "value": value,
            "point": "chosen" if point.chosen else "tried",
        }
        for curve in curves
        for point in curve.points
        if (value := point.value(quantity)) is not None
    ]
    heights = [value["value"] for value in values]
    reach = CLOSE * (max(heights) - min(heights)) if heights else 0.0
    for place, row in enumerate(values):
        over = [
            other
            for other in values[place + 1 :]
            if other["rate"] == row["rate"] and abs(other["value"] - row["value"]) <= reach
        ]
        row["size"] = DOT + LARGER * min(len(over), MOST_MARKS)
    return values


def _diverged(curves: Sequence[RateCurve]) -> list[JSONObject]:
    """Those without a loss, one below the other where several diverged at one rate."""
    counted: Counter[float] = Counter()
    rows = []
    for curve in curves:
        for point in curve.points:
            if point.diverged and counted[point.rate] < MOST_MARKS:
                step = counted[point.rate]
                rows.append({"name": shown(curve.name), "rate": point.rate, "step": step})
                counted[point.rate] += 1
    return rows


def _at_the_edge(
    lost: Sequence[JSONObject], x: JSONObject, paint: JSONObject, *, middle: float
) -> list[Marks]:
    """A triangle for each that diverged, at the upper edge, and the word beside the first."""
    tooltip = [
        field("name:N", title="contender"),
        field("rate:Q", format=".3~e", title="learning rate, diverged"),
    ]
    layers = [
        Marks([row for row in lost if row["step"] == step])
        .mark("point", shape="triangle-up", filled=True, size=90)
        .encode(x=x, y={"value": 6 + STEP * step}, color=paint, opacity=faded(), tooltip=tooltip)
        for step in sorted({row["step"] for row in lost})
    ]
    if lost:
        first = min(lost, key=lambda row: (row["rate"], row["step"]))
        left = first["rate"] > middle  # of its mark, where there is more room
        word = Marks([{**first, "word": "diverged"}]).mark(
            "text", style="value", align="right" if left else "left", dx=-9 if left else 9
        )
        layers.append(word.encode(x=x, y={"value": 7}, text=field("word:N")))
    return layers


def _says(curves: Sequence[RateCurve], quantity: str, form: str) -> Iterator[str]:
    for curve in curves:
        rates = []
        for point in curve.points:
            value = point.value(quantity)
            words = point.status if value is None else f"{value:{'.1%' if form == '%' else '.3f'}}"
            rates.append(f"{words} at {point.rate:g}{' (chosen)' if point.chosen else ''}")
        yield f"{shown(curve.name)} {', '.join(rates)}"
