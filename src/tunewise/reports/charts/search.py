"""Charts of the search: what each value tried gave, and what more points would bring."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.analysis.evidence import Contender, Evidence
from tunewise.analysis.tuning.searching import RATE, best_of
from tunewise.analysis.wording import metric_words, setting_words, value_words
from tunewise.core.canonical import JSONObject
from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import figure, lines, score_axis, score_form
from tunewise.reports.charts.learning import whole_epochs
from tunewise.reports.charts.vega_lite import Marks, field, layered
from tunewise.reports.document.model import Figure

CHOSEN = "chosen"


def searches(evidence: Evidence) -> list[Figure]:
    """For each searched setting, what every tried value gave on validation.

    The learning rate has a section of its own.
    """
    settings = dict.fromkeys(name for c in evidence.contenders for name in c.searched)
    settings.pop(RATE, None)
    drawn = []
    for number, setting in enumerate(settings, start=1):
        metric, message = metric_words(evidence.headline), setting_words(shown(setting))
        present = [one for one in evidence.searched if setting in one.searched]
        values = [value for c in present for value in _tried(c, setting, evidence.headline)]
        if not values:
            continue
        numeric = all(type(value["value"]) in {int, float} for value in values)
        if numeric:
            x = _numeric_axis([value["value"] for value in values], message)
        else:
            values = [{**value, "value": value_words(value["value"])} for value in values]
            x = field("value:N", title=message, sort=None)
        y, form = _scores(metric, evidence.headline), score_form(evidence.headline)
        kind = "quantitative" if numeric else "nominal"
        tooltip = [
            field("name:N", title="contender"),
            field("value", title=message, type=kind),
            field("score:Q", format=form, title=metric),
            field("point:N"),
        ]
        ring = Marks([value for value in values if value["point"] == CHOSEN])
        line, points = lines(values, present, x=x, y=y)
        chart = layered(
            line,
            points.mark("circle", size=70).encode(tooltip=tooltip),
            ring.mark("point", style="ring", size=190).encode(x=x, y=y, tooltip=tooltip),
            height=240,
        )
        says = (
            f"{value['name']} at {value_words(value['value'])}: {value['score']:{form}}"
            + (" (chosen)" if value["point"] == CHOSEN else "")
            for value in values
        )
        title = f"Search over {message}"
        drawn.append(figure(f"search-{number}", title, says, chart))
    return drawn


def _scores(title: str, metric: str) -> JSONObject:
    scale = {"zero": False}
    return field("score:Q", title=title, scale=scale, axis=score_axis(metric))


def _tried(contender: Contender, setting: str, metric: str) -> list[JSONObject]:
    """What the first seed scored at each value of `setting`, all else as at the chosen point.

    Where nothing is chosen, all else is as at the first point.
    """
    return [
        {
            "name": shown(contender.name),
            "value": point.values[setting],
            "score": score,
            "point": CHOSEN if point is contender.chosen else "tried",
        }
        for point in contender.points
        if (score := point.score(metric)) is not None
        and {**point.values, setting: None} == {**contender.centre.values, setting: None}
    ]


def _numeric_axis(values: Sequence[float], title: str) -> JSONObject:
    """An axis with a tick at each tried value; logarithmic where they span a factor of eight."""
    least, most = min(values), max(values)
    scale: JSONObject = {"zero": False, "nice": False, "padding": 16}
    if least > 0 and most >= 8 * least:
        scale = {"type": "log", "domain": [least / 1.25, most * 1.25]}
    axis = {"values": sorted(set(values)), "format": "~g", "grid": False}
    return field("value:Q", title=title, scale=scale, axis=axis)


def best_of_points(evidence: Evidence) -> Figure | None:
    """The validation score to expect from the best of 1, 2, ... searched points."""
    curves = ((one, best_of(one, evidence.headline)) for one in evidence.contenders)
    found = [(one, curve) for one, curve in curves if curve]
    if not found:
        return None
    values = [
        {"name": shown(one.name), "points": number, "score": score}
        for one, curve in found
        for number, score in enumerate(curve, start=1)
    ]
    form = score_form(evidence.headline)
    expected = f"expected best {metric_words(evidence.headline)}"
    most = max(len(curve) for _, curve in found)
    x = field(
        "points:Q",
        title="search points",
        axis={"values": whole_epochs(most)[1:], "format": "d", "grid": False},
        scale={"domain": [1, most], "nice": False, "padding": 12},
    )
    tooltip = [
        field("name:N", title="contender"),
        field("points:Q", format="d", title="points"),
        field("score:Q", format=form, title=expected),
    ]
    line, points = lines(
        values, [one for one, _ in found], x=x, y=_scores(expected, evidence.headline)
    )
    says = (
        f"{shown(one.name)} from {curve[0]:{form}} with one point to {curve[-1]:{form}} with "
        f"{len(curve)}"
        for one, curve in found
    )
    title = "What more search points would bring"
    drawn = layered(line, points.mark("circle", size=70).encode(tooltip=tooltip), height=240)
    return figure("search-best-of-points", title, says, drawn)
