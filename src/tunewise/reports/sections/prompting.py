"""What a paper says of prompts: what each form came to, what it changed, and what was written."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.core.format import percent
from tunewise.reports.document import Block, Grid, Paragraph, Section, cell
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.prompts.expert_form import (
    Versus,
    expert_against,
    expert_answers,
    gap_cells,
)
from tunewise.reports.facts.prompts.forms import Form, changes, forms
from tunewise.reports.facts.prompts.side_by_side import SideBySide, side_by_side

TITLE = "Prompts"
MOST_ITEMS = 3  # shown with every prompt's answer
SENTENCE, REPLY = 160, 120  # characters of a text in a table


def prompts(evidence: Evidence) -> Section:
    """The prompts of a study side by side; nothing where no model was asked in words."""
    asked = side_by_side(evidence)
    if asked is None or not asked.items:
        return Section(TITLE, ())
    against = expert_against(evidence, asked)
    told = Paragraph(
        f"{len(asked.prompts)} prompts were put to the model, none of which trains a number, on "
        f"{len(asked.items):,} items. Changed is the share of items that a form answers otherwise "
        "than the first; a text holds together where it names one answer and no other and does "
        "not repeat itself."
    )
    blocks: list[Block] = [told, *map(Paragraph, changes(asked)), _forms(forms(asked))]
    if against:
        blocks += [*map(Paragraph, expert_answers(against)), _against(against)]
    return Section(TITLE, (*blocks, _items(asked)))


def _forms(rows: Sequence[Form]) -> Grid:
    header = ("prompt", "right", "changed", "empty", "name an answer", "hold together", "words")
    cells = tuple(
        (
            cell(form.name, 40),
            percent(form.right),
            percent(None if form.changed is None else form.changed / form.items),
            percent(form.silent),
            percent(form.named),
            percent(form.together),
            "–" if form.words is None else f"{form.words:.1f}",
        )
        for form in rows
    )
    return Grid("Forms of the prompt, in percent of items", "lrrrrrr", header, cells, wide=True)


def _against(rows: Sequence[Versus]) -> Grid:
    header = ("expert form", "against", "accuracy", "p", "holds together", "p", "differ also in")
    cells = tuple(
        (
            cell(row.expert, 40),
            cell(row.other, 40),
            *gap_cells(row.accuracy),
            *gap_cells(row.together),
            ", ".join(row.beside) or "–",
        )
        for row in rows
    )
    caption = "The expert form against the others, in points; p corrected by Holm"
    return Grid(caption, "llrrrrl", header, cells, wide=True)


def _items(asked: SideBySide) -> Grid:
    rows: list[tuple[str, ...]] = []
    for item in asked.most_telling(MOST_ITEMS):
        sentence = cell(" / ".join(item.texts.values()) or item.id, SENTENCE)
        for prompt, reply in zip(asked.prompts, item.replies, strict=True):
            wrote = "–" if reply.text is None else cell(reply.text, REPLY)
            answer = f"{cell(reply.answer, 30)} {percent(reply.probability, digits=0)} %"
            rows.append(
                (sentence, cell(item.right or "–", 30), cell(prompt.name, 30), answer, wrote)
            )
            sentence = ""
    header = ("item", "right", "prompt", "answer", "written")
    caption = "Items on which the prompts differ most"
    return Grid(caption, "lllll", header, tuple(rows), wide=True)
