"""Charts with one mark for each contender: differences, scores, parameters."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.analysis.results import Parameters, Results, Row
from tunewise.analysis.wording import fraction, metric_name, split_name, standing_words
from tunewise.core.canonical import JSONObject
from tunewise.core.format import count, gap, is_fraction
from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import (
    ROW_HEIGHT,
    faded,
    figure,
    finished,
    interval_tips,
    named,
    score_axis,
    score_form,
    tint,
)
from tunewise.reports.charts.vega_lite import Marks, faceted, field, layered
from tunewise.reports.document.model import Figure
from tunewise.reports.document.palette import FROZEN, color
from tunewise.statistics.intervals import Interval

OUT_OF_MEMORY = "out-of-memory"


def differences(results: Results) -> Figure | None:
    """Each contender minus the best, in points, with its interval over examples."""
    rows = [row for row in results.rows if row.to_best]
    if results.best is None or not rows:
        return None
    fractions = is_fraction(results.metric)
    values = [_difference(row, 100 if fractions else 1) for row in rows]
    form, unit = ("+.1f", " points") if fractions else ("+.3f", "")
    tooltip = [
        field("name:N", title="contender"),
        field("difference:Q", format=form, title=unit.strip() or "difference"),
        field("low:Q", format=form, title="examples: from"),
        field("high:Q", format=form, title="to"),
        field("method_low:Q", format=form, title="examples and seeds: from"),
        field("method_high:Q", format=form, title="to "),
        field("verdict:N"),
    ]
    title = f"{metric_name(results.metric)}{',' * fractions}{unit} to the best"
    x = field("difference:Q", title=title, axis={"tickCount": 8})
    y = named([value["name"] for value in values])
    looks = {"y": y, "color": tint(rows), "opacity": faded(), "tooltip": tooltip}
    marks = Marks(values)
    thin, thick = (
        marks.mark("rule", strokeWidth=1.5),
        marks.mark("rule", strokeWidth=5, strokeCap="round"),
    )
    chart = layered(
        Marks([{"at": 0}]).mark("rule", style="zero").encode(x=field("at:Q")),
        thin.encode(x=field("method_low:Q"), x2=field("method_high"), **looks),
        thick.encode(x=field("low:Q"), x2=field("high"), **looks),
        marks.mark("point", size=110, filled=True, opacity=1).encode(x=x, **looks),
        height=ROW_HEIGHT * len(values),
    )
    says = [_says_difference(row, results.metric, unit) for row in rows]
    return figure("differences", f"Difference to {shown(results.best.name)}", says, chart)


def _says_difference(row: Row, metric: str, unit: str) -> str:
    spot, ends = _spot_and_ends(row)
    low, high = (gap(metric, end) for end in ends[0])
    return (
        f"{shown(row.name)} {gap(metric, spot)}{unit} ({low} to {high}), "
        f"{standing_words(row.standing)}"
    )


def _spot_and_ends(row: Row) -> tuple[float, tuple[Interval, Interval]]:
    """A difference to the best, over examples and over seeds; where no interval is, of no width."""
    assert row.to_best is not None
    spot = row.to_best.difference
    examples, method = (
        claim.interval or Interval(spot, spot) for claim in (row.to_best.items, row.to_best.method)
    )
    return spot, (examples, method)


def _difference(row: Row, scale: float) -> JSONObject:
    """Times `scale`, which makes points of fractions."""
    spot, (examples, method) = _spot_and_ends(row)
    return {
        "name": shown(row.name),
        "difference": scale * spot,
        "low": scale * examples.low,
        "high": scale * examples.high,
        "method_low": scale * method.low,
        "method_high": scale * method.high,
        "verdict": row.standing,
    }


def scores(rows: Sequence[Row], metric: str, split: str) -> Figure | None:
    """Bars of a metric, each with its seeds and, where there is one, its interval.

    What did not fit in memory stands there with 0 and says so.
    """
    scored = [row for row in rows if metric in row.scores(split)]
    if not scored:
        return None
    too_large = [row for row in rows if row not in scored and row.status == OUT_OF_MEMORY]
    present = [*scored, *too_large]
    values = [
        {
            **measured_bar(row, split, metric),
            "seeds": len(row.scores(split)[metric].values) if row in scored else 1,
        }
        for row in present
    ]
    seeds = ((row.name, row.scores(split)[metric].values) for row in scored)
    dots = [
        {"name": shown(name), "value": value}
        for name, own in seeds
        for value in own
        if len(own) > 1
    ]
    y = named([value["name"] for value in values])
    title = f"{metric_name(metric)} on {split_name(split)}"
    who, seeded = field("name:N", title="contender"), field("seeds:Q")
    form = score_form(metric)
    tooltip = [who, *interval_tips("mean", form), seeded]
    marks = Marks(values)
    x = field("mean:Q", title=title, axis=score_axis(metric))
    bars = marks.mark("bar", height=16, cornerRadiusEnd=3)
    whiskers = marks.mark("rule", style="whisker")
    ticks = Marks(dots).mark("tick", style="seed", thickness=1, size=10)
    notes = marks.mark("text", style="value", align="left", dx=4)
    layers = [
        bars.encode(x=x, y=y, color=tint(present), opacity=faded(), tooltip=tooltip),
        whiskers.encode(x=field("low:Q"), x2=field("high"), y=y, tooltip=tooltip),
        *([ticks.encode(x=field("value:Q"), y=y)] if dots else []),
        notes.encode(x={"datum": 0}, y=y, text=field("note:N")),
    ]
    chart = layered(*layers, height=ROW_HEIGHT * len(values))
    says = (
        f"{value['name']} {value['note']}, counted as 0"
        if value["note"]
        else f"{value['name']} {value['mean']:{form}} "
        f"({value['low']:{form}} to {value['high']:{form}})"
        for value in values
    )
    return figure(f"{split}-{metric}", title, says, chart)


def measured_bar(row: Row, split: str, metric: str) -> JSONObject:
    """The ends of a bar; what did not fit in memory has one of length 0 that says so."""
    spread = row.scores(split).get(metric)
    mean = spread.mean if spread else 0.0
    interval = row.intervals.get((split, metric)) or Interval(mean, mean)
    return {
        "name": shown(row.name),
        "note": "" if spread else "out of memory",
        "mean": mean,
        "low": interval.low,
        "high": interval.high,
    }


def parameters(results: Results) -> Figure | None:
    """A ring for each contender with a model: its trainable parameters, out of all."""
    counted = [(row, row.parameters) for row in results.rows if row.parameters]
    if not counted:
        return None
    values = [value for row, own in counted for value in _rings(row, own)]
    names = [shown(row.name) for row, _ in counted]
    colors = [color(row.position) for row, _ in counted]
    paint = {"domain": [*names, ""], "range": [*colors, FROZEN[0]]}
    tooltip = [
        field("name:N", title="contender"),
        field("what:N", title="part"),
        field("count:Q", format=",", title="parameters"),
    ]
    marks = Marks(values)
    ring = marks.mark("arc", innerRadius=34, outerRadius=54).encode(
        theta=field("count:Q", stack=True),
        order=field("what:N", sort="descending"),
        color=field("part:N", scale=paint, legend=None),
        opacity=faded(),
        tooltip=tooltip,
    )
    percentage = marks.mark("text", style="value").encode(text=field("share:N"))
    counts = marks.mark("text", dy=68).encode(text=field("numbers:N"))
    each = field("name:N", sort=names, title=None, header={"labelLimit": 150})
    rings = layered(ring, percentage, counts, width=128, height=150)
    says = "; ".join(
        f"{shown(row.name)} {own.trainable:,} of {own.total:,}" for row, own in counted
    )
    drawn = finished(faceted(rings, each, columns=4))
    return Figure("parameters", "", f"Trainable parameters: {says}.", drawn)


def _rings(row: Row, own: Parameters) -> list[JSONObject]:
    """The two arcs of a contender's ring."""
    shared = {
        "name": shown(row.name),
        "share": fraction(own.fraction),
        "numbers": f"{count(own.trainable)} of {count(own.total)}",
    }
    frozen = own.total - own.trainable
    return [
        {**shared, "part": shown(row.name), "count": own.trainable, "what": "trainable"},
        {**shared, "part": "", "count": frozen, "what": "frozen"},
    ]
