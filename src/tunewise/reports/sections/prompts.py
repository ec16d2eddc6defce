"""Prompts side by side: what each form scores, what it changes, and what the model wrote."""

from __future__ import annotations

from tunewise.analysis.facts import Facts
from tunewise.analysis.prompts.expert_form import expert_answers
from tunewise.analysis.prompts.forms import Form, changes, what_changed
from tunewise.analysis.prompts.side_by_side import Prompt, Reply, SideBySide
from tunewise.analysis.wording import split_name
from tunewise.core.format import percent, points, probability
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import called, decimal, percents

READ = doc.PRINT | doc.TERMINAL
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
AGAINST = "The expert form minus each other form, in points; p by Holm over the pairs of a model"


@doc.titled("prompts", "Prompts side by side")
def section(facts: Facts) -> doc.Blocks:
    asked = facts.prompts
    if asked is None:
        return
    yield doc.Paragraph(WHAT.format(split=split_name(asked.split)), outputs=doc.PRINT)
    yield _examples(asked, MOST_IN_TERMINAL, doc.TERMINAL)
    yield doc.Paragraph(KEY, style="about", outputs=doc.TERMINAL)
    yield _forms(facts.prompt_forms)
    if facts.expert_form:
        several = len({one.expert for one in facts.expert_form}) > 1
        outputs = READ if several else doc.PRINT
        columns = (
            doc.Column("Expert form", of="expert", number=False, outputs=outputs),
            doc.Column("Against", of="other", number=False),
            doc.Column("Accuracy", None, points, "accuracy.difference"),
            doc.Column("p", None, probability, "accuracy.p"),
            doc.Column("Holds together", None, points, "together.difference"),
            doc.Column("p", None, probability, "together.p"),
            doc.Column("Also differs in", None, ", ".join, lambda one: one.beside or None, False),
        )
        yield doc.Table.about("expert", AGAINST, columns, facts.expert_form, outputs=READ)
    form = what_changed(facts.chat_form)
    for text in (*changes(asked), *form, *expert_answers(facts.expert_form)):
        yield doc.Paragraph(text, outputs=READ)
    yield _in_files(asked)
    yield _examples(asked, MOST_ON_PAGE, doc.PRINT)


def _forms(forms: list[Form]) -> doc.Table:
    """A row for each form, as fractions of the examples."""
    writes = any(form.words is not None for form in forms)
    outputs = doc.ALL if writes else doc.FILES

    def of_texts(title: str, key: str, of: str, show: doc.Show = percent) -> doc.Column:
        return doc.Column(title, key, show, of, outputs=outputs)

    columns = (
        doc.Column("Prompt", "contender", of=called, number=False),
        doc.Column("", "items", of="items"),
        percents("Right", "right", "right"),
        percents(
            "Changed",
            None,
            lambda form: None if form.changed is None else form.changed / form.items,
        ),
        doc.Column("", "changed from the first", of="changed"),
        of_texts("Empty", "silent", "silent"),
        doc.Column(
            "Names an answer", "texts that name an answer", percent, "named", outputs=doc.REPORT
        ),
        doc.Column("", "one answer alone", of="one_answer"),
        of_texts("Repeats", "repeating", "repeating"),
        of_texts("Holds together", "holding together", "together"),
        doc.Column("Different", "different texts", percent, "different", outputs=doc.REPORT),
        of_texts("Words", "words a text", "words", decimal),
    )
    return doc.Table.about("prompt_forms", "Forms of the prompt, in percent", columns, forms)


def _examples(asked: SideBySide, most: int, outputs: doc.Outputs) -> doc.Examples:
    """The examples on which the prompts differ most; all of them where they are few."""
    total = len(asked.items)
    caption = f"Prompts side by side, {total:,} {asked.split} examples"
    if most < total:
        caption += f"; the {most} on which they differ most, all in tables/prompting.csv"
    if any(prompt.seeded for prompt in asked.prompts):
        caption += "; of several seeds, the first"
    examples = tuple(
        doc.Example(
            example.id,
            tuple(example.texts.items()),
            example.right or "",
            tuple(map(_answer, asked.prompts, example.replies)),
        )
        for example in asked.most_telling(most)
    )
    in_paper = min(most, MOST_IN_PAPER) if outputs == doc.PRINT else most
    return doc.Examples(caption, examples, in_paper, outputs=outputs)


def _answer(prompt: Prompt, reply: Reply) -> doc.Answer:
    """What the prompt calls the answer, the answer, and its probability."""
    word = reply.answer
    if reply.word.strip().casefold() != reply.answer.strip().casefold():
        word = f"{reply.word} = {reply.answer}"
    likely = f"{percent(reply.probability, digits=0)} %"
    note = likely if reply.understood else f"({likely})"
    detail = "text shortened to fit" if reply.cut else ""
    by = doc.Named(prompt.name, prompt.position, detail=detail)
    return doc.Answer(word, reply.right, (by,), note, reply.text)


def _in_files(asked: SideBySide) -> doc.Table:
    """A row for each example: of each prompt, answer, probability and text.

    Where a text named no label, the answer is the likeliest one, and `understood` says false.
    """
    parts = ("answer", "probability", "text", "understood")
    own = [f"{prompt.name}: {part}" for prompt in asked.prompts for part in parts]
    rows = (
        (
            example.id,
            *example.texts.values(),
            example.right,
            *(
                cell
                for reply in example.replies
                for cell in (
                    *(reply.answer, reply.probability, reply.text or None),
                    None if reply.text is None else str(reply.understood).lower(),
                )
            ),
        )
        for example in asked.items
    )
    keys = ("id", *asked.items[0].texts, "right", *own)
    return doc.Table.of_files("prompting", "Prompts side by side", keys, rows)
