"""A study as a paper: sections in order, each made only of what the study has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tunewise import __version__
from tunewise.reports import paper_failures, paper_findings, paper_method
from tunewise.reports.drawing import Chart
from tunewise.reports.evidence import Evidence
from tunewise.reports.page import page
from tunewise.reports.paper_parts import Paper, numbered
from tunewise.reports.plain import shown
from tunewise.reports.references import References
from tunewise.reports.results import Results
from tunewise.reports.score_charts import scores
from tunewise.reports.verdict import Verdict
from tunewise.reports.words import listed, metric_said


def paper(evidence: Evidence, results: Results, judged: Verdict, charts: Sequence[Chart]) -> Paper:
    """Gather the paper. `charts` are those of `paper_charts`."""
    refs, around = References(), page(evidence, results)
    sections = (
        paper_method.question(evidence, results),
        paper_method.data(evidence, around),
        paper_method.method(evidence, results, refs),
        paper_findings.outcome(evidence, results, judged, around, charts),
        paper_findings.dynamics(evidence, around, charts),
        paper_findings.ablation(evidence, results, charts),
        paper_findings.significance(results, judged, charts),
        paper_failures.failures(evidence, results, around),
        paper_findings.cost(results, judged, charts),
        paper_findings.against_full(evidence, results),
        paper_findings.limits(evidence, results, judged),
        paper_findings.repeating(evidence, around),
    )
    return Paper(
        title=f"{shown(evidence.name)}: which adaptation to use",
        byline=f"Written by Tunewise {__version__} from the records of the study",
        abstract=_abstract(evidence, results, judged),
        terms=_terms(evidence, results),
        sections=numbered(sections),
        references=refs.listed,
    )


def paper_charts(results: Results, charts: Sequence[Chart]) -> list[Chart]:
    """The charts of a paper: the report's, with the scores of the deciding split alone."""
    scored = [row for row in results.rows if row.scores(results.split)]
    drawn = [scores(scored, metric, results.split) for metric in results.metrics[:1]]
    ours = [replace(chart, group="paper") for chart in drawn if chart is not None]
    return [*ours, *(chart for chart in charts if chart.group != "scores")]


def _abstract(evidence: Evidence, results: Results, judged: Verdict) -> str:
    rows, seeds = len(results.rows), len(results.seeds_planned)
    said = (
        f"We compare {rows} contender{'s' * (rows != 1)} over {seeds} seed{'s' * (seeds != 1)}: "
        f"{listed([shown(row.name) for row in results.rows], most=8)}. {judged.headline}"
    )
    return " ".join([said, *judged.certainty, *([judged.cost] if judged.cost else [])])


def _terms(evidence: Evidence, results: Results) -> tuple[str, ...]:
    methods = sorted({shown(contender.method) for contender in evidence.contenders})
    task = str(evidence.study["task"].get("kind", "")).replace("-", " ")
    terms = ["fine-tuning", "transfer learning", shown(task), metric_said(results.metric)]
    return tuple(dict.fromkeys(term for term in [*terms, *methods] if term))
