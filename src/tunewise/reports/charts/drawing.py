"""What all charts are drawn with: the contenders' colors, their axis, and how one steps forward.

Every chart listens to the parameter `picked`, the name of the contender to bring forward. Names
enter as data, never into an expression.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt
from altair.utils.schemapi import disable_debug_mode

from tunewise.analysis.evidence import Contender
from tunewise.analysis.results import Row
from tunewise.analysis.tuning.searching import RateCurve
from tunewise.analysis.wording import is_fraction
from tunewise.core.canonical import JSONObject
from tunewise.core.sanitize import shown
from tunewise.reports.document.model import PRINT, Figure, Outputs
from tunewise.reports.document.palette import color, dash

disable_debug_mode()  # each part of a chart would be validated again; a test validates them whole

WIDTH = 560  # of a saved chart; on the page a chart takes the width it is given
ROW_HEIGHT = 34  # of a chart with one row for each contender
PERCENTS = alt.Axis(format="%", tickCount=5)  # of a score
PICKED = "picked === '' || datum.name === picked"


def base(values: Sequence[JSONObject]) -> Any:
    """A chart of these values; as a tuple, since Altair copies a list at every step of a chart."""
    return alt.Chart(alt.InlineData(values=tuple(values)))


def named(names: Sequence[str]) -> Any:
    """The axis of contenders, in the given order."""
    return alt.Y("name:N", sort=list(names), title=None)


def tint(rows: Sequence[Row | Contender | RateCurve], *, legend: bool = False) -> Any:
    """The contenders' colors; the page draws its own legend, files need the chart's."""
    scale = alt.Scale(
        domain=[shown(row.name) for row in rows], range=[color(row.position) for row in rows]
    )
    drawn = alt.Legend(title=None, columns=3, symbolOpacity=1) if legend else None
    return alt.Color("name:N", scale=scale, legend=drawn)


def dashes(rows: Sequence[Row | Contender | RateCurve]) -> Any:
    scale = alt.Scale(
        domain=[shown(row.name) for row in rows], range=[dash(row.position) for row in rows]
    )
    return alt.StrokeDash("name:N", scale=scale, legend=None)


def faded(near: float = 1.0, far: float = 0.15) -> Any:
    """Full strength for the picked contender, or for all while none is picked.

    Of its class: from a dict Altair finds the class by hashing every schema that it has.
    """
    return alt.OpacityValue(far, condition={"test": PICKED, "value": near})


def finished(chart: Any) -> JSONObject:
    """Its description, with what every chart has; put in here, since Altair copies charts whole."""
    spec: JSONObject = chart.to_dict(validate=False)
    if not isinstance(chart, alt.FacetChart):
        spec["width"] = WIDTH
    spec["params"] = [{"name": "picked", "value": ""}]
    spec["datasets"] = {name: list(values) for name, values in spec["datasets"].items()}
    return spec


def figure(
    key: str, title: str, says: Iterable[str], chart: Any, outputs: Outputs = PRINT
) -> Figure:
    """A chart with its title and, for the blind, what each of its marks says."""
    return Figure(key, title, f"{title}: {'; '.join(says)}.", finished(chart), outputs)


def lines(
    values: Sequence[JSONObject], rows: Sequence[Row | Contender | RateCurve], **axes: Any
) -> tuple[Any, Any]:
    """A line for each contender, and a chart of its points that lacks its mark."""
    looks = {**axes, "color": tint(rows, legend=True), "opacity": faded()}
    marks = base(values)
    line = marks.mark_line(strokeWidth=2).encode(strokeDash=dashes(rows), **looks)
    return line, marks.encode(**looks)


def score_form(metric: str) -> str:
    """How a chart writes a score: in percent, or as it stands where it is no fraction."""
    return ".1%" if is_fraction(metric) else ".3f"


def score_axis(metric: str) -> alt.Axis:
    """The axis of a score, likewise."""
    return PERCENTS if is_fraction(metric) else alt.Axis(tickCount=5)


def interval_tips(title: str, form: str = ".1%") -> list[Any]:
    """What a mean and the ends of its interval say where somebody points at them."""
    return [
        alt.Tooltip("mean:Q", format=form, title=title),
        alt.Tooltip("low:Q", format=form, title="from"),
        alt.Tooltip("high:Q", format=form, title="to"),
    ]


def cut(text: str, most: int) -> str:
    """A text that has room; of a longer one the beginning.

    >>> cut("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"
