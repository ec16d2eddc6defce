"""Charts as Vega-Lite: one description for the page, for SVG and for PNG.

Every chart listens to the parameter `picked`, the name of the contender to bring forward. Names
enter as data, never into an expression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt

from tunewise.reports.curves import CurvePoint, training_loss, validation_curve
from tunewise.reports.evidence import Contender, Evidence
from tunewise.reports.palette import FROZEN, colour, dash
from tunewise.reports.plain import shown
from tunewise.reports.results import Results, Row
from tunewise.reports.words import metric_name, split_name

WIDTH = 560  # of a saved chart; on the page a chart takes the width it is given
ROW_HEIGHT = 34
BEST_POINT = "chosen"
PICKED = "picked === '' || datum.name === picked"


@dataclass(frozen=True)
class Chart:
    """A drawing: `key` names its file, `group` its section, `says` stands in its place."""

    key: str
    group: str
    title: str
    says: str
    spec: dict[str, Any]


def charts(evidence: Evidence, results: Results) -> list[Chart]:
    """Every chart the study has data for."""
    scored = [row for row in results.rows if row.validation]
    drawn = [
        differences(results),
        *(scores(scored, metric, "validation") for metric in results.metrics),
        *learning(evidence),
        parameters(results),
        *searches(evidence),
    ]
    return [chart for chart in drawn if chart is not None]


def differences(results: Results) -> Chart | None:
    """Each contender minus the best, in points, with its interval over items."""
    best = results.best
    values: list[dict[str, Any]] = []
    for row in results.rows:
        if row.to_best is None:
            continue
        spot = 100 * row.to_best.difference
        items, method = row.to_best.items.interval, row.to_best.method.interval
        values.append(
            {
                "name": shown(row.name),
                "difference": spot,
                "low": 100 * items.low if items else spot,
                "high": 100 * items.high if items else spot,
                "method_low": 100 * method.low if method else spot,
                "method_high": 100 * method.high if method else spot,
                "verdict": "tied" if row.tied else "behind",
            }
        )
    if best is None or not values:
        return None
    metric = metric_name(results.metric)
    y = _names([value["name"] for value in values])
    title = f"{metric} on {split_name(results.split)}, points to the best"
    x = alt.X("difference:Q", title=title, axis=alt.Axis(tickCount=8))
    tooltip = [
        alt.Tooltip("name:N", title="contender"),
        alt.Tooltip("difference:Q", format="+.1f", title="points"),
        alt.Tooltip("low:Q", format="+.1f", title="items: from"),
        alt.Tooltip("high:Q", format="+.1f", title="to"),
        alt.Tooltip("method_low:Q", format="+.1f", title="items and seeds: from"),
        alt.Tooltip("method_high:Q", format="+.1f", title="to "),
        alt.Tooltip("verdict:N"),
    ]
    base = _base(values)
    tint = _tint([row for row in results.rows if row.to_best])
    chart = alt.layer(
        alt.Chart(alt.InlineData(values=[{"at": 0}])).mark_rule(style="zero").encode(x="at:Q"),
        base.mark_rule(strokeWidth=1.5).encode(
            x=alt.X("method_low:Q"),
            x2="method_high:Q",
            y=y,
            color=tint,
            opacity=_faded(),
            tooltip=tooltip,
        ),
        base.mark_rule(strokeWidth=5, strokeCap="round").encode(
            x=alt.X("low:Q"), x2="high:Q", y=y, color=tint, opacity=_faded(), tooltip=tooltip
        ),
        base.mark_point(size=110, filled=True, opacity=1).encode(
            x=x, y=y, color=tint, opacity=_faded(), tooltip=tooltip
        ),
    ).properties(height=ROW_HEIGHT * len(values))
    says = "; ".join(
        f"{value['name']} {value['difference']:+.1f} points "
        f"({value['low']:+.1f} to {value['high']:+.1f}), {value['verdict']}"
        for value in values
    )
    title = f"Difference to {shown(best.name)}"
    return Chart("differences", "difference", title, f"{title}: {says}.", _finished(chart))


def scores(rows: Sequence[Row], metric: str, split: str) -> Chart | None:
    """Bars of a metric, each with its seeds and, where there is one, its interval."""
    present = [row for row in rows if metric in row.scores(split)]
    if not present:
        return None
    values = []
    for row in present:
        spread = row.scores(split)[metric]
        interval = row.intervals.get((split, metric))
        values.append(
            {
                "name": shown(row.name),
                "mean": spread.mean,
                "low": interval.low if interval else spread.mean,
                "high": interval.high if interval else spread.mean,
                "seeds": len(spread.values),
            }
        )
    dots = [
        {"name": shown(row.name), "value": value}
        for row in present
        for value in row.scores(split)[metric].values
        if len(row.scores(split)[metric].values) > 1
    ]
    y = _names([value["name"] for value in values])
    title = f"{metric_name(metric)} on {split_name(split)}"
    tooltip = [
        alt.Tooltip("name:N", title="contender"),
        alt.Tooltip("mean:Q", format=".1%", title="mean"),
        alt.Tooltip("low:Q", format=".1%", title="from"),
        alt.Tooltip("high:Q", format=".1%", title="to"),
        alt.Tooltip("seeds:Q"),
    ]
    base = _base(values)
    x = alt.X("mean:Q", title=title, axis=alt.Axis(format="%", tickCount=5))
    chart = alt.layer(
        base.mark_bar(height=16, cornerRadiusEnd=3).encode(
            x=x, y=y, color=_tint(present), opacity=_faded(), tooltip=tooltip
        ),
        base.mark_rule(style="whisker").encode(x="low:Q", x2="high:Q", y=y, tooltip=tooltip),
        _base(dots).mark_tick(style="seed", thickness=1, size=10).encode(x="value:Q", y=y),
    ).properties(height=ROW_HEIGHT * len(values))
    says = "; ".join(
        f"{value['name']} {value['mean']:.1%} ({value['low']:.1%} to {value['high']:.1%})"
        for value in values
    )
    return Chart(f"{split}-{metric}", "scores", title, f"{title}: {says}.", _finished(chart))


def learning(evidence: Evidence) -> list[Chart]:
    """Training loss, then validation metric and loss, over epochs, with bands over seeds."""
    metric = evidence.headline
    quantities = [
        ("training-loss", "Training loss", "loss (nats)", ".2f", training_loss(evidence)),
        (
            f"validation-{metric}-by-epoch",
            f"Validation {metric_name(metric).lower()}",
            metric_name(metric).lower(),
            "%",
            validation_curve(evidence, metric),
        ),
        (
            "validation-loss",
            "Validation loss",
            "loss (nats)",
            ".2f",
            validation_curve(evidence, "loss"),
        ),
    ]
    return [
        _curve(evidence, key, title, axis, form, points)
        for key, title, axis, form, points in quantities
        if points
    ]


def _curve(
    evidence: Evidence, key: str, title: str, axis: str, form: str, points: list[CurvePoint]
) -> Chart:
    values = [{**asdict(point), "name": shown(point.name)} for point in points]
    present = [c for c in evidence.contenders if any(p.name == c.name for p in points)]
    tooltip = [
        alt.Tooltip("name:N", title="contender"),
        alt.Tooltip("epoch:Q", format=".2~f"),
        alt.Tooltip("mean:Q", format=".3f", title=axis),
        alt.Tooltip("low:Q", format=".3f", title="lowest seed"),
        alt.Tooltip("high:Q", format=".3f", title="highest seed"),
    ]
    base = _base(values)
    x = alt.X("epoch:Q", title="epoch", axis=alt.Axis(grid=False, tickMinStep=1, format="d"))
    y = alt.Y("mean:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(format=form))
    tint, dashes = _tint(present, legend=True), _dashes(present)
    band = base.mark_area().encode(
        x=x, y=alt.Y("low:Q", title=None), y2="high:Q", color=tint, opacity=_faded(0.2, 0.03)
    )
    line = base.mark_line(strokeWidth=2).encode(
        x=x, y=y, color=tint, strokeDash=dashes, opacity=_faded()
    )
    dense = len(values) > 25 * len(present)
    dots = base.mark_circle(size=9 if dense else 36).encode(
        x=x, y=y, color=tint, opacity=_faded(), tooltip=tooltip
    )
    last = {value["name"]: value for value in values}
    says = "; ".join(f"{name} ends at {value['mean']:.3f}" for name, value in last.items())
    chart = alt.layer(band, line, dots).properties(height=260)
    return Chart(key, "learning", title, f"{title} over epochs: {says}.", _finished(chart))


def parameters(results: Results) -> Chart | None:
    """A ring for each contender with a model: what is trained, out of all numbers."""
    values: list[dict[str, Any]] = []
    counted = [row for row in results.rows if row.parameters]
    for row in counted:
        assert row.parameters is not None
        trained, total = row.parameters.trainable, row.parameters.total
        shared = {"name": shown(row.name), "share": _percent(row.parameters.share)}
        values += [
            {**shared, "part": shown(row.name), "count": trained, "what": "trained"},
            {**shared, "part": "", "count": total - trained, "what": "frozen"},
        ]
    if not counted:
        return None
    names = [shown(row.name) for row in counted]
    paint = alt.Scale(
        domain=[*names, ""], range=[*(colour(r.position) for r in counted), FROZEN[0]]
    )
    tooltip = [
        alt.Tooltip("name:N", title="contender"),
        alt.Tooltip("what:N", title="part"),
        alt.Tooltip("count:Q", format=",", title="numbers"),
    ]
    base = _base(values)
    ring = base.mark_arc(innerRadius=34, outerRadius=54).encode(
        theta=alt.Theta("count:Q", stack=True),
        order=alt.Order("what:N", sort="descending"),
        color=alt.Color("part:N", scale=paint, legend=None),
        opacity=_faded(),
        tooltip=tooltip,
    )
    share = base.mark_text(style="value").encode(text=alt.Text("share:N"))
    chart = (
        alt.layer(ring, share)
        .properties(width=128, height=116)
        .facet(
            facet=alt.Facet("name:N", sort=names, title=None, header=alt.Header(labelLimit=150)),
            columns=4,
        )
    )
    says = "; ".join(
        f"{shown(row.name)} {row.parameters.trainable:,} of {row.parameters.total:,}"
        for row in counted
        if row.parameters
    )
    return Chart("parameters", "cost", "", f"Trained numbers: {says}.", _finished(chart))


def searches(evidence: Evidence) -> list[Chart]:
    """For each searched setting, what every tried value gave on validation."""
    settings = dict.fromkeys(name for c in evidence.contenders for name in c.searched)
    return [_search(evidence, setting, number) for number, setting in enumerate(settings, start=1)]


def _search(evidence: Evidence, setting: str, number: int) -> Chart:
    metric = evidence.headline
    present = [c for c in evidence.contenders if setting in c.searched]
    values = [value for c in present for value in _tried(c, setting, metric)]
    numbers = [value["value"] for value in values]
    numeric = all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers)
    if numeric:
        far = min(numbers, default=1) > 0 and max(numbers, default=1) >= 8 * min(numbers, default=1)
        x = alt.X(
            "value:Q",
            title=shown(setting),
            scale=_log(numbers) if far else alt.Scale(zero=False, nice=False, padding=16),
            axis=alt.Axis(values=sorted(set(numbers)), format="~g", grid=False),
        )
    else:
        values = [{**value, "value": shown(str(value["value"]))} for value in values]
        x = alt.X("value:N", title=shown(setting), sort=None)
    y = alt.Y(
        "score:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(format="%", tickCount=5)
    )
    tooltip = [
        alt.Tooltip("name:N", title="contender"),
        alt.Tooltip("value", title=shown(setting), type="quantitative" if numeric else "nominal"),
        alt.Tooltip("score:Q", format=".1%", title=metric_name(metric).lower()),
        alt.Tooltip("point:N"),
    ]
    base, tint = _base(values), _tint(present, legend=True)
    line = base.mark_line(strokeWidth=2).encode(
        x=x, y=y, color=tint, strokeDash=_dashes(present), opacity=_faded()
    )
    dots = base.mark_circle(size=70).encode(x=x, y=y, color=tint, opacity=_faded(), tooltip=tooltip)
    ring = _base([value for value in values if value["point"] == BEST_POINT])
    rings = ring.mark_point(style="ring", size=190).encode(x=x, y=y, tooltip=tooltip)
    title = f"Search over {shown(setting)}"
    says = "; ".join(
        f"{value['name']} at {value['value']}: {value['score']:.1%}"
        + (" (chosen)" if value["point"] == BEST_POINT else "")
        for value in values
    )
    chart = alt.layer(line, dots, rings).properties(height=240)
    return Chart(f"search-{number}", "search", title, f"{title}: {says}.", _finished(chart))


def _tried(contender: Contender, setting: str, metric: str) -> list[dict[str, Any]]:
    """The points at which only `setting` differs from the chosen one, or all without a choice."""
    rest = {k: v for k, v in (contender.chosen.values if contender.chosen else {}).items()}
    rest.pop(setting, None)
    tried = []
    for point in contender.points:
        others = {key: value for key, value in point.values.items() if key != setting}
        first = point.trials[0] if point.trials else None
        score = first.metrics("validation").get(metric) if first and first.done else None
        if score is not None and others == rest:
            tried.append(
                {
                    "name": shown(contender.name),
                    "value": point.values[setting],
                    "score": score,
                    "point": BEST_POINT if point is contender.chosen else "tried",
                }
            )
    return tried


def _log(values: Sequence[float]) -> Any:
    """A logarithmic axis with some room on both sides."""
    return alt.Scale(type="log", domain=[min(values) / 1.25, max(values) * 1.25])


def _base(values: list[dict[str, Any]]) -> Any:
    return alt.Chart(alt.InlineData(values=values))


def _names(names: Sequence[str]) -> Any:
    """The axis of contenders, in the given order."""
    return alt.Y("name:N", sort=list(names), title=None)


def _tint(rows: Sequence[Row | Contender], *, legend: bool = False) -> Any:
    """The contenders' colours; the page draws its own legend, files need the chart's."""
    scale = alt.Scale(
        domain=[shown(row.name) for row in rows], range=[colour(row.position) for row in rows]
    )
    drawn = alt.Legend(title=None, columns=3, symbolOpacity=1) if legend else None
    return alt.Color("name:N", scale=scale, legend=drawn)


def _dashes(rows: Sequence[Row | Contender]) -> Any:
    scale = alt.Scale(
        domain=[shown(row.name) for row in rows], range=[dash(row.position) for row in rows]
    )
    return alt.StrokeDash("name:N", scale=scale, legend=None)


def _faded(near: float = 1.0, far: float = 0.15) -> Any:
    """Full strength for the picked contender, or for all while none is picked."""
    return alt.condition(PICKED, alt.value(near), alt.value(far))


def _finished(chart: Any) -> dict[str, Any]:
    if not isinstance(chart, alt.FacetChart):
        chart = chart.properties(width=WIDTH)
    return dict(chart.add_params(alt.param(name="picked", value="")).to_dict())


def _percent(share: float) -> str:
    """Two digits that matter: 100 %, 1.3 %, 0.0085 %."""
    return f"{100 * share:.2g} %" if share < 0.995 else "100 %"
