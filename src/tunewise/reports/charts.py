"""Every chart a study has data for, as Vega-Lite: one description for the page, SVG and PNG."""

from __future__ import annotations

from tunewise.reports.cost_charts import tradeoffs
from tunewise.reports.drawing import Chart
from tunewise.reports.evidence import Evidence
from tunewise.reports.learning_charts import best_of_points, learning, searches
from tunewise.reports.results import Results
from tunewise.reports.score_charts import differences, parameters, scores
from tunewise.reports.slice_charts import slice_charts
from tunewise.reports.slices import sliced


def charts(evidence: Evidence, results: Results) -> list[Chart]:
    """Every chart the study has data for."""
    scored = [row for row in results.rows if row.validation]
    drawn = [
        differences(results),
        *(scores(scored, metric, "validation") for metric in results.metrics),
        *learning(evidence),
        parameters(results),
        *tradeoffs(results),
        *searches(evidence),
        best_of_points(evidence),
        *slice_charts(sliced(evidence, results), results),
    ]
    return [chart for chart in drawn if chart is not None]
