"""Our descriptions of charts against those that Altair writes of the same charts."""

from __future__ import annotations

from typing import Any

import altair as alt

from tunewise.core.canonical import JSONObject
from tunewise.reports.charts.vega_lite import Marks, faceted, field, layered, with_tables

ROWS: list[JSONObject] = [
    {"name": "lora", "mean": 0.7, "low": 0.6, "high": 0.8},
    {"name": "full", "mean": 0.6, "low": 0.5, "high": 0.7},
]


def by_altair(chart: Any) -> JSONObject:
    """Without what Altair's own theme adds, with the rows where a part refers to them."""
    spec: JSONObject = chart.to_dict(validate=True)
    return inlined({name: spec[name] for name in spec if name not in {"$schema", "config"}})


def inlined(spec: JSONObject) -> JSONObject:
    tables = spec["datasets"]

    def part(one: JSONObject) -> JSONObject:
        return {**one, "data": tables[one["data"]["name"]]} if "data" in one else one

    made = part({name: value for name, value in spec.items() if name != "datasets"})
    if "layer" in made:  # what all layers show Altair tells above them
        shared = {"data": made.pop("data")} if "data" in made else {}
        made["layer"] = [{**shared, **part(layer)} for layer in made["layer"]]
    return made


def bars_with_whiskers() -> tuple[Marks, Marks]:
    y = field("name:N", sort=["lora", "full"], title=None)
    marks = Marks(ROWS)
    bars = marks.mark("bar", height=16).encode(
        x=field("mean:Q", title="accuracy", axis={"format": "%", "tickCount": 5}),
        y=y,
        opacity={"condition": {"test": "datum.name === picked", "value": 1}, "value": 0.2},
        tooltip=[field("name:N", title="contender"), field("mean:Q", format=".1%")],
    )
    whiskers = marks.mark("rule", style="whisker").encode(
        x=field("low:Q"), x2=field("high"), y=y, color={"value": "black"}
    )
    return bars, whiskers


def the_same_by_altair() -> tuple[Any, Any]:
    y = alt.Y("name:N", sort=["lora", "full"], title=None)
    marks = alt.Chart(alt.InlineData(values=ROWS))
    bars = marks.mark_bar(height=16).encode(
        x=alt.X("mean:Q", title="accuracy", axis=alt.Axis(format="%", tickCount=5)),
        y=y,
        opacity=alt.OpacityValue(0.2, condition={"test": "datum.name === picked", "value": 1}),
        tooltip=[alt.Tooltip("name:N", title="contender"), alt.Tooltip("mean:Q", format=".1%")],
    )
    whiskers = marks.mark_rule(style="whisker").encode(
        x=alt.X("low:Q"), x2=alt.X2("high:Q"), y=y, color=alt.value("black")
    )
    return bars, whiskers


def test_layers_are_those_of_altair() -> None:
    ours = with_tables(layered(*bars_with_whiskers(), height=68))
    assert inlined(ours) == by_altair(alt.layer(*the_same_by_altair(), height=68))


def test_what_several_layers_show_stands_in_a_page_once() -> None:
    other = Marks(list(ROWS)).mark("tick").encode(x=field("mean:Q"))
    spec = with_tables(layered(*bars_with_whiskers(), other))
    assert [layer["data"]["name"] for layer in spec["layer"]] == ["table-0", "table-0", "table-1"]
    assert spec["datasets"] == {"table-0": ROWS, "table-1": ROWS}


def test_one_chart_for_each_value_is_that_of_altair() -> None:
    ours = faceted(
        layered(*bars_with_whiskers(), width=110, height=90),
        field("name:N", title=None, header={"labelLimit": 110}),
        columns=3,
    )
    facet = alt.Facet("name:N", title=None, header=alt.Header(labelLimit=110))
    theirs = alt.layer(*the_same_by_altair()).properties(width=110, height=90)
    assert inlined(with_tables(ours)) == by_altair(theirs.facet(facet=facet, columns=3))


def test_one_kind_of_mark_needs_no_layers() -> None:
    ours = with_tables(layered(bars_with_whiskers()[0], width=50))
    assert inlined(ours) == by_altair(the_same_by_altair()[0].properties(width=50))
