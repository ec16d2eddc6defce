"""The most confident errors of the best contender, and labels that are probably wrong."""

from __future__ import annotations

from tunewise.analysis.errors import AnsweredExample, Errors
from tunewise.analysis.facts import Facts
from tunewise.analysis.wording import split_name
from tunewise.core.format import percent, plural
from tunewise.core.sanitize import shown
from tunewise.reports.document import model as doc
from tunewise.statistics.label_errors import ABLE

MOST = 5  # examples of each kind on the page
LISTED = "`tunewise errors` on the study's folder lists them all."
METHOD = (
    "A label is likely a mistake where the model is at least as sure of another class as it "
    "usually is of that class's own examples (confident learning: Northcutt et al. 2021, "
    "arXiv:1911.00068), by probabilities on examples that it was not trained on. Read the text "
    "before you change a label: the model is wrong more often than the data."
)


@doc.titled("errors", "Errors to look at")
def section(facts: Facts) -> doc.Blocks:
    """Of written answers the section on wrong answers says how they fail."""
    found = facts.errors
    if found is None or not found.examined or not (found.wrong or found.mistakes):
        return
    words = f"{wrong_words(found)} {mistakes_words(found)} {LISTED}"
    yield doc.Paragraph(words, outputs=doc.PAGE)
    for title, items in kinds(found):
        kept = tuple(map(example, items[:MOST]))
        count = f"{len(kept)} of {len(items):,}" if len(kept) < len(items) else f"{len(items):,}"
        yield doc.Details(f"{title} ({count})", (doc.Examples(title, kept, 0, doc.PAGE),))
    if found.mistakes:
        yield doc.Paragraph(METHOD, style="about", outputs=doc.PAGE)


def kinds(found: Errors) -> list[tuple[str, tuple[AnsweredExample, ...]]]:
    """The kinds of examples to look at, of which there are any."""
    both = {
        "Likely label mistakes": found.mistakes,
        "Other errors, the most confident first": found.others,
    }
    return [(title, tuple(items)) for title, items in both.items() if items]


def wrong_words(found: Errors) -> str:
    """How much it gets wrong, and how sure of it it was."""
    wrong, sure = len(found.wrong), [one for one in found.wrong if (one.confidence or 0) >= 0.9]
    text = (
        f"{shown(found.contender)} answers {wrong:,} of {plural(found.answered, 'example')} of "
        f"{split_name(found.split)} wrong"
    )
    return f"{text}, {len(sure):,} of them at 90 % or more." if sure else f"{text}."


def mistakes_words(found: Errors) -> str:
    if not found.examined:
        return "Written answers have no probabilities by which to doubt a label."
    number, held = len(found.mistakes), f"{found.examined:,} held-out examples"
    if not found.able:
        return (
            f"It agrees with {percent(found.agreement, digits=0)} % of the labels of {held}, too "
            f"few to doubt a label by it: {percent(ABLE, digits=0)} % are needed."
        )
    part = percent(number / found.examined)
    return f"{plural(number, 'label')} of {held} ({part} %) may be mistakes."


def example(one: AnsweredExample) -> doc.Example:
    """What is labeled, what was answered, each with its probability."""
    answers = [doc.Answer(one.answer, one.right, note=_sure(one.confidence))]
    if not one.right:
        label = f"the label {_sure(one.label_probability)}".strip()
        answers.append(doc.Answer(one.label, True, note=label))
    return doc.Example(one.id, tuple(one.texts.items()), one.label, tuple(answers), one.split)


def _sure(probability: float | None) -> str:
    return "" if probability is None else f"{percent(probability, digits=0)} %"
