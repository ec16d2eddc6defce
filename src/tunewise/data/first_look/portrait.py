"""What one column holds."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunewise.core.format import plural
from tunewise.data.labels import is_missing, spelling
from tunewise.data.table import Row

_WHOLE = re.compile(r"-?[0-9]+(\.0+)?")
_FRACTION = re.compile(r"-?[0-9]*[.,][0-9]+([eE][+-]?[0-9]+)?")
_DATE = re.compile(
    r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})"
    r"([T ,]+\d{1,2}[:.]\d{2}.{0,20})?"
)
_ADDRESS = re.compile(r"(https?://|www\.)\S+|[^\s@]+@[^\s@]+\.[a-z]{2,}", re.IGNORECASE)
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")  # scripts without blanks
MOSTLY = 0.95  # of the values, that make a column one of dates, addresses or codes


@dataclass(frozen=True)
class Portrait:
    """What one column holds, over all rows that were looked at."""

    name: str
    kind: str  # text, whole number, boolean, number, date, address, code, other
    rows: int
    missing: int
    distinct: int
    words: float  # mean over the texts
    example: str = ""

    def __str__(self) -> str:
        words = plural(round(self.words), "word")
        what = f", {words} on average" if self.kind == "text" else ""
        return f"'{self.name}' ({self.kind}, {plural(self.distinct, 'different value')}{what})"


def portrait(name: str, rows: Sequence[Row]) -> Portrait:
    """Describe a column.

    >>> print(portrait("stars", [{"stars": "1"}, {"stars": "5"}, {"stars": ""}]))
    'stars' (whole number, 2 different values)
    """
    present = [value for row in rows if not is_missing(value := row.get(name))]
    texts = [value for value in present if isinstance(value, str)]
    distinct = {spelling(value) for value in present}
    kinds = {_kind(value) for value in present}
    if kinds == {"whole number", "number"}:
        kind = "number"
    elif kinds <= {"text", "whole number", "number"} and "text" in kinds:
        kind = _closer(texts, len(distinct))
    else:
        kind = kinds.pop() if len(kinds) == 1 else "other"
    return Portrait(
        name=name,
        kind=kind,
        rows=len(rows),
        missing=len(rows) - len(present),
        distinct=len(distinct),
        words=sum(map(words_in, texts)) / max(1, len(texts)),
        example=spelling(present[0]) if present else "",
    )


def words_in(text: str) -> int:
    """Words of a text; in scripts that have no blanks between them, every second letter is one.

    >>> words_in("two words"), words_in("客服态度很好")
    (2, 3)
    """
    unspaced = len(_UNSPACED.findall(text))
    return max(len(text.split()), unspaced // 2)


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "whole number"
        case float():
            return "whole number" if value.is_integer() else "number"
        case str():
            whole = _WHOLE.fullmatch(value.strip())
            text = "number" if _FRACTION.fullmatch(value.strip()) else "text"
            return "whole number" if whole else text  # what a CSV file means by it
        case datetime.date() | datetime.time():
            return "date"
        case _:
            return "other"


def _closer(texts: Sequence[str], distinct: int) -> str:
    """What the texts of a column are, where they are no prose."""
    few = MOSTLY * len(texts)
    if sum(bool(_DATE.fullmatch(text.strip())) for text in texts) >= few:
        return "date"
    if sum(bool(_ADDRESS.fullmatch(text.strip())) for text in texts) >= few:
        return "address"
    single = sum(len(text.split()) == 1 and any(map(str.isdigit, text)) for text in texts)
    return "code" if single >= few and distinct > max(20, len(texts) / 2) else "text"
