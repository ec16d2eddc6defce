"""Prompts side by side in the terminal: a block a sentence, a line a prompt, 80 columns."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tunewise.core.format import percent
from tunewise.core.sanitize import shortened, shown
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.prompts.expert_form import (
    Versus,
    expert_against,
    expert_answers,
    gap_cells,
)
from tunewise.reports.facts.prompts.forms import Form, changes, forms
from tunewise.reports.facts.prompts.side_by_side import Asked, Reply, SideBySide, side_by_side

MOST_ITEMS = 8
LONGEST_ITEM = 300  # characters of one column of an item
LONGEST_REPLY = 110
WIDEST_NAME = 20
MARKS = {True: "✓", False: "✗", None: " "}
WRITTEN = "words a text; holds: one answer, nothing twice"
KEY = (
    "✓ right, ✗ wrong, with the answer's probability among the options; in brackets where a text "
    "named no option: then the likeliest counts."
)


def print_prompting(evidence: Evidence, console: Console) -> None:
    """Print what each prompt made of each sentence, and what that comes to; or nothing."""
    asked = side_by_side(evidence)
    if asked is None or not asked.items:
        return
    console.print()
    console.print(Text(_heading(asked), style="bold"))
    width = min(WIDEST_NAME, max(len(shown(prompt.name)) for prompt in asked.prompts))
    for item in asked.most_telling(MOST_ITEMS):
        console.print()
        for line in _sentence(item):
            console.print(line)
        console.print(Padding(_replies(asked, item, width), (0, 0, 0, 2)))
    console.print()
    console.print(Text(KEY, style="dim"))
    console.print(_forms(forms(asked)))
    against = expert_against(evidence, asked)
    if against:
        console.print(_against(against))
    for paragraph in (*changes(asked), *expert_answers(against)):
        console.print(Padding(Text(paragraph), (0, 0, 1, 2)))


def _heading(asked: SideBySide) -> str:
    total, some = len(asked.items), min(MOST_ITEMS, len(asked.items))
    heading = f"Prompts side by side, {total:,} {asked.split} items"
    if some < total:
        heading += f"; the {some} on which they differ most, all in tables/prompting.csv"
    if any(prompt.seeded for prompt in asked.prompts):
        heading += "; of several seeds, the first"
    return heading


def _sentence(item: Asked) -> list[Text]:
    """The item's texts, a line each, and what is right."""
    named = len(item.texts) > 1
    lines = [
        f"{shown(column)}: {shortened(shown(text), LONGEST_ITEM)}"
        if named
        else shortened(shown(text), LONGEST_ITEM)
        for column, text in item.texts.items()
    ] or [shown(item.id)]
    right = "" if item.right is None else f" (right: {shown(item.right)})"
    *before, last = lines
    return [*map(Text, before), Text(f"{last}{right}", style="bold")]


def _replies(asked: SideBySide, item: Asked, width: int) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=width, overflow="fold")
    table.add_column(overflow="fold", max_width=28)
    table.add_column(overflow="fold")
    for prompt, reply in zip(asked.prompts, item.replies, strict=True):
        wrote = "" if reply.text is None else _quoted(reply.text)
        table.add_row(Text(shown(prompt.name)), Text(_answer(reply)), Text(wrote, style="dim"))
    return table


def _answer(reply: Reply) -> str:
    word = shown(reply.answer)
    if reply.word.strip().casefold() != reply.answer.strip().casefold():
        word = f"{shown(reply.word)} = {word}"
    told = f"{word} {percent(reply.probability, digits=0)} %"
    return f"{MARKS[reply.right]} {told if reply.understood else f'({told})'}"


def _quoted(text: str) -> str:
    said = shortened(shown(text), LONGEST_REPLY)
    return f"“{said}”" if said else "wrote nothing"


def _forms(rows: list[Form]) -> Table:
    writing = any(form.words is not None for form in rows)
    table = Table(
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        title=f"Percent of items{f', and {WRITTEN}' if writing else ''}",
        title_justify="left",
        title_style="",
    )
    table.add_column("prompt", overflow="fold", min_width=12)
    names = ["right", "changed"]
    if writing:
        names += ["silent", "answers", "repeats", "holds", "words"]
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for form in rows:
        changed = None if form.changed is None else form.changed / form.items
        cells = [percent(form.right), percent(changed)]
        if writing:
            shares = (form.silent, form.named, form.repeating, form.together)
            cells += [percent(share) for share in shares]
            cells.append("–" if form.words is None else f"{form.words:.1f}")
        table.add_row(Text(shown(form.name)), *map(Text, cells))
    return table


def _against(rows: list[Versus]) -> Table:
    table = Table(
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        title="The expert form against each, in points; p by Holm",
        title_justify="left",
        title_style="",
    )
    table.add_column("against", overflow="fold", min_width=12)
    for name in ("accuracy", "p", "holds", "p"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("also differs in", overflow="fold")
    several = len({row.expert for row in rows}) > 1
    for row in rows:
        name = f"{row.expert} against {row.other}" if several else row.other
        cells = [*gap_cells(row.accuracy), *gap_cells(row.together), ", ".join(row.beside)]
        table.add_row(Text(shown(name)), *map(Text, cells))
    return table
