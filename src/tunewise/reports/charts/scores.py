"""Charts with one mark for each contender: differences, scores, parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from tunewise.core.format import count as short_count
from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import ROW_HEIGHT, base, faded, finished, named, tint
from tunewise.reports.document.model import PRINT, Figure, Outputs
from tunewise.reports.document.palette import FROZEN, color
from tunewise.reports.facts.results import Results, Row, Spread
from tunewise.reports.facts.wording import metric_name, split_name

OUT_OF_MEMORY = "out-of-memory"


def differences(results: Results) -> Figure | None:
    """Each contender minus the best, in points, with its interval over items."""
    best = results.best
    values: list[dict[str, Any]] = []
    for row in results.rows:
        if row.to_best is None:
            continue
        spot = 100 * row.to_best.difference
        items, method = row.to_best.items.interval, row.to_best.method.interval
        values.append(
            {
                "name": shown(row.name),
                "difference": spot,
                "low": 100 * items.low if items else spot,
                "high": 100 * items.high if items else spot,
                "method_low": 100 * method.low if method else spot,
                "method_high": 100 * method.high if method else spot,
                "verdict": row.standing,
            }
        )
    if best is None or not values:
        return None
    metric = metric_name(results.metric)
    y = named([value["name"] for value in values])
    title = f"{metric}, points to the best"
    x = alt.X("difference:Q", title=title, axis=alt.Axis(tickCount=8))
    tooltip = [
        alt.Tooltip("name:N", title="contender"),
        alt.Tooltip("difference:Q", format="+.1f", title="points"),
        alt.Tooltip("low:Q", format="+.1f", title="examples: from"),
        alt.Tooltip("high:Q", format="+.1f", title="to"),
        alt.Tooltip("method_low:Q", format="+.1f", title="examples and seeds: from"),
        alt.Tooltip("method_high:Q", format="+.1f", title="to "),
        alt.Tooltip("verdict:N"),
    ]
    marks = base(values)
    paint = tint([row for row in results.rows if row.to_best])
    chart = alt.layer(
        base([{"at": 0}]).mark_rule(style="zero").encode(x=alt.X("at:Q")),
        marks.mark_rule(strokeWidth=1.5).encode(
            x=alt.X("method_low:Q"),
            x2=alt.X2("method_high:Q"),
            y=y,
            color=paint,
            opacity=faded(),
            tooltip=tooltip,
        ),
        marks.mark_rule(strokeWidth=5, strokeCap="round").encode(
            x=alt.X("low:Q"),
            x2=alt.X2("high:Q"),
            y=y,
            color=paint,
            opacity=faded(),
            tooltip=tooltip,
        ),
        marks.mark_point(size=110, filled=True, opacity=1).encode(
            x=x, y=y, color=paint, opacity=faded(), tooltip=tooltip
        ),
        height=ROW_HEIGHT * len(values),
    )
    says = "; ".join(
        f"{value['name']} {value['difference']:+.1f} points "
        f"({value['low']:+.1f} to {value['high']:+.1f}), {value['verdict']}"
        for value in values
    )
    title = f"Difference to {shown(best.name)}"
    return Figure("differences", title, f"{title}: {says}.", finished(chart))


def scores(
    rows: Sequence[Row], metric: str, split: str, *, outputs: Outputs = PRINT
) -> Figure | None:
    """Bars of a metric, each with its seeds and, where there is one, its interval.

    What did not fit in memory stands there with 0 and says so.
    """
    scored = [row for row in rows if metric in row.scores(split)]
    if not scored:
        return None
    too_large = [row for row in rows if row not in scored and row.status == OUT_OF_MEMORY]
    present = [*scored, *too_large]
    values: list[dict[str, Any]] = []
    for row in present:
        spread = row.scores(split).get(metric, Spread((0.0,)))
        interval = row.intervals.get((split, metric))
        values.append(
            {
                "name": shown(row.name),
                "note": "out of memory" if row in too_large else "",
                "mean": spread.mean,
                "low": interval.low if interval else spread.mean,
                "high": interval.high if interval else spread.mean,
                "seeds": len(spread.values),
            }
        )
    dots = [
        {"name": shown(row.name), "value": value}
        for row in scored
        for value in row.scores(split)[metric].values
        if len(row.scores(split)[metric].values) > 1
    ]
    y = named([value["name"] for value in values])
    title = f"{metric_name(metric)} on {split_name(split)}"
    tooltip = [
        alt.Tooltip("name:N", title="contender"),
        alt.Tooltip("mean:Q", format=".1%", title="mean"),
        alt.Tooltip("low:Q", format=".1%", title="from"),
        alt.Tooltip("high:Q", format=".1%", title="to"),
        alt.Tooltip("seeds:Q"),
    ]
    marks = base(values)
    x = alt.X("mean:Q", title=title, axis=alt.Axis(format="%", tickCount=5))
    chart = alt.layer(
        marks.mark_bar(height=16, cornerRadiusEnd=3).encode(
            x=x, y=y, color=tint(present), opacity=faded(), tooltip=tooltip
        ),
        marks.mark_rule(style="whisker").encode(
            x=alt.X("low:Q"), x2=alt.X2("high:Q"), y=y, tooltip=tooltip
        ),
        base(dots).mark_tick(style="seed", thickness=1, size=10).encode(x=alt.X("value:Q"), y=y),
        marks.mark_text(style="value", align="left", dx=4).encode(
            x=alt.XDatum(0), y=y, text=alt.Text("note:N")
        ),
        height=ROW_HEIGHT * len(values),
    )
    says = "; ".join(
        f"{value['name']} {value['note']}, counted as 0"
        if value["note"]
        else f"{value['name']} {value['mean']:.1%} ({value['low']:.1%} to {value['high']:.1%})"
        for value in values
    )
    return Figure(f"{split}-{metric}", title, f"{title}: {says}.", finished(chart), outputs)


def parameters(results: Results) -> Figure | None:
    """A ring for each contender with a model: its trainable parameters, out of all."""
    values: list[dict[str, Any]] = []
    counted = [row for row in results.rows if row.parameters]
    for row in counted:
        assert row.parameters is not None
        trained, total = row.parameters.trainable, row.parameters.total
        shared = {
            "name": shown(row.name),
            "share": _percent(row.parameters.share),
            "numbers": f"{short_count(trained)} of {short_count(total)}",
        }
        values += [
            {**shared, "part": shown(row.name), "count": trained, "what": "trainable"},
            {**shared, "part": "", "count": total - trained, "what": "frozen"},
        ]
    if not counted:
        return None
    names = [shown(row.name) for row in counted]
    paint = alt.Scale(domain=[*names, ""], range=[*(color(r.position) for r in counted), FROZEN[0]])
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
    share = marks.mark_text(style="value").encode(text=alt.Text("share:N"))
    numbers = marks.mark_text(dy=68).encode(text=alt.Text("numbers:N"))
    chart = (
        alt.layer(ring, share, numbers)
        .properties(width=128, height=150)
        .facet(
            facet=alt.Facet("name:N", sort=names, title=None, header=alt.Header(labelLimit=150)),
            columns=4,
        )
    )
    says = "; ".join(
        f"{shown(row.name)} {row.parameters.trainable:,} of {row.parameters.total:,}"
        for row in counted
        if row.parameters
    )
    return Figure("parameters", "", f"Trainable parameters: {says}.", finished(chart))


def _percent(share: float) -> str:
    """Two digits that matter: 100 %, 1.3 %, 0.0085 %."""
    return f"{100 * share:.2g} %" if share < 0.995 else "100 %"
