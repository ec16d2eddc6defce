"""From the labels as the data writes them to positions in the list of options.

Labels may be texts, true and false, or whole numbers (also written "0" or 0.0). Whole numbers are
positions where names are known: from the study file, from a ``labels.txt`` beside the data, or
from the column itself. Where the names read as numbers (["1", "2", "3"]), they are matched as
text, but for a column that brings its own names: its numbers are always positions in them.
Nothing is repaired: whatever does not fit is reported with its places.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewise.core.errors import InputError, Problem, nearest
from tunewise.core.format import first_of, plural
from tunewise.data.audit.alike import too_alike
from tunewise.data.readers.encoding import read_text
from tunewise.data.table import PLACE, Row, Splits

NAMES_FILE = "labels.txt"
IGNORED = -100  # what training libraries write for "no label here"

_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)(\.0*)?")
_DECIMAL = re.compile(r"-?[0-9]+\.[0-9]+([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Labels:
    """The options in order, and the position of every spelling that the data uses.

    `spellings` is what a person is shown to check the mapping, such as {"0": 0, "1": 1}.
    """

    options: tuple[str, ...]
    spellings: Mapping[str, int]

    def position(self, value: Any) -> int:
        """The position of a label of the data that was resolved; another one is a `KeyError`."""
        if isinstance(value, str) and value in self.spellings:
            return self.spellings[value]
        return self.spellings[spelling(value)]


def is_missing(value: Any) -> bool:
    """Whether a row has no label: null, NaN, blank, or -100.

    >>> [is_missing(value) for value in (None, float("nan"), " ", -100, 0, "NA")]
    [True, True, True, True, False, False]
    """
    match value:
        case None:
            return True
        case bool():
            return False
        case str():
            return not value.strip() or value.strip() == str(IGNORED)
        case int() | float():
            return value == IGNORED or math.isnan(value)
        case _:
            return False


def spelling(value: Any) -> str:
    """A label as text: true and false as JSON has them, 1.0 and "1.0" as 1.

    "01" stays as it is: it may be a code.

    >>> [spelling(value) for value in (True, 2.0, "2.0", "01", "good")]
    ['true', '2', '2', '01', 'good']
    """
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() else str(value)
        case str() if _WHOLE.fullmatch(value):
            return value.partition(".")[0]
        case _:
            return str(value)


def as_text(value: Any) -> str:
    """A text as it is, any other value as a label is written."""
    return value if isinstance(value, str) else spelling(value)


def resolve(
    splits: Splits,
    label: str,
    *,
    given: Sequence[str] | None = None,
    found: Sequence[str] | None = None,
    own: Sequence[str] | None = None,
) -> Labels:
    """The options of a classification and where each label of the data stands among them.

    Args:
        splits: rows with ``_place``.
        label: the column.
        given: names from the study file; every label must be one of them.
        found: names that came with the data (`labels.txt`, the hub); used for whole numbers, and
            for the order where the labels are these texts.
        own: names that the column brought itself (``ClassLabel``). Names from elsewhere that are
            among them set the order; others name its positions anew.

    Raises:
        InputError: missing labels, several types, names too alike, numbers out of range, labels
            that train lacks; all together.
    """
    problems = _missing(splits, label)
    present = [row for rows in splits.values() for row in rows if not is_missing(row.get(label))]
    problems += _wrong_types(present, label)
    if problems or not present:
        raise InputError(problems or [Problem("", f"no row has a '{label}'.")])
    numeric = all(
        not isinstance(row[label], bool) and _WHOLE.fullmatch(spelling(row[label]))
        for row in present
    )
    places: dict[str, list[str]] = {}
    for row in present:
        text = spelling(row[label]) if numeric else as_text(row[label])
        places.setdefault(text, []).append(row.get(PLACE, ""))
    names = tuple(given or found or ())
    two_names_for_booleans = isinstance(present[0][label], bool) and len(names) == 2
    if not given and not numeric and not two_names_for_booleans and set(places) - set(names):
        names = ()  # the names beside the data speak of something else
    if names:
        labels, problems = _with_names(names, places, numeric=numeric, own=tuple(own or ()))
        problems += too_alike({name: ["task.labels"] for name in names}) if given else []
    else:
        labels, problems = _without_names(places, numeric=numeric)
    if not problems:
        problems = _unseen(splits.get("train", []), label, labels, places)
    if problems:
        raise InputError(problems)
    return labels


def read_names(path: Path, shown: str) -> tuple[str, ...]:
    """The class names of a ``labels.txt``: line N, counted from 0, names class N."""
    lines = [line.strip() for line in read_text(path, shown).content.rstrip().split("\n")]
    problems = [
        Problem(f"{shown}:{number}", "is blank; each line names one class, from class 0 on.")
        for number, line in enumerate(lines, start=1)
        if not line
    ]
    problems += too_alike({line: [shown] for line in lines if line})
    if len(set(lines)) < len(lines) and not problems:
        twice = next(line for line in lines if lines.count(line) > 1)
        problems.append(Problem(shown, f"names '{twice}' twice."))
    if problems:
        raise InputError(problems)
    return tuple(lines)


def _missing(splits: Splits, label: str) -> list[Problem]:
    problems = []
    for name, rows in splits.items():
        places = [row.get(PLACE, "") for row in rows if is_missing(row.get(label))]
        if places:
            problems.append(
                Problem(
                    places[0],
                    f"'{label}' is missing here and in {plural(len(places), 'row')} of {name} in "
                    f"all ({first_of(places)}). Fill it in, or say data.on_missing_label: drop.",
                )
            )
    return problems


def _wrong_types(rows: Sequence[Row], label: str) -> list[Problem]:
    kinds: dict[str, list[Row]] = {}
    for row in rows:
        kinds.setdefault(_kind(row[label]), []).append(row)
    texts = [row for row in kinds.get("text", []) if not _WHOLE.fullmatch(row[label])]
    if texts and all(_DECIMAL.fullmatch(row[label]) for row in texts):
        kinds = {"a number that is not whole": texts}
    elif not texts and "whole number" in kinds:  # "1" among 1: whatever wrote them was of two minds
        kinds.pop("text", None)
    problems = [
        Problem(
            found[0].get(PLACE, ""),
            f"'{label}' is {found[0][label]!r}, {kind}. A class is a text, a whole number from 0 "
            "up, or true and false.",
        )
        for kind, found in kinds.items()
        if kind not in ("text", "whole number", "boolean")
    ]
    if not problems and len(kinds) > 1:
        seen = ", ".join(
            f"{kind} {found[0][label]!r} ({found[0].get(PLACE, '')})"
            for kind, found in kinds.items()
        )
        problems.append(Problem("", f"'{label}' has several types: {seen}. Use one."))
    return problems


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case str():
            return "text"
        case int():
            return "whole number"
        case float():
            return "whole number" if value.is_integer() else "a number that is not whole"
        case _:
            return f"a value of type {type(value).__name__}"


def _with_names(
    names: tuple[str, ...],
    places: Mapping[str, list[str]],
    *,
    numeric: bool,
    own: tuple[str, ...],
) -> tuple[Labels, list[Problem]]:
    if set(places) <= {"false", "true"} and len(names) == 2 and not set(places) <= set(names):
        return Labels(names, {"false": 0, "true": 1}), []
    by_position = numeric and (bool(own) or not all(_WHOLE.fullmatch(name) for name in names))
    if by_position and set(names) <= set(own):
        known = {str(at): names.index(name) for at, name in enumerate(own) if name in names}
    elif by_position:
        known = {str(at): at for at in range(len(names))}
    else:
        known = {name: at for at, name in enumerate(names)}
    problems = []
    for text, where in places.items():
        if text in known:
            continue
        if by_position and text.isdecimal() and int(text) < len(own):
            right = f"it stands for {own[int(text)]!r}. {nearest(own[int(text)], names)}"
        elif by_position:
            right = f"there are {len(names)} names, so labels run from 0 to {len(names) - 1}."
        else:
            right = nearest(text, known)
        problems.append(Problem(where[0], f"label {text!r} is no class ({_count(where)}); {right}"))
    return Labels(names, known), problems


def _without_names(
    places: Mapping[str, list[str]], *, numeric: bool
) -> tuple[Labels, list[Problem]]:
    problems = too_alike(places)
    for text, where in places.items():
        if numeric and text[0] == "-":
            hint = " -1 often marks rows without a label: leave such a split out."
            message = (
                f"label {text} is negative ({_count(where)}); classes are counted from 0."
                f"{hint if text == '-1' else ''} If it is a name, list the names: "
                f"task.labels: ['{text}', ...]."
            )
            problems.append(Problem(where[0], message))
    options = tuple(sorted(places, key=int) if numeric else sorted(places))
    return Labels(options, {text: number for number, text in enumerate(options)}), problems


def _unseen(
    train: Sequence[Row], label: str, labels: Labels, places: Mapping[str, list[str]]
) -> list[Problem]:
    in_train = {labels.position(row[label]) for row in train if not is_missing(row.get(label))}
    if not in_train:
        return []
    known = [text for text, number in labels.spellings.items() if number in in_train]
    return [
        Problem(
            where[0],
            f"label {text!r} does not occur in train ({_count(where)}), so no method can learn "
            f"it. {nearest(text, known)} Correct it, or say data.on_unseen_label: drop.",
        )
        for text, where in places.items()
        if labels.spellings[text] not in in_train
    ]


def _count(places: Sequence[str]) -> str:
    return f"{plural(len(places), 'row')}: {first_of(places)}"
