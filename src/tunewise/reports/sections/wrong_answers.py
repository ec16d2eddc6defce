"""How generated answers fail, by kind, with examples."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.core.format import percent
from tunewise.core.sanitize import shown
from tunewise.reports.document.model import (
    FILES,
    PAGE,
    PAPER,
    PRINT,
    REPORT,
    Answer,
    Column,
    Details,
    Example,
    Examples,
    Noted,
    Paragraph,
    Section,
    Table,
)
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.generated_answers import Failures
from tunewise.reports.facts.wording import split_name
from tunewise.reports.sections.cells import number, whose
from tunewise.statistics.failures import KINDS

NO_TEXT = "(nothing)"
MOST_IN_PAPER = 8  # examples of the best contender


def section(facts: Facts) -> Section | None:
    found = {one.contender: one for one in facts.wrong_answers}
    mine = [found[name] for name in facts.shortlist.names if name in found]
    if not mine:
        return None
    text = (
        f"Answers of {split_name(facts.evidence.split)} that are no exact match, in percent of all "
        "answers over all seeds. An answer is counted once, under the first kind that fits."
        f"{_commonest(mine[0])}"
    )
    kinds = "; ".join(f"“{kind}”: it {meaning}" for kind, meaning in KINDS.items())
    best = Examples(
        f"How {shown(mine[0].contender)} fails", _examples(mine[0]), MOST_IN_PAPER, PAPER
    )
    return Section.of(
        "wrong",
        "Wrong answers",
        [
            Paragraph(text, outputs=PRINT),
            Paragraph(f"The kinds of wrong answers are {kinds}.", style="about", outputs=PAGE),
            _table(facts, mine),
            best,
            *(_of_one(one, open=one.contender == facts.verdict.best) for one in mine),
        ],
    )


def _table(facts: Facts, found: Sequence[Failures]) -> Table:
    """People read percent of all answers, files have counts."""
    columns = (
        Column("Contender", "contender", of=whose, number=False),
        Column("Answers", "answers", number, "answers"),
        *(_in_percent(kind) for kind in KINDS),
        *(_counted(kind) for kind in KINDS),
    )
    caption = f"Wrong answers by kind, in percent of all answers{facts.shortlist.note}"
    return Table.about("wrong_answers", caption, columns, found, outputs=REPORT)


def _in_percent(kind: str) -> Column:
    def noted(one: Failures) -> Noted:
        return Noted(percent(one.fraction(kind)), f"{one.counts.get(kind, 0):,}")

    return Column(kind, of=noted)


def _counted(kind: str) -> Column:
    return Column("", kind, of=lambda one: one.counts.get(kind, 0), outputs=FILES)


def _of_one(one: Failures, *, open: bool) -> Details:
    examples = Examples("Wrong answers", _examples(one), 0, PAGE)
    return Details("Examples:", (examples,), open, whose(one))


def _examples(one: Failures) -> tuple[Example, ...]:
    """Those of the first seed, kind by kind."""
    return tuple(
        Example(
            row.id,
            (("question", row.question),),
            " / ".join(row.references) or NO_TEXT,
            (Answer(row.answer or NO_TEXT, False),),
            label=kind,
        )
        for kind, rows in one.examples.items()
        for row in rows
    )


def _commonest(one: Failures) -> str:
    """What the best contender does wrong most often."""
    if not one.counts:
        return ""
    kind, most = max(one.counts.items(), key=lambda counted: counted[1])
    total = sum(one.counts.values())
    return (
        f" Of the {total:,} wrong answers of {shown(one.contender)}, "
        f"{percent(most / total, digits=0)} % are of the kind “{kind}”: such an answer "
        f"{KINDS[kind]}."
    )
