"""Where contenders fail: trials that broke, labels that are missed, items that divide them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tunewise.reports import written
from tunewise.reports.disagreements import Answered, disagreements
from tunewise.reports.evidence import Answers, Evidence
from tunewise.reports.page import Page
from tunewise.reports.paper_parts import Block, Grid, Paragraph, Section, cell
from tunewise.reports.plain import shown
from tunewise.reports.results import Results
from tunewise.reports.words import listed, percent, split_name
from tunewise.statistics.failures import KINDS
from tunewise.statistics.metrics import Columns, class_scores

MOST_ITEMS = 6  # disagreements shown
MOST_FAILED = 8
MOST_LABELS = 14
SHARES = ("precision", "recall", "f1")


def failures(evidence: Evidence, results: Results, page: Page) -> Section:
    """Trials that failed, confusions of the best, and items on which contenders part."""
    blocks: list[Block] = []
    if page.failed:
        shown_rows = page.failed[:MOST_FAILED]
        rows = tuple(
            (cell(one.contender, 40), cell(one.point, 40), one.status, cell(one.error, 120))
            for one in shown_rows
        )
        number = len(page.failed)
        text = f"{number} trial{'s' * (number != 1)} did not end well; they count as results."
        header = ("contender", "point", "status", "error")
        grid = Grid("Trials that failed", "lllL", header, rows, wide=True)
        blocks += [Paragraph(text), grid]
    confused = _confusions(evidence, results)
    if confused:
        blocks.append(Paragraph(confused))
    blocks += _written(evidence)
    items = disagreements(evidence, most=MOST_ITEMS)
    if items:
        text = (
            f"On some items of {split_name(evidence.split)} most pairs of contenders disagree; "
            f"{len(items)} of them stand in a table. Each contender speaks with the answer of "
            "most of its seeds."
        )
        names = ("text", "true label", "answers")
        table = tuple(
            (
                cell(" / ".join(item.texts.values()), 220),
                cell(" | ".join(item.right), 60),
                cell(_answers(item.answers), 220),
            )
            for item in items
        )
        blocks += [Paragraph(text), Grid("Disagreements", "LlL", names, table, wide=True)]
    return Section("Failures and disagreements", tuple(blocks))


def _written(evidence: Evidence) -> list[Block]:
    """Of written answers: how they fail, and what other ways of decoding give."""
    blocks: list[Block] = []
    if wrong := written.failures(evidence):
        kinds = [kind for kind in KINDS if any(one.counts.get(kind) for one in wrong)]
        rows = tuple(
            (
                cell(one.contender, 40),
                f"{one.answers:,}",
                *(f"{one.counts.get(kind, 0):,}" for kind in kinds),
            )
            for one in wrong
        )
        header = ("contender", "answers", *kinds)
        text = "Answers that are not right, by the way in which they fail, over all seeds:"
        grid = Grid("Wrong answers by kind", "l" + "r" * (len(kinds) + 1), header, rows, wide=True)
        blocks += [Paragraph(text), grid]
    ways = written.decoded(evidence)
    if len({row.strategy for row in ways}) > 1:
        rows = tuple(
            (
                cell(row.contender, 40),
                row.strategy,
                percent(row.exact_match),
                percent(row.f1),
                "–" if row.samples == 1 else percent(row.unique),
            )
            for row in ways
        )
        header = ("contender", "decoding", "exact match", "F1", "unique answers")
        text = "Ways of decoding, in percent; the first counts in all other tables:"
        blocks += [Paragraph(text), Grid("Ways of decoding", "llrrr", header, rows, wide=True)]
    return blocks


def by_label(evidence: Evidence, results: Results) -> list[Block]:
    """Precision, recall and F1 of the best contender, label by label, as means over seeds."""
    runs, number = _best_runs(evidence, results), len(evidence.labels)
    if not runs or not 0 < number <= MOST_LABELS or results.best is None:
        return []
    scores = [class_scores(Columns(run.labels, run.choices), number) for run in runs]
    rows = tuple(
        (
            cell(evidence.option(place), 40),
            *(_mean([getattr(one[place], what) for one in scores]) for what in SHARES),
            f"{scores[0][place].support:,}",
        )
        for place in range(number)
    )
    caption = f"{shown(results.best.name)} by label on {split_name(evidence.split)}, in percent"
    header = ("label", "precision", "recall", "F1", "items")
    return [Grid(caption, "lrrrr", header, rows)]


def _mean(values: Sequence[float | None]) -> str:
    """The mean over seeds; a dash where a seed has none."""
    known = [value for value in values if value is not None]
    return percent(float(np.mean(known))) if known and len(known) == len(values) else "–"


def _best_runs(evidence: Evidence, results: Results) -> list[Answers]:
    if results.best is None:
        return []
    best = next(c for c in evidence.contenders if c.name == results.best.name)
    read = (trial.answers(evidence.split) for trial in best.finished)
    return [answers for answers in read if answers is not None]


def _confusions(evidence: Evidence, results: Results) -> str:
    """What the best contender takes for what, most often, over all seeds."""
    wrong: Counter[tuple[int, int]] = Counter()
    for run in _best_runs(evidence, results) if evidence.labels else ():
        pairs = zip(run.labels.tolist(), run.choices.tolist(), strict=True)
        wrong.update((right, chosen) for right, chosen in pairs if right != chosen)
    if not wrong or results.best is None:
        return ""
    total = sum(wrong.values())
    told = [
        f"“{cell(evidence.option(right), 40)}” for “{cell(evidence.option(chosen), 40)}” "
        f"({percent(number / total, digits=0)} %)"
        for (right, chosen), number in wrong.most_common(3)
    ]
    return f"Of the errors of {shown(results.best.name)}, the most frequent take {listed(told)}."


def _answers(answers: Sequence[Answered]) -> str:
    """Who answers what, those of one answer together."""
    by_answer: dict[str, list[str]] = {}
    for answer in answers:
        by_answer.setdefault(answer.answer, []).append(shown(answer.name))
    return "; ".join(f"{given}: {', '.join(names)}" for given, names in by_answer.items())
