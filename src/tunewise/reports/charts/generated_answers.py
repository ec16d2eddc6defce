"""The chart of decoding strategies: quality against diversity."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.analysis.generated_answers import Decoded
from tunewise.analysis.results import Results
from tunewise.core.canonical import JSONObject
from tunewise.core.format import percent
from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import faded, finished, tint
from tunewise.reports.charts.labels import with_room
from tunewise.reports.charts.vega_lite import Marks, field, layered
from tunewise.reports.document.model import Figure

HEIGHT = 320
PLOT = 290.0  # width of the plot where it is narrowest: in a column of a paper


def quality_and_diversity(results: Results, rows: Sequence[Decoded]) -> Figure | None:
    """F1 against how little the samples of a question agree, for ways that draw samples."""
    values: list[JSONObject] = [
        {
            "name": shown(row.contender),
            "decoding": row.strategy,
            "f1": row.f1,
            "best": row.best_f1,
            "diversity": row.diversity,
        }
        for row in rows
        if row.diversity is not None
    ]
    if not values:
        return None
    names = {row.contender for row in rows}
    wide = {"zero": False, "nice": False, "padding": 18}
    title = "Diversity: 1 − F1 between samples of a question"
    x = field("diversity:Q", title=title, scale=wide, axis={"tickCount": 6})
    y = field("f1:Q", title="F1, mean over samples", scale=wide, axis={"format": "%"})
    tooltip = [
        field("name:N", title="contender"),
        field("decoding:N"),
        field("f1:Q", format=".1%", title="F1"),
        field("best:Q", format=".1%", title="best of the samples"),
        field("diversity:Q", format=".2f"),
    ]
    paint = tint([row for row in results.rows if row.name in names], legend=True)
    fields = ("diversity", "f1", "decoding")
    looks = {"x": x, "y": y, "color": paint, "opacity": faded()}
    points = Marks(values).mark("point", size=90, filled=True, opacity=1)
    chart = layered(
        points.encode(tooltip=tooltip, **looks),
        *(
            Marks(half)
            .mark("text", align=side, dx=8 if side == "left" else -8)
            .encode(text=field("decoding:N"), **looks)
            for side, half in with_room(values, fields, width=PLOT, height=HEIGHT / 2)
        ),
        height=HEIGHT,
    )
    says = "; ".join(
        f"{value['name']} with {value['decoding']}: F1 {percent(value['f1'])} %, diversity "
        f"{value['diversity']:.2f}, best of the samples {percent(value['best'])} %"
        for value in values
    )
    return Figure("decoding", "Quality and diversity", f"{says}.", finished(chart))
