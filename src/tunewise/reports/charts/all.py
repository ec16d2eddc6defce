"""Every chart a study has data for, as Vega-Lite: one description for the page, SVG and PNG."""

from __future__ import annotations

from tunewise.reports.charts.costs import tradeoffs
from tunewise.reports.charts.drawing import Chart
from tunewise.reports.charts.generated_answers import quality_and_diversity
from tunewise.reports.charts.learning import best_of_points, learning, searches
from tunewise.reports.charts.scores import differences, parameters, scores
from tunewise.reports.charts.slices import slice_charts
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.generated_answers import decoded
from tunewise.reports.facts.results import Results
from tunewise.reports.facts.slices import sliced


def charts(evidence: Evidence, results: Results) -> list[Chart]:
    """Every chart the study has data for."""
    drawn = [
        differences(results),
        *(scores(results.rows, metric, "validation") for metric in results.metrics),
        *(scores(results.rows, metric, "test") for metric in results.metrics[:1]),
        *learning(evidence),
        parameters(results),
        *tradeoffs(results),
        *searches(evidence),
        quality_and_diversity(evidence, results, decoded(evidence)),
        best_of_points(evidence),
        *slice_charts(sliced(evidence, results), results),
    ]
    return [chart for chart in drawn if chart is not None]
