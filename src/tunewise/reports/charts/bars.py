"""Bars side by side: the same metric on two splits, or several metrics on one."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.analysis.results import Results, Row
from tunewise.analysis.wording import metric_name, metric_words
from tunewise.core.canonical import JSONObject
from tunewise.core.format import is_fraction, listed
from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import (
    faded,
    figure,
    interval_tips,
    named,
    score_axis,
    score_form,
)
from tunewise.reports.charts.scores import OUT_OF_MEMORY, measured_bar
from tunewise.reports.charts.vega_lite import Marks, field, layered
from tunewise.reports.document.model import PAGE, Figure
from tunewise.reports.document.palette import LIGHT

NO_ONES = (LIGHT[7], LIGHT[5], LIGHT[6], LIGHT[4])  # colors that few contenders have
BAR = 15  # height of one bar of a contender
SPLITS = ("validation", "test")


def both_splits(results: Results, rows: Sequence[Row]) -> Figure | None:
    """The headline metric on validation and on test, where both were scored."""
    metric = results.metric
    bars = [(split, split, metric) for split in SPLITS]
    title = f"{metric_name(metric)} on validation and test"
    return _grouped(
        rows, bars, f"both-splits-{metric}", title, of="split", axis=metric_words(metric)
    )


def several_metrics(results: Results, rows: Sequence[Row]) -> Figure | None:
    """The metrics that are fractions, on validation, where there are several."""
    fractions = [metric for metric in results.metrics if is_fraction(metric)]
    if len(fractions) < 2:
        return None
    bars = [(metric_name(metric), "validation", metric) for metric in fractions]
    title = (
        f"{listed([metric_name(fractions[0]), *map(metric_words, fractions[1:])])} on validation"
    )
    return _grouped(rows, bars, "validation-metrics", title, of="metric", axis="score")


def _grouped(
    rows: Sequence[Row],
    bars: Sequence[tuple[str, str, str]],
    key: str,
    title: str,
    *,
    of: str,
    axis: str,
) -> Figure | None:
    """A bar for each contender and each of `bars`, which are a name, a split and a metric.

    `of` is what the bars differ in. What did not fit in memory has bars of length 0 and says so.
    None where fewer than two of the bars have a score.
    """
    scored = {name for name, split, metric in bars if any(metric in r.scores(split) for r in rows)}
    if len(scored) < 2:
        return None
    shown_rows = [
        row
        for row in rows
        if row.status == OUT_OF_MEMORY or any(metric in row.scores(s) for _, s, metric in bars)
    ]
    values = [
        {**measured_bar(row, split, metric), "bar": name}
        for row in shown_rows
        for name, split, metric in bars
        if row.status == OUT_OF_MEMORY or metric in row.scores(split)
    ]
    names = [name for name, _, _ in bars]
    form, scale = score_form(bars[0][2]), score_axis(bars[0][2])
    y = named([shown(row.name) for row in shown_rows])
    offset = field("bar:N", sort=names)
    paint = {"domain": names, "range": [NO_ONES[n % len(NO_ONES)] for n in range(len(names))]}
    tooltip = [
        field("name:N", title="contender"),
        field("bar:N"),
        *interval_tips("mean", form),
    ]
    marks = Marks(values)
    chart = layered(
        marks.mark("bar", cornerRadiusEnd=2).encode(
            x=field("mean:Q", title=axis, axis=scale),
            y=y,
            yOffset=offset,
            color=field("bar:N", scale=paint, legend={"title": of}),
            opacity=faded(),
            tooltip=tooltip,
        ),
        marks.mark("rule", style="whisker").encode(
            x=field("low:Q"), x2=field("high"), y=y, yOffset=offset, tooltip=tooltip
        ),
        marks.mark("text", style="value", align="left", dx=4).encode(
            x={"datum": 0}, y=y, yOffset=offset, text=field("note:N")
        ),
        height=len(shown_rows) * (len(names) * BAR + 10),
    )
    says = (_says(row, values, form) for row in shown_rows)
    return figure(key, title, says, chart, PAGE)


def _says(row: Row, values: Sequence[JSONObject], form: str) -> str:
    own = [value for value in values if value["name"] == shown(row.name)]
    scores = (value["note"] or f"{value['mean']:{form}} ({value['bar']})" for value in own)
    counted = ", counted as 0" if any(value["note"] for value in own) else ""
    return f"{shown(row.name)} {', '.join(dict.fromkeys(scores))}{counted}"
