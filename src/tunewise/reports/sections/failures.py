"""Where contenders fail: trials that broke, labels that are missed, items that divide them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from tunewise.core.format import listed, percent
from tunewise.core.sanitize import short_names, shown
from tunewise.reports.document import Block, Grid, Paragraph, Section, cell
from tunewise.reports.facts import generated_answers as written
from tunewise.reports.facts.answers import Answers
from tunewise.reports.facts.disagreements import Answered, disagreements
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.page import Page
from tunewise.reports.facts.results import Results
from tunewise.reports.facts.wording import split_name
from tunewise.reports.sections.shortlist import FEW, few, of_how_many
from tunewise.statistics.failures import KINDS
from tunewise.statistics.metrics import Columns, class_scores

MOST_ITEMS = 6  # disagreements shown
FEWER_ITEMS = 4  # where many contenders answer each
MOST_FAILED = 8
MOST_LABELS = 14
MOST_EXAMPLES = 2  # of each kind of failure
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
    blocks += _kinds(evidence, results)
    blocks += _disagreements(evidence)
    return Section("Failures and disagreements", tuple(blocks))


def _kinds(evidence: Evidence, results: Results) -> list[Block]:
    """How written answers fail, and what that looks like."""
    wrong = written.failures(evidence)
    if not wrong:
        return []
    order = [row.name for row in few(results)]
    wrong = [one for name in order for one in wrong if one.contender == name]
    if not wrong:
        return []
    kinds = [kind for kind in KINDS if any(one.counts.get(kind) for one in wrong)]
    rows = tuple(
        (
            cell(one.contender, 60),
            f"{one.answers:,}",
            *(percent(one.share(kind)) for kind in kinds),
        )
        for one in wrong
    )
    header = ("contender", "answers", *kinds)
    text = (
        "Answers that are no exact match, by the first of these ways of failing that fits, in "
        f"percent of all answers over all seeds.{_commonest(wrong[0])}"
    )
    align = "l" + "r" * (len(kinds) + 1)
    caption = "Wrong answers by kind, in percent of all answers"
    blocks: list[Block] = [
        Paragraph(text),
        Grid(f"{caption}{of_how_many(results)}", align, header, rows, wide=True),
    ]
    examples = tuple(
        (
            kind,
            cell(one.question, 140),
            cell(" | ".join(one.references) or "(nothing)", 60),
            cell(one.answer or "(nothing)", 90),
        )
        for kind, shown_ones in wrong[0].examples.items()
        for one in shown_ones[:MOST_EXAMPLES]
    )
    if examples:
        names = ("kind", "question", "right answer", "answered")
        caption = f"How {shown(wrong[0].contender)} fails: examples of each kind, first seed"
        blocks.append(Grid(caption, "lLll", names, examples, wide=True))
    return blocks


def _commonest(one: written.Failures) -> str:
    """What the best contender does wrong most often."""
    if not one.counts:
        return ""
    kind, number = max(one.counts.items(), key=lambda told: told[1])
    total = sum(one.counts.values())
    return (
        f" Of the {total:,} wrong answers of {shown(one.contender)}, "
        f"{percent(number / total, digits=0)} % are of the kind “{kind}”: such an answer "
        f"{KINDS[kind]}."
    )


def _disagreements(evidence: Evidence) -> list[Block]:
    most = MOST_ITEMS if len(evidence.contenders) <= FEW else FEWER_ITEMS
    items = disagreements(evidence, most=most)
    if not items:
        return []
    text = (
        f"On some items of {split_name(evidence.split)} most pairs of contenders disagree; "
        f"{len(items)} of them stand in a table. Each contender speaks with the answer of "
        "most of its seeds."
    )
    short = short_names([shown(contender.name) for contender in evidence.contenders])
    truth = "true label" if evidence.labels else "right answer"
    table = tuple(
        (
            cell(" / ".join(item.texts.values()), 180),
            cell(" | ".join(item.right), 60),
            cell(_answers(item.answers, short), 260),
        )
        for item in items
    )
    names = ("text", truth, "answers")
    return [Paragraph(text), Grid("Disagreements", "LlL", names, table, wide=True)]


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


def _answers(answers: Sequence[Answered], short: Mapping[str, str]) -> str:
    """Who answers what, those of one answer together."""
    by_answer: dict[str, list[str]] = {}
    for answer in answers:
        name = shown(answer.name)
        by_answer.setdefault(answer.answer, []).append(short.get(name, name))
    return "; ".join(f"{given}: {', '.join(names)}" for given, names in by_answer.items())
