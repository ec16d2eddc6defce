"""Prompts side by side: what each form scores, what it changes, and what the model wrote."""

from __future__ import annotations

from tunewise.core.format import percent, probability
from tunewise.reports.document.model import (
    FILES,
    NOTHING,
    PEOPLE,
    PRINT,
    REPORT,
    TERMINAL,
    Answer,
    Column,
    Example,
    Examples,
    Named,
    Outputs,
    Paragraph,
    Section,
    Table,
)
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.prompts.expert_form import Versus, expert_answers
from tunewise.reports.facts.prompts.forms import Form, changes, what_changed
from tunewise.reports.facts.prompts.side_by_side import Asked, Prompt, Reply, SideBySide
from tunewise.reports.facts.wording import split_name
from tunewise.reports.sections.cells import decimal, gap, percents

READ: Outputs = PRINT | TERMINAL
MOST_ON_PAGE, MOST_IN_TERMINAL, MOST_IN_PAPER = 40, 8, 3  # examples
WHAT = (
    "How the form of the prompt changes what the model answers, on {split}; no form has trainable "
    "parameters. Changed is how many answers differ from those of the first form. A text holds "
    "together where it names one answer and no other and does not repeat itself. What is counted "
    "in texts is counted in those of the first seed."
)
KEY = (
    "✓ right, ✗ wrong, with the answer's probability among the options; in brackets where a text "
    "named no option: then the likeliest counts."
)


def section(facts: Facts) -> Section | None:
    asked = facts.prompts
    if asked is None:
        return None
    form = what_changed(facts.chat_form)
    sentences = [*changes(asked), *form, *expert_answers(facts.expert_form)]
    what = WHAT.format(split=split_name(asked.split))
    return Section.of(
        "prompts",
        "Prompts side by side",
        [
            Paragraph(what, outputs=PRINT),
            _examples(asked, MOST_IN_TERMINAL, TERMINAL),
            Paragraph(KEY, style="about", outputs=TERMINAL),
            _forms(facts.prompt_forms),
            _against(facts.expert_form) if facts.expert_form else None,
            *(Paragraph(text, outputs=READ) for text in sentences),
            _in_files(asked),
            _examples(asked, MOST_ON_PAGE, PRINT),
        ],
    )


def _forms(forms: list[Form]) -> Table:
    """A row for each form, as fractions of the examples."""
    writes = any(form.words is not None for form in forms)
    of_texts: Outputs = FILES | (PEOPLE if writes else frozenset())
    columns = (
        Column("Prompt", "contender", of=lambda one: Named(one.name, one.position), number=False),
        Column("", "items", of="items"),
        percents("Right", "right", "right"),
        percents("Changed", None, _changed),
        Column("", "changed from the first", of="changed"),
        Column("Empty", "silent", percent, "silent", outputs=of_texts),
        Column("Names an answer", "texts that name an answer", percent, "named", outputs=REPORT),
        Column("", "one answer alone", of="one_answer"),
        Column("Repeats", "repeating", percent, "repeating", outputs=of_texts),
        Column("Holds together", "holding together", percent, "together", outputs=of_texts),
        Column("Different", "different texts", percent, "different", outputs=REPORT),
        Column("Words", "words a text", decimal, "words", outputs=of_texts),
    )
    return Table.about("prompt_forms", "Forms of the prompt, in percent", columns, forms)


def _changed(form: Form) -> float | None:
    return None if form.changed is None else form.changed / form.items


def _against(found: list[Versus]) -> Table:
    several = len({one.expert for one in found}) > 1
    columns = (
        Column("Expert form", of="expert", number=False, outputs=READ if several else PRINT),
        Column("Against", of="other", number=False),
        Column("Accuracy", None, gap, "accuracy.difference"),
        Column("p", None, probability, "accuracy.p"),
        Column("Holds together", None, gap, "together.difference"),
        Column("p", None, probability, "together.p"),
        Column("Also differs in", of=lambda one: ", ".join(one.beside) or NOTHING, number=False),
    )
    caption = (
        "The expert form minus each other form, in points; p by Holm over the pairs of a model"
    )
    return Table.about("expert", caption, columns, found, outputs=READ)


def _examples(asked: SideBySide, most: int, outputs: Outputs) -> Examples:
    """The examples on which the prompts differ most; all of them where they are few."""
    total = len(asked.items)
    caption = f"Prompts side by side, {total:,} {asked.split} examples"
    if most < total:
        caption += f"; the {most} on which they differ most, all in tables/prompting.csv"
    if any(prompt.seeded for prompt in asked.prompts):
        caption += "; of several seeds, the first"
    examples = tuple(_example(asked, example) for example in asked.most_telling(most))
    in_paper = min(most, MOST_IN_PAPER) if outputs == PRINT else most
    return Examples(caption, examples, in_paper, outputs=outputs)


def _example(asked: SideBySide, example: Asked) -> Example:
    answers = tuple(
        _answer(prompt, reply) for prompt, reply in zip(asked.prompts, example.replies, strict=True)
    )
    return Example(example.id, tuple(example.texts.items()), example.right or "", answers)


def _answer(prompt: Prompt, reply: Reply) -> Answer:
    """What the prompt calls the answer, the answer, and its probability."""
    word = reply.answer
    if reply.word.strip().casefold() != reply.answer.strip().casefold():
        word = f"{reply.word} = {reply.answer}"
    likely = f"{percent(reply.probability, digits=0)} %"
    note = likely if reply.understood else f"({likely})"
    by = Named(prompt.name, prompt.position, detail="text shortened to fit" if reply.cut else "")
    return Answer(word, reply.right, (by,), note, reply.text)


def _in_files(asked: SideBySide) -> Table:
    """A row for each example: of each prompt, answer, probability and text.

    Where a text named no label, the answer is the likeliest one, and `understood` says false.
    """
    parts = ("answer", "probability", "text", "understood")
    own = [f"{prompt.name}: {part}" for prompt in asked.prompts for part in parts]
    rows = []
    for example in asked.items:
        replies = [cell for reply in example.replies for cell in _reply(reply)]
        rows.append((example.id, *example.texts.values(), example.right, *replies))
    keys = ("id", *asked.items[0].texts, "right", *own)
    return Table.of_files("prompting", "Prompts side by side", keys, rows)


def _reply(reply: Reply) -> tuple[object, ...]:
    understood = None if reply.text is None else str(reply.understood).lower()
    return reply.answer, reply.probability, reply.text or None, understood
