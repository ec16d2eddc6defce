"""A confusion matrix for every contender."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from tunewise.analysis.classes import ByClass
from tunewise.core.canonical import JSONObject
from tunewise.core.format import percent
from tunewise.core.sanitize import shortened, shown
from tunewise.reports.charts.drawing import base, finished
from tunewise.reports.document.model import PAGE, Figure
from tunewise.reports.document.palette import LIGHT

SQUARE = 26  # side of a cell
SMALLEST, WIDEST = 110, 260  # side of a matrix
LONGEST = 18  # characters of a class on an axis


def confusion(found: Sequence[ByClass], labels: Sequence[str]) -> Figure | None:
    """Rows are the right classes, and each row sums to one."""
    if not found:
        return None
    names = [
        shortened(f"{place}. {shown(label)}", LONGEST) for place, label in enumerate(labels, 1)
    ]
    values: list[JSONObject] = [
        {
            "name": shown(one.name),
            "right": names[right],
            "chosen": names[chosen],
            "fraction": float(count / max(1, row.sum())),
            "count": int(count),
        }
        for one in found
        for right, row in enumerate(one.confusion)
        for chosen, count in enumerate(row)
    ]
    axis = alt.Axis(labelLimit=90, grid=False)
    scale = alt.Scale(domain=[0, 1], range=["#00000000", LIGHT[0]])
    cells = (
        base(values)
        .mark_rect()
        .encode(
            x=alt.X("chosen:N", sort=names, title="answered", axis=axis),
            y=alt.Y("right:N", sort=names, title="right", axis=axis),
            color=alt.Color("fraction:Q", scale=scale, legend=None),
            tooltip=[
                alt.Tooltip("name:N", title="contender"),
                alt.Tooltip("right:N"),
                alt.Tooltip("chosen:N", title="answered"),
                alt.Tooltip("fraction:Q", format=".1%", title="of the right class"),
                alt.Tooltip("count:Q", title="answers"),
            ],
        )
    )
    side = min(WIDEST, max(SMALLEST, SQUARE * len(labels)))
    header, order = alt.Header(labelLimit=side), [shown(one.name) for one in found]
    each = alt.Facet("name:N", sort=order, title=None, header=header)
    drawn = cells.properties(width=side, height=side).facet(facet=each, columns=3)
    title = "Confusion matrices"
    says = "; ".join(_says(one, labels) for one in found)
    words = f"{title}, the most frequent error: {says}."
    return Figure("confusion", title, words, finished(drawn), PAGE)


def _says(one: ByClass, labels: Sequence[str]) -> str:
    errors = one.errors()
    if not errors:
        return f"{shown(one.name)} none"
    right, chosen, count = errors[0]
    part = percent(count / max(1, one.confusion[right].sum()))
    return f"{shown(one.name)} “{shown(labels[chosen])}” for {part} % of “{shown(labels[right])}”"
