"""Charts of quality against cost, with the contenders that nobody beats in both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tunewise.analysis.costs import COSTS, Placed, placed
from tunewise.analysis.results import Results
from tunewise.analysis.wording import metric_name, metric_words
from tunewise.core.canonical import JSONObject
from tunewise.core.format import listed
from tunewise.core.sanitize import short_names, shown
from tunewise.reports.charts.drawing import cut, faded, figure, score_axis, score_form, tint
from tunewise.reports.charts.labels import with_room
from tunewise.reports.charts.vega_lite import Marks, field, layered
from tunewise.reports.document.model import PAGE, PRINT, Figure


class Axis(NamedTuple):
    """An axis of cost: its name, its title, and the unit its values are divided by."""

    key: str
    title: str
    unit: float


HEIGHT = 250
PLOT = 260.0  # width of the plot where it is narrowest: three charts beside one another
LONGEST = 22  # signs of a name beside its point

AXES = (
    Axis("parameters", "trainable parameters", 1.0),
    Axis("memory", "peak memory of a trial (MB)", 1e6),
    Axis("time", "seconds of a trial", 1.0),
)


def tradeoffs(results: Results) -> list[Figure]:
    """Quality against trainable parameters, memory and time, where at least two rows have both."""
    drawn = []
    for cost in AXES:
        points = placed(results, cost.key)
        if len(points) < 2:
            continue
        short = short_names([shown(point.row.name) for point in points])
        values = [_value(point, cost, short) for point in points]
        front = sorted((v for v in values if v["front"] == "yes"), key=lambda v: v["cost"])
        axis_title, form = metric_words(results.metric), score_form(results.metric)
        x, y = _axes(values, cost, f"{axis_title}, {results.split}", score_axis(results.metric))
        tooltip = [
            field("name:N", title="contender"),
            field("score:Q", format=form, title=axis_title),
            field("amount:N", title=cost.title),
            field("front:N", title="on the front"),
        ]
        paint = tint([point.row for point in points])
        dots = Marks(values).encode(x=x, y=y).mark("circle", size=110, opacity=1)
        chart = layered(
            Marks(front).mark("line", interpolate="step-after", style="zero").encode(x=x, y=y),
            dots.encode(color=paint, opacity=faded(), tooltip=tooltip),
            Marks(front).mark("point", style="ring", size=230).encode(x=x, y=y, tooltip=tooltip),
            *_names(values, x, y),
            height=HEIGHT,
        )
        title = f"{metric_name(results.metric)} against {cost.title.partition(' (')[0]}"
        says = "; ".join(f"{v['name']} {v['score']:{form}} at {v['amount']}" for v in values)
        best = listed([v["name"] for v in front], most=9)
        good = "high" if results.higher_is_better else "low"
        says += f". No other scores as {good} for less than {best}"
        outputs = PAGE if cost.key == "memory" else PRINT  # in a paper, peaks stand in a table
        drawn.append(figure(f"quality-{cost.key}", title, [says], chart, outputs))
    return drawn


def _axes(
    values: Sequence[JSONObject], cost: Axis, title: str, axis: JSONObject
) -> tuple[JSONObject, JSONObject]:
    """Costs on a logarithmic scale with some air, scores not from zero."""
    least, most = min(v["cost"] for v in values), max(v["cost"] for v in values)
    air = max(1.1, (most / least) ** 0.1)
    x = field(
        "cost:Q",
        title=cost.title,
        scale={"type": "log", "domain": [least / air, most * air], "nice": False},
        axis={"format": "~s" if cost.key != "time" else "~g", "tickCount": 4, "grid": False},
    )
    scale = {"zero": False, "padding": 22}
    return x, field("score:Q", title=title, scale=scale, axis=axis)


def _names(values: Sequence[JSONObject], x: JSONObject, y: JSONObject) -> list[Marks]:
    """Names as far as there is room, those on the front before all others."""
    order = sorted(values, key=lambda v: v["front"] == "no")
    fields, room = ("cost", "score", "label"), {"width": PLOT, "height": HEIGHT / 2, "above": 16}
    return [
        Marks(points)
        .mark("text", align=side, dx=4 if side == "left" else -4, dy=-16)
        .encode(x=x, y=y, text=field("label:N"), opacity=faded())
        for side, points in with_room(order, fields, logarithmic=True, **room)
    ]


def _value(point: Placed, cost: Axis, short: Mapping[str, str]) -> JSONObject:
    name = shown(point.row.name)
    label = short.get(name, name)
    return {
        "name": name,
        "label": cut(label, LONGEST),
        "cost": point.cost / cost.unit,
        "score": point.score,
        "amount": COSTS[cost.key].words(point.cost),
        "front": "yes" if point.front else "no",
    }
