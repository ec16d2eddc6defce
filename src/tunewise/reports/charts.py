"""Every chart a study has data for, as Vega-Lite: one description for the page, SVG and PNG."""

from __future__ import annotations

from tunewise.reports.drawing import Chart
from tunewise.reports.evidence import Evidence
from tunewise.reports.learning_charts import learning, searches
from tunewise.reports.results import Results
from tunewise.reports.score_charts import differences, parameters, scores
from tunewise.reports.written import decoded
from tunewise.reports.written_tables import quality_and_diversity


def charts(evidence: Evidence, results: Results) -> list[Chart]:
    """Every chart the study has data for."""
    drawn = [
        differences(results),
        *(scores(results.rows, metric, "validation") for metric in results.metrics),
        *(scores(results.rows, metric, "test") for metric in results.metrics[:1]),
        *learning(evidence),
        parameters(results),
        *searches(evidence),
        quality_and_diversity(evidence, results, decoded(evidence)),
    ]
    return [chart for chart in drawn if chart is not None]
