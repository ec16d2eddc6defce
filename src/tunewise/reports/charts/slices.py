"""A chart for each column of slices: every contender within every slice."""

from __future__ import annotations

from collections.abc import Iterator

from tunewise.analysis.results import Results
from tunewise.analysis.slices import Sliced
from tunewise.analysis.wording import metric_name
from tunewise.core.canonical import JSONObject
from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import (
    cut,
    faded,
    figure,
    interval_tips,
    score_axis,
    score_form,
    tint,
)
from tunewise.reports.charts.vega_lite import Marks, field, layered
from tunewise.reports.document.model import PAGE, Figure

LINE = 11  # height of one contender within a slice
LONGEST = 40  # characters of a slice's value on an axis


def slice_charts(found: Sliced, results: Results) -> Iterator[Figure]:
    """One for each column, in their order."""
    for number, (column, slices) in enumerate(found.columns.items(), 1):
        names = {
            name.value: f"{cut(shown(name.value), LONGEST)} ({name.items:,})" for name in slices
        }
        values: list[JSONObject] = [
            {
                "slice": names[one.value],
                "name": shown(score.name),
                "mean": score.mean,
                "low": score.interval.low if score.interval else score.mean,
                "high": score.interval.high if score.interval else score.mean,
            }
            for one in slices
            for score in one.scores
            if score.mean is not None
        ]
        rows = [row for row in results.rows if any(v["name"] == shown(row.name) for v in values)]
        metric = metric_name(found.metric)
        y = field("slice:N", sort=list(names.values()), title=None, axis={"labelLimit": 170})
        offset = field("name:N", sort=[shown(row.name) for row in rows])
        title, form = f"{metric.lower()}, {found.split}", score_form(found.metric)
        x = field("mean:Q", title=title, scale={"zero": False}, axis=score_axis(found.metric))
        tooltip = [
            field("slice:N", title=shown(column)),
            field("name:N", title="contender"),
            *interval_tips(metric.lower(), form),
        ]
        looks = {"color": tint(rows, legend=True), "opacity": faded(), "tooltip": tooltip}
        marks = Marks(values).encode(y=y, yOffset=offset)
        chart = layered(
            marks.mark("rule", strokeWidth=2).encode(x=field("low:Q"), x2=field("high"), **looks),
            marks.mark("circle", size=44, opacity=1).encode(x=x, **looks),
            height=max(60, (LINE * len(rows) + 10) * len(slices)),
        )
        title = f"{metric} by {cut(shown(column), LONGEST)}"
        says = (f"{value['slice']}: {value['name']} {value['mean']:{form}}" for value in values)
        yield figure(f"slices-{number}", title, says, chart, PAGE)
