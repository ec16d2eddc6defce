"""Which columns of a table of predictions say what."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from tunewise.core.errors import InputError, Problem, nearest
from tunewise.core.format import listed, plural
from tunewise.data.table import PLACE, Row, Table
from tunewise.judging.runs import Sheet

ROLES: dict[str, tuple[str, ...]] = {
    "id": ("id", "example_id", "sample_id", "doc_id", "idx", "index", "qid", "guid", "uid"),
    "label": (
        *("label", "labels", "gold", "target", "reference", "references", "answers", "expected"),
        *("truth", "y_true", "true_label", "ground_truth", "gold_label"),
    ),
    "prediction": (
        *("prediction", "predictions", "predicted", "pred", "preds", "y_pred", "choice"),
        *("predicted_label", "prediction_text", "output", "response", "answer", "generated"),
    ),
    "score": (
        *("score", "correct", "is_correct", "right", "accuracy", "acc", "acc_norm"),
        *("exact_match", "em", "f1", "rougeL", "bleu", "reward"),
    ),
    "probability": ("probability", "probabilities", "probs", "prob", "proba", "scores"),
    "loss": ("loss", "nll"),
}
"""What a column may say, and under which names it is looked for, the likeliest first."""

EACH = "probability_", "prob_", "p_", *(f"{name}." for name in ROLES["probability"])
"""What the name of a column begins with that holds the probability of one class.

With a full stop they are the fields of a record, which readers open into columns.
"""

WHOLE = re.compile(r"\d+\.0")

NEEDED = (
    "a 'prediction' with a 'label' or 'references', or a 'score', for each example. Where they "
    "have other names, say so: --columns prediction=output,label=gold"
)


def named_columns(text: str | None) -> dict[str, str]:
    """``role=column`` pairs as somebody typed them.

    Raises:
        InputError: a pair without ``=``, or a role that does not exist.

    >>> named_columns("id=qid,label=gold")
    {'id': 'qid', 'label': 'gold'}
    """
    found = {}
    for pair in filter(None, (text or "").split(",")):
        role, equals, column = pair.strip().partition("=")
        if not equals or not column:
            raise InputError(f"--columns: '{pair.strip()}' is no pair such as label=gold.")
        found[role] = column
    return checked_roles(found)


def checked_roles(columns: Mapping[str, str]) -> dict[str, str]:
    """Columns by role, with every role one that exists.

    Raises:
        InputError: a role does not.
    """
    for role in columns:
        if role not in ROLES:
            raise InputError(f"--columns: unknown role '{role}'. {nearest(role, ROLES)}")
    return dict(columns)


def sheet_of(table: Table, place: str, named: Mapping[str, str] | None = None) -> Sheet:
    """The answers in a table.

    Args:
        table: rows with their places.
        place: what messages call it.
        named: columns by role, where they are not to be guessed.

    Raises:
        InputError: a named column is missing, nothing is scored, a value is missing or of the
            wrong kind; all together.
    """
    roles = _roles(table.columns, named or {}, place)
    problems: list[Problem] = []
    scored_by = next((role for role in ("score", "loss") if role in roles), None)
    columns = {role: [row.get(name) for row in table.rows] for role, name in roles.items()}
    if "prediction" in roles:
        problems += _missing(table.rows, roles["prediction"])
    if "label" in roles and "prediction" in roles:
        problems += _missing(table.rows, roles["label"])
    scores: list[float] | None = None
    if scored_by:
        column = roles[scored_by]
        numbers = [_number(row.get(column)) for row in table.rows]
        scores = [value for value in numbers if value is not None]
        odd = [row for row, value in zip(table.rows, numbers, strict=True) if value is None]
        if odd:
            message = (
                f"{column} = {odd[0].get(column)!r:.40}: a number is needed{_and_others(odd)}."
            )
            problems.append(Problem(odd[0][PLACE], message))
    ids = _ids(table.rows, roles.get("id"), problems)
    if problems:
        raise InputError(problems)
    labels = columns.get("label")
    if labels is not None:  # references as SQuAD and the hub write them become lists of texts
        labels = [one.get("text", one) if isinstance(one, dict) else one for one in labels]
    return Sheet(
        ids,
        labels=labels,
        predictions=columns.get("prediction"),
        scores=scores,
        probabilities=_probabilities(table, roles),
        scored_by="loss" if scored_by == "loss" else roles.get("score", "score"),
        numbered="id" not in roles,
        place=place,
    )


def _roles(columns: Sequence[str], named: Mapping[str, str], place: str) -> dict[str, str]:
    for role, column in named.items():
        if column not in columns:
            message = f"has no column '{column}' for --columns {role}. {nearest(column, columns)}"
            raise InputError([Problem(place, message)])
    folded = {column.casefold(): column for column in reversed(columns)}
    taken = set(named.values())
    roles = dict(named)
    for role, names in ROLES.items():
        found = (folded[name.casefold()] for name in names if name.casefold() in folded)
        free = next((one for one in found if one not in taken), None)
        if role not in roles and free is not None:
            roles[role] = free
            taken.add(free)
    if not {"prediction", "score", "loss"} & roles.keys():
        has = listed([f"'{name}'" for name in columns], most=8)
        raise InputError([Problem(place, f"has the columns {has}. It needs {NEEDED}")])
    return roles


def _ids(rows: Sequence[Row], column: str | None, problems: list[Problem]) -> tuple[str, ...]:
    if column is None:
        return tuple(str(number) for number in range(len(rows)))
    problems += _missing(rows, column)
    # As one program writes them and another reads them: 7 and 7.0 are the same.
    given = [row.get(column) for row in rows]
    ids = [str(int(id)) if isinstance(id, float) and id.is_integer() else str(id) for id in given]
    if all(WHOLE.fullmatch(id) for id in ids):
        ids = [id.removesuffix(".0") for id in ids]
    return tuple(ids)


def _missing(rows: Sequence[Row], column: str) -> list[Problem]:
    """An empty text is an answer; nothing at all is none."""
    lacking = [
        row
        for row in rows
        if (value := row.get(column)) is None or (isinstance(value, float) and math.isnan(value))
    ]
    if not lacking:
        return []
    message = f"'{column}' is missing{_and_others(lacking)}."
    return [Problem(lacking[0][PLACE], f'{message} An answer that is empty is written as "".')]


def _and_others(rows: Sequence[Row]) -> str:
    """Where the same is wrong in several rows, of which the first is named."""
    return f", as in {plural(len(rows) - 1, 'other row')}" if len(rows) > 1 else ""


def _number(value: Any) -> float | None:
    """A finite number, also of a text, with true and false as 1 and 0."""
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.strip().casefold(), value)
    if not isinstance(value, int | float | str):
        return None
    with suppress(ValueError):
        return number if math.isfinite(number := float(value)) else None
    return None


def _probabilities(table: Table, roles: Mapping[str, str]) -> list[Any] | None:
    """By class name where columns or objects say so, else in the order of the classes."""
    for start in EACH:
        columns = [name for name in table.columns if name.startswith(start)]
        if len(columns) > 1:
            return [
                {name.removeprefix(start): _number(row.get(name)) for name in columns}
                for row in table.rows
            ]
    if "probability" not in roles:
        return None
    values = [row.get(roles["probability"]) for row in table.rows]
    return [_parsed(value) for value in values]


def _parsed(value: Any) -> Any:
    """CSV holds a list as text."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        with suppress(ValueError):
            return json.loads(value)
    return value
