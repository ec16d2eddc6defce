"""Peaks of memory by phase of a training step, as bars."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.analysis.costs import Phases
from tunewise.core.format import size
from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import figure, named
from tunewise.reports.charts.vega_lite import Marks, field, layered
from tunewise.reports.document.model import Figure
from tunewise.reports.document.palette import LIGHT

PHASES = {
    "features": "frozen backbone",  # its pass, which stored features stand for in every step
    "forward": "forward",
    "backward": "backward",
    "update": "update",
}
BAR = 13  # height of one phase of a contender


def memory_by_phase(found: Sequence[Phases]) -> Figure | None:
    """A bar for each phase of each contender whose trials measured it."""
    values = [
        {
            "name": shown(one.name),
            "phase": title,
            "megabytes": one.peaks[phase] / 1e6,
            "amount": size(one.peaks[phase]),
        }
        for one in found
        for phase, title in PHASES.items()
        if phase in one.peaks
    ]
    if not values:
        return None
    names = list(dict.fromkeys(str(value["name"]) for value in values))
    drawn = [title for title in PHASES.values() if any(v["phase"] == title for v in values)]
    colors = dict(zip(PHASES.values(), (LIGHT[3], *LIGHT[:3]), strict=True))
    paint = {"domain": drawn, "range": [colors[title] for title in drawn]}
    tooltip = [
        field("name:N", title="contender"),
        field("phase:N"),
        field("amount:N", title="peak memory"),
    ]
    bars = (
        Marks(values)
        .mark("bar", cornerRadiusEnd=2)
        .encode(
            x=field("megabytes:Q", title="peak memory (MB)", axis={"tickCount": 5}),
            y=named(names),
            yOffset=field("phase:N", sort=drawn),
            color=field("phase:N", scale=paint, legend={"title": "phase"}),
            tooltip=tooltip,
        )
    )
    chart = layered(bars, height=len(names) * (len(drawn) * BAR + 10))
    says = (f"{value['name']} {value['phase']} {value['amount']}" for value in values)
    return figure("memory-phases", "Peak memory by phase", says, chart)
