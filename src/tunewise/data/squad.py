"""SQuAD's own file form: one JSON object with articles, their paragraphs, and questions on each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunewise.core.errors import InputError, Problem
from tunewise.data.encoding import read_text
from tunewise.data.rows import PLACE, Row, Table

COLUMNS = ("id", "title", "context", "question", "answers")


def read_squad(path: Path, shown: str) -> Table:
    """The questions as rows, in the form that hubs have: answers as ``{text, answer_start}``.

    A row's place names its article, paragraph and question, counted from 0.

    Raises:
        InputError: it is no such file, or a part of it lacks something.
    """
    try:
        content = json.loads(read_text(path, shown))
    except (ValueError, RecursionError) as error:
        raise InputError([Problem(shown, f"is not JSON ({error}). {HINT}")]) from error
    if not isinstance(content, dict) or not isinstance(content.get("data"), list):
        raise InputError([Problem(shown, f"has no list 'data' as SQuAD's files do. {HINT}")])
    problems: list[Problem] = []
    rows: list[Row] = []
    for place, title, context, question in _questions(content["data"], shown):
        try:
            rows.append(_row(place, title, context, question))
        except (KeyError, TypeError) as error:
            reason = f"lacks {error}" if isinstance(error, KeyError) else "has another form"
            problems.append(Problem(place, f"{reason}, where SQuAD has id, question, answers."))
    if problems:
        raise InputError(problems)
    return Table(COLUMNS, rows)


HINT = "A file with one JSON object on each line is called .jsonl."


def _questions(articles: list[Any], shown: str) -> Iterator[tuple[str, str, Any, Any]]:
    for a, article in enumerate(articles):
        for p, paragraph in enumerate(_list(article, "paragraphs", f"{shown} data[{a}]")):
            place = f"{shown} data[{a}].paragraphs[{p}]"
            for q, question in enumerate(_list(paragraph, "qas", place)):
                title = str(article.get("title", ""))
                yield f"{place}.qas[{q}]", title, paragraph.get("context"), question


def _list(value: Any, key: str, place: str) -> list[Any]:
    if isinstance(value, dict) and isinstance(value.get(key), list):
        found: list[Any] = value[key]
        return found
    raise InputError([Problem(place, f"has no list '{key}' as SQuAD's files do. {HINT}")])


def _row(place: str, title: str, context: Any, question: Any) -> Row:
    answers = question["answers"]
    return {
        "id": question["id"],
        "title": title,
        "context": context,
        "question": question["question"],
        "answers": {
            "text": [answer["text"] for answer in answers],
            "answer_start": [answer["answer_start"] for answer in answers],
        },
        PLACE: place,
    }
