"""The figures of a paper: which charts it shows, made fit for a column of three and a half inches.

A column is half as wide as a chart on the page. Names lose what all of them say, one figure of a
section carries the legend for all that use the same colours, and rows stand closer together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tunewise.core.sanitize import short_names, shown
from tunewise.reports.charts.all import charts
from tunewise.reports.charts.drawing import Chart
from tunewise.reports.charts.generated_answers import quality_and_diversity
from tunewise.reports.charts.scores import scores
from tunewise.reports.document import Figure
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.generated_answers import decoded
from tunewise.reports.facts.results import Results
from tunewise.reports.sections.shortlist import few, leading

MOST_RINGS = 3  # more are too small in a row; the table of costs has their shares too
PLOT = 290.0  # width of a plot within a column, without its axis
LEFT_OUT = {"quality-memory"}  # peaks of memory stand in a table
LOWER = 0.68  # height of a figure against that of the page's chart
LONGEST_BESIDE = 17  # signs of a legend's name of which two stand in a line of a column


def paper_charts(evidence: Evidence, results: Results) -> list[Chart]:
    """The charts of a paper: the report's, with the scores of the deciding split alone."""
    fewer = few(results)
    if len(fewer) < len(results.rows):  # more lines than these nobody can follow
        names = {row.name for row in fewer}
        mine = tuple(one for one in evidence.contenders if one.name in names)
        evidence, results = replace(evidence, contenders=mine), replace(results, rows=fewer)
    scored = [row for row in results.rows if row.scores(results.split)]
    drawn = [scores(scored, metric, results.split) for metric in results.metrics[:1]]
    names_led = {row.name for row in leading(results)}
    ways = [way for way in decoded(evidence) if way.contender in names_led]
    decoding = quality_and_diversity(evidence, results, ways, plot=PLOT)
    rings = sum(1 for row in results.rows if row.parameters)
    kept = [
        *(replace(chart, group="paper") for chart in drawn if chart is not None),
        *(
            chart
            for chart in charts(evidence, results)
            if chart.group not in {"scores", "slices", "decoding"}
            and chart.key not in LEFT_OUT
            and (chart.key != "parameters" or rings <= MOST_RINGS)
        ),
        *([decoding] if decoding is not None else []),
    ]
    short = short_names([shown(row.name) for row in results.rows])
    owners = _legends(kept)
    return [
        replace(
            chart,
            spec=fitted(chart.spec, short, legend=chart.key not in owners),
            colours_of=owners.get(chart.key),
        )
        for chart in kept
    ]


def figures(drawn: Sequence[Chart], *groups: str) -> list[Figure]:
    """The figures of a section."""
    return [
        Figure(chart.key, chart.title or chart.says.split(":")[0], chart.says, chart.colours_of)
        for chart in drawn
        if chart.group in groups
    ]


def fitted(spec: dict[str, Any], names: Mapping[str, str], *, legend: bool) -> dict[str, Any]:
    """The chart with short names and rows closer together, with or without its legend.

    A name is exchanged only where it is the whole of a value, so that nothing in a name can
    change how a chart is drawn.
    """

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            made = {key: walk(inner) for key, inner in value.items()}
            if made.get("legend") is not None:
                domain = (made.get("scale") or {}).get("domain") or ()
                longest = max((len(str(name)) for name in domain), default=0)
                columns = 2 if longest <= LONGEST_BESIDE else 1
                own = {**made["legend"], "columns": columns, "labelLimit": 300 // columns}
                made["legend"] = own if legend else None
            return made
        if isinstance(value, list):
            return [walk(inner) for inner in value]
        return names.get(value, value) if isinstance(value, str) else value

    made: dict[str, Any] = walk(spec)
    if "height" in made:
        made["height"] = round(LOWER * made["height"])
    return made


def _legends(drawn: Sequence[Chart]) -> dict[str, str]:
    """For each chart whose legend an earlier one of its group has, that one."""
    first: dict[tuple[str, tuple[str, ...]], str] = {}
    found = {}
    for chart in drawn:
        listed = _listed(chart.spec)
        if listed:
            owner = first.setdefault((chart.group, listed), chart.key)
            if owner != chart.key:
                found[chart.key] = owner
    return found


def _listed(value: Any) -> tuple[str, ...]:
    """The names in a chart's legend; none where it has none."""
    if isinstance(value, dict):
        if value.get("legend") is not None:
            return tuple((value.get("scale") or {}).get("domain") or ())
        parts: list[Any] = [inner for key, inner in value.items() if key != "datasets"]
    else:
        parts = value if isinstance(value, list) else []
    return next((names for part in parts if (names := _listed(part))), ())
