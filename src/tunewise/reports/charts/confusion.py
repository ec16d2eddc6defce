"""A confusion matrix for every contender."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.analysis.classes import ByClass
from tunewise.core.canonical import JSONObject
from tunewise.core.format import percent
from tunewise.core.sanitize import shortened, shown
from tunewise.reports.charts.drawing import finished
from tunewise.reports.charts.vega_lite import Marks, faceted, field, layered
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
    axis = {"labelLimit": 90, "grid": False}
    scale = {"domain": [0, 1], "range": ["#00000000", LIGHT[0]]}
    cells = (
        Marks(values)
        .mark("rect")
        .encode(
            x=field("chosen:N", sort=names, title="answered", axis=axis),
            y=field("right:N", sort=names, title="right", axis=axis),
            color=field("fraction:Q", scale=scale, legend=None),
            tooltip=[
                field("name:N", title="contender"),
                field("right:N"),
                field("chosen:N", title="answered"),
                field("fraction:Q", format=".1%", title="of the right class"),
                field("count:Q", title="answers"),
            ],
        )
    )
    side = min(WIDEST, max(SMALLEST, SQUARE * len(labels)))
    header, order = {"labelLimit": side}, [shown(one.name) for one in found]
    each = field("name:N", sort=order, title=None, header=header)
    drawn = faceted(layered(cells, width=side, height=side), each, columns=3)
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
