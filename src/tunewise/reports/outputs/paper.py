"""A study as a paper: sections in order, each made only of what the study has."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise import __version__
from tunewise.core.format import listed
from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import Chart
from tunewise.reports.document import Paper, numbered
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.page import page
from tunewise.reports.facts.references import References
from tunewise.reports.facts.results import Results
from tunewise.reports.facts.verdict.verdict import Verdict
from tunewise.reports.facts.wording import metric_said
from tunewise.reports.sections import costs as paper_costs
from tunewise.reports.sections import data as paper_data
from tunewise.reports.sections import decoding as paper_decoding
from tunewise.reports.sections import ending as paper_ending
from tunewise.reports.sections import failures as paper_failures
from tunewise.reports.sections import findings as paper_findings
from tunewise.reports.sections import method as paper_method
from tunewise.reports.sections import prompting as paper_prompting
from tunewise.reports.sections import training as paper_training

MOST_NAMED = 8  # contenders that an abstract names one by one


def paper(evidence: Evidence, results: Results, judged: Verdict, charts: Sequence[Chart]) -> Paper:
    """Gather the paper. `charts` are those of `paper_charts`."""
    refs, around = References(), page(evidence, results)
    sections = (
        paper_method.question(evidence, results),
        paper_data.data(evidence, around),
        paper_method.method(evidence, results, refs),
        paper_findings.outcome(evidence, results, judged, charts),
        paper_findings.by_slice(evidence, results),
        paper_training.dynamics(evidence, results, around, charts),
        paper_training.ablation(evidence, results, refs, charts),
        paper_findings.significance(results, judged, charts),
        paper_prompting.prompts(evidence),
        paper_decoding.decoding(evidence, results, refs, charts),
        paper_failures.failures(evidence, results, around),
        paper_costs.cost(evidence, results, judged, charts),
        paper_costs.against_full(evidence, results),
        paper_ending.limits(evidence, results, judged),
        paper_ending.repeating(evidence, around),
    )
    return Paper(
        title=f"{shown(evidence.name)}: which adaptation to use",
        byline=f"Written by Tunewise {__version__} from the records of the study"
        + ("" if judged.finished else ", which has not finished"),
        abstract=_abstract(evidence, results, judged),
        terms=_terms(evidence, results),
        sections=numbered(sections),
        references=refs.listed,
    )


def _abstract(evidence: Evidence, results: Results, judged: Verdict) -> str:
    rows, seeds = len(results.rows), len(results.seeds_planned)
    said = (
        f"We compare {rows} contender{'s' * (rows != 1)} over {seeds} seed{'s' * (seeds != 1)}: "
        f"{_contenders(results)}. {judged.headline}"
    )
    return " ".join([said, *judged.certainty, *([judged.cost] if judged.cost else [])])


def _contenders(results: Results) -> str:
    """All by name where they are few; else those of one method together."""
    if len(results.rows) <= MOST_NAMED:
        return listed([shown(row.name) for row in results.rows], most=MOST_NAMED)
    methods: dict[str, list[str]] = {}
    for row in results.rows:
        methods.setdefault(shown(row.method), []).append(shown(row.name))
    told = [
        names[0] if len(names) == 1 else f"{method} with {len(names)} settings"
        for method, names in methods.items()
    ]
    return listed(told, most=MOST_NAMED)


def _terms(evidence: Evidence, results: Results) -> tuple[str, ...]:
    methods = sorted({shown(contender.method) for contender in evidence.contenders})
    task = str(evidence.study.task.get("kind", "")).replace("-", " ")
    terms = ["fine-tuning", "transfer learning", shown(task), metric_said(results.metric)]
    return tuple(dict.fromkeys(term for term in [*terms, *methods] if term))
