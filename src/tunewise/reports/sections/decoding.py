"""Decoding strategies: what they cost in quality and bring in diversity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from tunewise.analysis.facts import Facts
from tunewise.analysis.generated_answers import Decoded
from tunewise.core.format import points
from tunewise.reports.charts.generated_answers import quality_and_diversity
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import WHOSE, decimal, percents

WIDE = doc.PAGE | doc.FILES  # what has room for every column
WHAT = (
    "Answers are generated with {number} decoding strategies; the first, {first}, counts in all "
    "other tables. The others draw {samples} samples of each answer: top-k from the k likeliest "
    "tokens, top-p from the smallest set of tokens with that probability {nucleus}, temperature "
    "with flatter or steeper probabilities. Best takes the best sample of each question, unique "
    "is the fraction of samples that differ, agreement the F1 between two samples of a question, "
    "distinct the fraction of different words, or pairs of words, among all, cut the fraction "
    "that ended at the limit or in a loop."
)
COLUMNS = (
    WHOSE,
    doc.Column("Decoding", "decoding", of="strategy", number=False),
    doc.Column("Samples", "samples", of="samples"),
    percents("Exact match", "exact match", "exact_match"),
    percents("F1", "f1", "f1"),
    replace(percents("Best exact match", "best exact match", "best_exact_match"), outputs=WIDE),
    percents("Best F1", "best f1", "best_f1"),
    percents("Distinct 1", "distinct 1", "distinct_1"),
    replace(percents("Distinct 2", "distinct 2", "distinct_2"), outputs=WIDE),
    percents("Unique", "unique share", "unique"),
    percents("Agreement", "self f1", "self_f1"),
    doc.Column("Words", "words", decimal, "words"),
    percents("Cut", "share cut", "cut"),
)


@doc.titled("decoding", "Decoding strategies")
def section(facts: Facts) -> doc.Blocks:
    """Nothing but the file where answers are generated in one way alone."""
    found = facts.decoded
    strategies = list(dict.fromkeys(way.strategy for way in found))
    if not found:
        return
    if len(strategies) < 2:
        yield _table(found, doc.FILES)
        return
    led = [row.name for row in facts.shortlist.leading]
    shown = [way for name in led for way in found if way.contender == name]
    text = WHAT.format(
        number=len(strategies),
        first=strategies[0],
        samples=max(way.samples for way in found),
        nucleus=facts.references("nucleus"),
    )
    yield doc.Paragraph(text, outputs=doc.PRINT)
    yield doc.Paragraph(_changes(found, strategies), outputs=doc.PRINT)
    yield _table(found, WIDE) if facts.most is None else _table(shown, doc.PAPER)
    yield quality_and_diversity(facts.results, shown if facts.most else found)


def _table(found: Sequence[Decoded], outputs: doc.Outputs) -> doc.Table:
    caption = "Decoding strategies: quality and diversity, in percent"
    return doc.Table.about("decoding", caption, COLUMNS, found, outputs=outputs)


def _changes(found: Sequence[Decoded], strategies: Sequence[str]) -> str:
    """Over all contenders: what the wildest and the likeliest strategy change."""
    first = {way.contender: way for way in found if way.strategy == strategies[0]}
    compared = [way for way in found if way.contender in first]
    mean = {
        strategy: fmean(
            way.f1 - first[way.contender].f1 for way in compared if way.strategy == strategy
        )
        for strategy in strategies[1:]
    }
    best, worst = max(mean, key=lambda one: mean[one]), min(mean, key=lambda one: mean[one])
    leads = sum(
        all(other.f1 <= way.f1 for other in found if other.contender == way.contender)
        for way in first.values()
    )
    sentence = (
        f"As a mean over the {len(first)} contenders, a sample’s F1 lies {points(mean[best])} "
        f"points from that of {strategies[0]} with {best} and {points(mean[worst])} with {worst}; "
        f"{strategies[0]} scores highest for {leads} of them."
    )
    gains = [way.best_f1 - first[way.contender].f1 for way in compared if way.samples > 1]
    if gains:
        sentence += (
            f" Could one pick the best of the samples, it would lie {points(fmean(gains))} points "
            f"from {strategies[0]}: what the model knows and does not say first."
        )
    return sentence
