"""Charts of the search: what each value tried gave, and what more points would bring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import base, dashes, faded, finished, tint
from tunewise.reports.charts.learning import whole_epochs
from tunewise.reports.document.model import Figure
from tunewise.reports.facts.evidence import Contender, Evidence
from tunewise.reports.facts.searching import best_of
from tunewise.reports.facts.wording import metric_said, setting_said, value_words

CHOSEN = "chosen"


def searches(evidence: Evidence) -> list[Figure]:
    """For each searched setting, what every tried value gave on validation."""
    settings = dict.fromkeys(name for c in evidence.contenders for name in c.searched)
    drawn = [_search(evidence, setting, number) for number, setting in enumerate(settings, start=1)]
    return [chart for chart in drawn if chart is not None]


def _search(evidence: Evidence, setting: str, number: int) -> Figure | None:
    metric = evidence.headline
    present = [c for c in evidence.contenders if setting in c.searched and len(c.points) > 1]
    values = [value for c in present for value in _tried(c, setting, metric)]
    if not values:
        return None
    numeric = all(type(value["value"]) in {int, float} for value in values)
    if numeric:
        x = _numbers([value["value"] for value in values], setting_said(shown(setting)))
    else:
        values = [{**value, "value": value_words(value["value"])} for value in values]
        x = alt.X("value:N", title=setting_said(shown(setting)), sort=None)
    y = alt.Y(
        "score:Q",
        title=metric_said(metric),
        scale=alt.Scale(zero=False),
        axis=alt.Axis(format="%", tickCount=5),
    )
    tooltip = [
        alt.Tooltip("name:N", title="contender"),
        alt.Tooltip(
            "value",
            title=setting_said(shown(setting)),
            type="quantitative" if numeric else "nominal",
        ),
        alt.Tooltip("score:Q", format=".1%", title=metric_said(metric)),
        alt.Tooltip("point:N"),
    ]
    marks, paint = base(values), tint(present, legend=True)
    line = marks.mark_line(strokeWidth=2).encode(
        x=x, y=y, color=paint, strokeDash=dashes(present), opacity=faded()
    )
    dots = marks.mark_circle(size=70).encode(
        x=x, y=y, color=paint, opacity=faded(), tooltip=tooltip
    )
    ring = base([value for value in values if value["point"] == CHOSEN])
    rings = ring.mark_point(style="ring", size=190).encode(x=x, y=y, tooltip=tooltip)
    title = f"Search over {setting_said(shown(setting))}"
    says = "; ".join(
        f"{value['name']} at {value_words(value['value'])}: {value['score']:.1%}"
        + (" (chosen)" if value["point"] == CHOSEN else "")
        for value in values
    )
    chart = alt.layer(line, dots, rings).properties(height=240)
    return Figure(f"search-{number}", title, f"{title}: {says}.", finished(chart))


def _tried(contender: Contender, setting: str, metric: str) -> list[dict[str, Any]]:
    """What the first seed scored at each value of `setting`, all else as at the chosen point.

    Where nothing is chosen, all else is as at the first point.
    """
    centre = contender.chosen or contender.points[0]
    rest = {key: value for key, value in centre.values.items() if key != setting}
    tried = []
    for point in contender.points:
        others = {key: value for key, value in point.values.items() if key != setting}
        score = point.score(metric)
        if score is not None and others == rest:
            tried.append(
                {
                    "name": shown(contender.name),
                    "value": point.values[setting],
                    "score": score,
                    "point": CHOSEN if point is contender.chosen else "tried",
                }
            )
    return tried


def _numbers(values: Sequence[float], title: str) -> Any:
    """An axis with a tick at each tried value; logarithmic where they span a factor of eight."""
    least, most = min(values), max(values)
    if least > 0 and most >= 8 * least:
        scale = alt.Scale(type="log", domain=[least / 1.25, most * 1.25])
    else:
        scale = alt.Scale(zero=False, nice=False, padding=16)
    axis = alt.Axis(values=sorted(set(values)), format="~g", grid=False)
    return alt.X("value:Q", title=title, scale=scale, axis=axis)


def best_of_points(evidence: Evidence) -> Figure | None:
    """The validation score to expect from the best of 1, 2, ... searched points."""
    metric = evidence.headline
    found = {c.name: (c, curve) for c in evidence.contenders if (curve := best_of(c, metric))}
    if not found:
        return None
    values = [
        {"name": shown(name), "points": number, "score": score}
        for name, (_, curve) in found.items()
        for number, score in enumerate(curve, start=1)
    ]
    present = [contender for contender, _ in found.values()]
    name = metric_said(metric)
    most = max(len(curve) for _, curve in found.values())
    x = alt.X(
        "points:Q",
        title="search points",
        axis=alt.Axis(values=whole_epochs(most)[1:], format="d", grid=False),
        scale=alt.Scale(domain=[1, most], nice=False, padding=12),
    )
    y = alt.Y(
        "score:Q",
        title=f"expected best {name}",
        scale=alt.Scale(zero=False),
        axis=alt.Axis(format="%", tickCount=5),
    )
    tooltip = [
        alt.Tooltip("name:N", title="contender"),
        alt.Tooltip("points:Q", format="d", title="points"),
        alt.Tooltip("score:Q", format=".1%", title=f"expected best {name}"),
    ]
    marks, paint = base(values).encode(x=x, y=y), tint(present, legend=True)
    chart = alt.layer(
        marks.mark_line(strokeWidth=2).encode(
            color=paint, strokeDash=dashes(present), opacity=faded()
        ),
        marks.mark_circle(size=70).encode(color=paint, opacity=faded(), tooltip=tooltip),
    ).properties(height=240)
    title = "What more search points would bring"
    says = "; ".join(
        f"{shown(name)} from {curve[0]:.1%} with one point to {curve[-1]:.1%} with {len(curve)}"
        for name, (_, curve) in found.items()
    )
    return Figure("search-best-of-points", title, f"{title}: {says}.", finished(chart))
