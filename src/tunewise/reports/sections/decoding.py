"""What a paper says of ways of decoding: what they cost in quality and bring in diversity."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from tunewise.core.format import listed, percent, points
from tunewise.core.sanitize import shown
from tunewise.reports.charts.drawing import Chart
from tunewise.reports.document import Block, Grid, Paragraph, Section, cell
from tunewise.reports.facts import generated_answers as written
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.generated_answers import Decoded
from tunewise.reports.facts.references import References
from tunewise.reports.facts.results import Results
from tunewise.reports.sections.figures import figures
from tunewise.reports.sections.shortlist import leading

TITLE = "Decoding"


def decoding(
    evidence: Evidence, results: Results, refs: References, charts: Sequence[Chart]
) -> Section:
    """Every way of decoding, for the best contender and the best of another method."""
    ways = written.decoded(evidence)
    strategies = list(dict.fromkeys(way.strategy for way in ways))
    if len(strategies) < 2:
        return Section(TITLE, ())
    few = [row.name for row in leading(results)]
    shown_ways = [way for name in few for way in ways if way.contender == name]
    rows = tuple(_row(way) for way in shown_ways)
    header = (
        *("contender", "decoding", "exact match", "F1", "best F1", "unique", "agreement"),
        *("distinct 1", "words", "cut"),
    )
    samples = max(way.samples for way in ways)
    text = (
        f"Answers are written in {len(strategies)} ways; the first, {strategies[0]}, counts in "
        f"all other tables. The others draw {samples} samples of each answer: top-k from the k "
        f"likeliest tokens, top-p from the smallest set of tokens with that probability "
        f"{refs('nucleus')}, temperature with flatter or steeper probabilities. Best F1 takes the "
        "best sample of each question, unique is the share of samples that differ, agreement the "
        "F1 between two samples of a question, distinct 1 the share of different words among all, "
        "cut the share that ended at the limit or in a loop."
    )
    names = listed([shown(name) for name in few])
    grid = Grid(f"Ways of decoding for {names}, in percent", "llrrrrrrrr", header, rows, wide=True)
    blocks: list[Block] = [Paragraph(text), Paragraph(_said(ways, strategies)), grid]
    return Section(TITLE, (*blocks, *figures(charts, "decoding")))


def _said(ways: Sequence[Decoded], strategies: Sequence[str]) -> str:
    """Over all contenders: what the wildest and the likeliest way change."""
    first = {way.contender: way for way in ways if way.strategy == strategies[0]}
    mean = {
        strategy: fmean(
            way.f1 - first[way.contender].f1
            for way in ways
            if way.strategy == strategy and way.contender in first
        )
        for strategy in strategies[1:]
    }
    best, worst = max(mean, key=lambda one: mean[one]), min(mean, key=lambda one: mean[one])
    leads = sum(
        all(other.f1 <= way.f1 for other in ways if other.contender == way.contender)
        for way in first.values()
    )
    said = (
        f"As a mean over the {len(first)} contenders, a sample’s F1 lies "
        f"{points(mean[best])} points from that of {strategies[0]} with {best} and "
        f"{points(mean[worst])} with {worst}; {strategies[0]} scores highest for "
        f"{leads} of them."
    )
    gains = [
        way.best_f1 - first[way.contender].f1
        for way in ways
        if way.samples > 1 and way.contender in first
    ]
    if gains:
        said += (
            f" Could one pick the best of the samples, it would lie {points(fmean(gains))} points "
            f"from {strategies[0]}: what the model knows and does not say first."
        )
    return said


def _row(way: Decoded) -> tuple[str, ...]:
    several = way.samples > 1
    return (
        cell(way.contender, 60),
        cell(way.strategy, 40),
        percent(way.exact_match),
        percent(way.f1),
        percent(way.best_f1) if several else "–",
        percent(way.unique) if several else "–",
        percent(way.self_f1) if several else "–",
        percent(way.distinct_1),
        f"{way.words:.1f}",
        percent(way.cut),
    )
