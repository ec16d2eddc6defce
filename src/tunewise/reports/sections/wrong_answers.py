"""How generated answers fail, by kind, with examples."""

from __future__ import annotations

from tunewise.analysis.facts import Facts
from tunewise.analysis.generated_answers import Failures
from tunewise.analysis.wording import split_name
from tunewise.core.format import percent
from tunewise.core.sanitize import shown
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import WHOSE, number, whose
from tunewise.statistics.failures import KINDS

NO_TEXT = "(nothing)"
MOST_IN_PAPER = 8  # examples of the best contender


@doc.titled("wrong", "Wrong answers")
def section(facts: Facts) -> doc.Blocks:
    found = {one.contender: one for one in facts.wrong_answers}
    mine = [found[name] for name in facts.shortlist.names if name in found]
    if not mine:
        return
    match = "exact match"
    if "normalized_match" in facts.results.metrics:  # whose exact match is of the text as it stands
        match = "normalized match"
    text = (
        f"Answers of {split_name(facts.evidence.split)} that are no {match}, in percent of all "
        "answers over all seeds. An answer is counted once, under the first kind that fits."
    )
    kinds = "; ".join(f"“{kind}”: it {meaning}" for kind, meaning in KINDS.items())
    columns = (  # people read percent of all answers, files have counts
        WHOSE,
        doc.Column("Answers", "answers", number, "answers"),
        *(column for kind in KINDS for column in _of_kind(kind)),
    )
    caption = f"Wrong answers by kind, in percent of all answers{facts.shortlist.note}"
    title = f"How {shown(mine[0].contender)} fails"
    if counts := mine[0].counts:
        kind, most = max(counts.items(), key=lambda counted: counted[1])
        total = sum(counts.values())
        text += (
            f" Of the {total:,} wrong answers of {shown(mine[0].contender)}, "
            f"{percent(most / total, digits=0)} % are of the kind “{kind}”: such an answer "
            f"{KINDS[kind]}."
        )
    yield doc.Paragraph(text, outputs=doc.PRINT)
    yield doc.Paragraph(f"The kinds of wrong answers are {kinds}.", style="about", outputs=doc.PAGE)
    yield doc.Table.about("wrong_answers", caption, columns, mine, outputs=doc.REPORT)
    yield doc.Examples(title, _examples(mine[0]), MOST_IN_PAPER, doc.PAPER)
    for one in mine:
        examples = doc.Examples("Wrong answers", _examples(one), 0, doc.PAGE)
        is_best = one.contender == facts.verdict.best
        yield doc.Details("Examples:", (examples,), is_best, whose(one))


def _of_kind(kind: str) -> tuple[doc.Column, doc.Column]:
    def noted(one: Failures) -> doc.Noted:
        return doc.Noted(percent(one.fraction(kind)), f"{one.counts.get(kind, 0):,}")

    counted = doc.Column("", kind, of=lambda one: one.counts.get(kind, 0))
    return doc.Column(kind, of=noted), counted


def _examples(one: Failures) -> tuple[doc.Example, ...]:
    """Those of the first seed, kind by kind."""
    return tuple(
        doc.Example(
            row.id,
            (("question", row.question),),
            " / ".join(row.references) or NO_TEXT,
            (doc.Answer(row.answer or NO_TEXT, False),),
            label=kind,
        )
        for kind, rows in one.examples.items()
        for row in rows
    )
