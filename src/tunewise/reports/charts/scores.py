"""Charts with one mark for each contender: differences, scores, parameters."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from tunewise.analysis.results import Parameters, Results, Row
from tunewise.analysis.wording import (
    fraction,
    gap,
    is_fraction,
    metric_name,
    split_name,
    standing_words,
)
from tunewise.core.canonical import JSONObject
from tunewise.core.format import count
from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import (
    ROW_HEIGHT,
    base,
    faded,
    figure,
    finished,
    interval_tips,
    named,
    score_axis,
    score_form,
    tint,
)
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
        alt.Tooltip("name:N", title="contender"),
        alt.Tooltip("difference:Q", format=form, title=unit.strip() or "difference"),
        alt.Tooltip("low:Q", format=form, title="examples: from"),
        alt.Tooltip("high:Q", format=form, title="to"),
        alt.Tooltip("method_low:Q", format=form, title="examples and seeds: from"),
        alt.Tooltip("method_high:Q", format=form, title="to "),
        alt.Tooltip("verdict:N"),
    ]
    title = f"{metric_name(results.metric)}{',' * fractions}{unit} to the best"
    x = alt.X("difference:Q", title=title, axis=alt.Axis(tickCount=8))
    y = named([value["name"] for value in values])
    looks = {"y": y, "color": tint(rows), "opacity": faded(), "tooltip": tooltip}
    marks = base(values)
    thin, thick = (
        marks.mark_rule(strokeWidth=1.5),
        marks.mark_rule(strokeWidth=5, strokeCap="round"),
    )
    chart = alt.layer(
        base([{"at": 0}]).mark_rule(style="zero").encode(x=alt.X("at:Q")),
        thin.encode(x=alt.X("method_low:Q"), x2=alt.X2("method_high:Q"), **looks),
        thick.encode(x=alt.X("low:Q"), x2=alt.X2("high:Q"), **looks),
        marks.mark_point(size=110, filled=True, opacity=1).encode(x=x, **looks),
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
    who, seeded = alt.Tooltip("name:N", title="contender"), alt.Tooltip("seeds:Q")
    form = score_form(metric)
    tooltip = [who, *interval_tips("mean", form), seeded]
    marks = base(values)
    x = alt.X("mean:Q", title=title, axis=score_axis(metric))
    bars = marks.mark_bar(height=16, cornerRadiusEnd=3)
    whiskers = marks.mark_rule(style="whisker")
    ticks = base(dots).mark_tick(style="seed", thickness=1, size=10)
    notes = marks.mark_text(style="value", align="left", dx=4)
    layers = [
        bars.encode(x=x, y=y, color=tint(present), opacity=faded(), tooltip=tooltip),
        whiskers.encode(x=alt.X("low:Q"), x2=alt.X2("high:Q"), y=y, tooltip=tooltip),
        *([ticks.encode(x=alt.X("value:Q"), y=y)] if dots else []),
        notes.encode(x=alt.XDatum(0), y=y, text=alt.Text("note:N")),
    ]
    chart = alt.layer(*layers, height=ROW_HEIGHT * len(values))
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
    paint = alt.Scale(domain=[*names, ""], range=[*colors, FROZEN[0]])
    tooltip = [
        alt.Tooltip("name:N", title="contender"),
        alt.Tooltip("what:N", title="part"),
        alt.Tooltip("count:Q", format=",", title="parameters"),
    ]
    marks = base(values)
    ring = marks.mark_arc(innerRadius=34, outerRadius=54).encode(
        theta=alt.Theta("count:Q", stack=True),
        order=alt.Order("what:N", sort="descending"),
        color=alt.Color("part:N", scale=paint, legend=None),
        opacity=faded(),
        tooltip=tooltip,
    )
    percentage = marks.mark_text(style="value").encode(text=alt.Text("share:N"))
    counts = marks.mark_text(dy=68).encode(text=alt.Text("numbers:N"))
    each = alt.Facet("name:N", sort=names, title=None, header=alt.Header(labelLimit=150))
    rings = alt.layer(ring, percentage, counts).properties(width=128, height=150)
    says = "; ".join(
        f"{shown(row.name)} {own.trainable:,} of {own.total:,}" for row, own in counted
    )
    drawn = finished(rings.facet(facet=each, columns=4))
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
