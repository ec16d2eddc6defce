"""Descriptions of charts as Vega-Lite reads them, made of a few parts.

Altair would write them too, but to import it takes longer than to describe all charts of a report.

Source: https://vega.github.io/vega-lite/docs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunewise.core.canonical import JSONObject

TYPES = {"N": "nominal", "Q": "quantitative"}


def field(name: str, **looks: Any) -> JSONObject:
    """A channel that shows a field: ``mean:Q`` is quantitative, ``name:N`` nominal.

    The second end of an interval has the type of the first, and none of its own.

    >>> field("mean:Q", title="accuracy")
    {'field': 'mean', 'type': 'quantitative', 'title': 'accuracy'}
    """
    name, _, kind = name.partition(":")
    return {"field": name, **({"type": TYPES[kind]} if kind else {}), **looks}


@dataclass(frozen=True)
class Marks:
    """Marks of one kind, one for each of the values."""

    values: Sequence[JSONObject]
    looks: JSONObject = dataclasses.field(default_factory=dict)
    channels: JSONObject = dataclasses.field(default_factory=dict)

    def mark(self, kind: str, **looks: Any) -> Marks:
        """The same values, drawn as marks of this kind."""
        return replace(self, looks={"type": kind, **looks})

    def encode(self, **channels: Any) -> Marks:
        """The same marks with more channels."""
        return replace(self, channels={**self.channels, **channels})


def layered(*layers: Marks, **size: float) -> JSONObject:
    """Marks one above the other, the first at the bottom; one kind alone needs no layers."""
    parts = [
        {"data": {"values": one.values}, "mark": one.looks, "encoding": one.channels}
        for one in layers
    ]
    return {**(parts[0] if len(parts) == 1 else {"layer": parts}), **size}


def faceted(chart: JSONObject, by: JSONObject, *, columns: int) -> JSONObject:
    """The same chart for each value of a field, all with the data of the first layer."""
    layers = chart.get("layer", [chart])
    spec = _without_data(chart)
    if "layer" in chart:
        spec["layer"] = [_without_data(layer) for layer in layers]
    return {"data": layers[0]["data"], "facet": by, "spec": spec, "columns": columns}


def _without_data(part: JSONObject) -> JSONObject:
    return {name: value for name, value in part.items() if name != "data"}


def with_tables(chart: JSONObject) -> JSONObject:
    """The description with its values beside it; what several layers show stands there once."""
    tables: dict[int, Sequence[JSONObject]] = {}

    def referring(part: JSONObject) -> JSONObject:
        if "data" not in part:
            return part
        values = part["data"]["values"]
        tables.setdefault(id(values), values)
        return {**part, "data": {"name": f"table-{list(tables).index(id(values))}"}}

    made = referring(chart)
    if "layer" in chart:
        made = {**made, "layer": [referring(layer) for layer in chart["layer"]]}
    named = {f"table-{place}": list(table) for place, table in enumerate(tables.values())}
    return {**made, "datasets": named}
