"""What all charts are drawn with: the contenders' colors, their axis, and how one steps forward.

Every chart listens to the parameter `picked`, the name of the contender to bring forward. Names
enter as data, never into an expression.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tunewise.analysis.evidence import Contender
from tunewise.analysis.results import Row
from tunewise.analysis.tuning.searching import RateCurve
from tunewise.core.canonical import JSONObject
from tunewise.core.format import is_fraction
from tunewise.core.sanitize import shown
from tunewise.reports.charts.vega_lite import Marks, field, with_tables
from tunewise.reports.document.model import PRINT, Figure, Outputs
from tunewise.reports.document.palette import color, dash

WIDTH = 560  # of a saved chart; on the page a chart takes the width it is given
ROW_HEIGHT = 34  # of a chart with one row for each contender
PERCENTS = {"format": "%", "tickCount": 5}  # of a score
PICKED = "picked === '' || datum.name === picked"


def named(names: Sequence[str]) -> JSONObject:
    """The axis of contenders, in the given order."""
    return field("name:N", sort=list(names), title=None)


def tint(rows: Sequence[Row | Contender | RateCurve], *, legend: bool = False) -> JSONObject:
    """The contenders' colors; the page draws its own legend, files need the chart's."""
    scale = {
        "domain": [shown(row.name) for row in rows],
        "range": [color(row.position) for row in rows],
    }
    drawn = {"title": None, "columns": 3, "symbolOpacity": 1} if legend else None
    return field("name:N", scale=scale, legend=drawn)


def dashes(rows: Sequence[Row | Contender | RateCurve]) -> JSONObject:
    scale = {
        "domain": [shown(row.name) for row in rows],
        "range": [dash(row.position) for row in rows],
    }
    return field("name:N", scale=scale, legend=None)


def faded(near: float = 1.0, far: float = 0.15) -> JSONObject:
    """Full strength for the picked contender, or for all while none is picked."""
    return {"condition": {"test": PICKED, "value": near}, "value": far}


def finished(chart: JSONObject) -> JSONObject:
    """Its description, with what every chart has."""
    spec = with_tables(chart)
    if "facet" not in spec:
        spec["width"] = WIDTH
    return {**spec, "params": [{"name": "picked", "value": ""}]}


def figure(
    key: str, title: str, says: Iterable[str], chart: JSONObject, outputs: Outputs = PRINT
) -> Figure:
    """A chart with its title and, for the blind, what each of its marks says."""
    return Figure(key, title, f"{title}: {'; '.join(says)}.", finished(chart), outputs)


def lines(
    values: Sequence[JSONObject], rows: Sequence[Row | Contender | RateCurve], **axes: Any
) -> tuple[Marks, Marks]:
    """A line for each contender, and a chart of its points that lacks its mark."""
    looks = {**axes, "color": tint(rows, legend=True), "opacity": faded()}
    marks = Marks(values)
    line = marks.mark("line", strokeWidth=2).encode(strokeDash=dashes(rows), **looks)
    return line, marks.encode(**looks)


def score_form(metric: str) -> str:
    """How a chart writes a score: in percent, or as it stands where it is no fraction."""
    return ".1%" if is_fraction(metric) else ".3f"


def score_axis(metric: str) -> JSONObject:
    """The axis of a score, likewise."""
    return PERCENTS if is_fraction(metric) else {"tickCount": 5}


def interval_tips(title: str, form: str = ".1%") -> list[JSONObject]:
    """What a mean and the ends of its interval say where somebody points at them."""
    return [
        field("mean:Q", format=form, title=title),
        field("low:Q", format=form, title="from"),
        field("high:Q", format=form, title="to"),
    ]


def cut(text: str, most: int) -> str:
    """A text that has room; of a longer one the beginning.

    >>> cut("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"
