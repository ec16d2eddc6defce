"""SQuAD's own file form: one JSON object with articles, their paragraphs, and questions on each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tunewise.core.errors import InputError, Problem
from tunewise.data.readers.jsonl import checked_row
from tunewise.data.table import PLACE, Row, Table

COLUMNS = ("id", "title", "context", "question", "answers")


def is_squad(content: Any) -> bool:
    """Whether a JSON value has articles: a list ``data`` of objects with paragraphs."""
    articles = content.get("data") if isinstance(content, dict) else None
    return isinstance(articles, list) and any(
        isinstance(article, dict) and "paragraphs" in article for article in articles
    )


def squad_table(content: dict[str, Any], shown: str, notes: tuple[str, ...] = ()) -> Table:
    """The questions as rows, in the form that hubs have: answers as ``{text, answer_start}``.

    A row's place names its article, paragraph and question, counted from 0.

    Raises:
        InputError: a part of it lacks something, or holds a text that cannot be.
    """
    problems: list[Problem] = []
    rows: list[Row] = []
    for place, title, context, question in _questions(content["data"], shown):
        try:
            answers = question["answers"]
            row = checked_row(
                {
                    "id": question["id"],
                    "title": title,
                    "context": context,
                    "question": question["question"],
                    "answers": {
                        "text": [answer["text"] for answer in answers],
                        "answer_start": [answer["answer_start"] for answer in answers],
                    },
                }
            )
        except (KeyError, TypeError) as error:
            reason = f"lacks {error}" if isinstance(error, KeyError) else "has another form"
            problems.append(Problem(place, f"{reason}, where SQuAD has id, question, answers."))
            continue
        except ValueError as error:
            problems.append(Problem(place, f"{error}."))
            continue
        row[PLACE] = place
        rows.append(row)
    if problems:
        raise InputError(problems)
    return Table(COLUMNS, rows, notes=notes)


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
    raise InputError([Problem(place, f"has no list '{key}' as SQuAD's files do.")])
