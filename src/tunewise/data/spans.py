"""Right answers that stand in a text: SQuAD's form, checked against the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tunewise.core.canonical import JSONObject
from tunewise.core.errors import InputError, Problem
from tunewise.core.format import first_of, plural
from tunewise.data.audit.alike import as_seen
from tunewise.data.table import PLACE, Row, Splits

MOST_BROKEN = 0.01  # fraction of the rows whose answer does not stand where it should
FORM = "{text: [...], answer_start: [...]}, a text, or a list of texts"


def settled_answers(
    splits: Splits, *, context: str, answers: str, free: bool = False
) -> tuple[Splits, JSONObject, list[str]]:
    """The rows whose answers stand in their context, each with its answers in one form.

    An answer is given as ``{"text": [...], "answer_start": [...]}``, as a text or as a list of
    texts; without a start it is looked for. No answer, or an empty one, means that the context
    does not tell. A row of which an answer is not found, or not where its start says, is dropped
    and counted; `free` answers need not stand there.

    Returns:
        The splits, facts for the audit, and what a person should know.

    Raises:
        InputError: answers of another form, or more than 1 % of the rows of a split are broken.
    """
    problems: list[Problem] = []
    notes: list[str] = []
    facts: JSONObject = {}
    kept: Splits = {}
    for name, rows in splits.items():
        formed, wrong = _formed(rows, answers)
        problems += wrong
        kept[name] = [row for row in formed if free or _stands(row, context, answers)]
        broken = [row for row in formed if not (free or _stands(row, context, answers))]
        ids = [str(row["id"]) for row in broken]
        facts[name] = {
            "dropped_answers": ids,
            "without_answer": sum(not any(row[answers]["text"]) for row in kept[name]),
            "several_answers": sum(len(set(row[answers]["text"])) > 1 for row in kept[name]),
        }
        if not ids:
            continue
        fault = _fault(broken[0], context, answers)
        sentence = (
            f"{name}: the answer of {plural(len(ids), 'row')} ({len(ids) / len(rows):.1%}) does "
            f"not stand in its '{context}' (ids {first_of(ids)}): {fault}"
        )
        if len(ids) > MOST_BROKEN * len(rows):
            message = (
                f"{sentence} More than {MOST_BROKEN:.0%} of a split is a mistake in the data: "
                "correct them, or let answers say what their context does not: task.free: true."
            )
            problems.append(Problem(broken[0][PLACE], message))
        else:
            notes.append(f"{sentence} These rows are dropped.")
    if problems:
        raise InputError(problems)
    return kept, facts, notes


def _formed(rows: Sequence[Row], answers: str) -> tuple[list[Row], list[Problem]]:
    formed, wrong = [], []
    for row in rows:
        found = _answers(row.get(answers))
        if found is None:
            wrong.append(row)
        else:
            formed.append({**row, answers: found})
    if not wrong:
        return formed, []
    places = first_of([row[PLACE] for row in wrong])
    message = (
        f"'{answers}' is {str(wrong[0].get(answers))[:80]!r}, so or alike in "
        f"{plural(len(wrong), 'row')} ({places}); it must be {FORM}."
    )
    return formed, [Problem(wrong[0][PLACE], message)]


def _answers(value: Any) -> dict[str, list[Any]] | None:
    """The answers as texts with their starts, None for a start that is not given."""
    starts: Any = None
    match value:
        case str():
            texts = [value]
        case list():
            texts = value
        case {"text": list() as texts, "answer_start": list() as starts}:
            pass
        case {"text": list() as texts}:
            pass
        case _:
            return None
    starts = [None] * len(texts) if starts is None else starts
    right = len(starts) == len(texts) and all(isinstance(text, str) for text in texts)
    are_whole = all(start is None or type(start) is int for start in starts)
    return {"text": list(texts), "answer_start": list(starts)} if right and are_whole else None


def _stands(row: Row, context: str, answers: str) -> bool:
    text = row.get(context)
    if not isinstance(text, str):
        return True  # the audit reports it
    return all(
        _is_at(text, answer, start)
        for answer, start in zip(row[answers]["text"], row[answers]["answer_start"], strict=True)
        if answer
    )


def _fault(row: Row, context: str, answers: str) -> str:
    """What is wrong with the first answer of a row that does not stand where it should."""
    text: str = row[context]
    pairs = zip(row[answers]["text"], row[answers]["answer_start"], strict=True)
    answer, start = next(pair for pair in pairs if pair[0] and not _is_at(text, *pair))
    shown = f"{answer[:60]!r}"
    if start is not None:
        if start < 0:
            return f"its answer_start {start} lies before the text begins."
        there = text[start : start + len(answer)][:60]
        way = "Correct it, or give the answers without answer_start." if answer in text else ""
        return f"at its answer_start {start} stands {there!r}, not {shown}. {way}".rstrip()
    if found := _in_other_form(answer, text):
        return f"{shown} stands there as {found[:60]!r}. Write answers as their contexts do."
    return f"{shown} is not in it."


def _in_other_form(answer: str, text: str) -> str | None:
    """The passage that is the answer in another case, Unicode form or with other blanks."""
    wanted = as_seen(answer)
    if wanted not in as_seen(text):
        return None
    ends = [word.span() for word in re.finditer(r"\w+|[^\w\s]", text)]
    for at, (start, _) in enumerate(ends):
        for _, end in ends[at : at + 2 * len(answer)]:
            passage = as_seen(text[start:end])
            if passage == wanted:
                return text[start:end]
            if len(passage) > len(wanted):
                break
    return None


def _is_at(text: str, answer: str, start: int | None) -> bool:
    if start is None:
        return answer in text
    return start >= 0 and text.startswith(answer, start)


def first_start(text: str, answers: dict[str, list[Any]]) -> int | None:
    """Where the first answer begins in the text; None where it does not stand there.

    >>> first_start("In Denver.", {"text": ["Denver"], "answer_start": [None]})
    3
    """
    if not any(answers["text"]):
        return None
    start = answers["answer_start"][0]
    if start is None or not _is_at(text, answers["text"][0], start):
        start = text.find(answers["text"][0])
    return None if start < 0 else int(start)
