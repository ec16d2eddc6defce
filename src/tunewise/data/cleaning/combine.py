"""Several columns as one text with named fields, and what else is done to texts before a model.

The same is done to texts that are to be answered: `TextRules` travels with a trained contender.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunewise.core.canonical import JSONObject
from tunewise.core.errors import InputError, Problem
from tunewise.data.cleaning.markup import without_markup
from tunewise.data.labels import as_text, is_missing
from tunewise.data.table import Splits, Table


@dataclass(frozen=True)
class TextRules:
    """From a row of the user's data to what the task reads.

    `rename` goes from our name of a column to the data's, `combine` from a column that is made
    to the columns it is made of.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    combine: Mapping[str, Sequence[str]] = field(default_factory=dict)
    strip_markup: bool = False

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TextRules:
        """Those in the ``data`` section of a study as it was stored."""
        clean = data.get("clean") or {}
        return cls(
            rename=data.get("columns") or {},
            combine=data.get("combine") or {},
            strip_markup=clean.get("markup") == "strip",
        )

    def as_json(self) -> JSONObject:
        """The same as a ``data`` section, for `from_json`."""
        made: JSONObject = {
            "columns": dict(self.rename),
            "combine": {made: list(fields) for made, fields in self.combine.items()},
            "clean": {"markup": "strip"} if self.strip_markup else {},
        }
        return {name: value for name, value in made.items() if value}

    def needed(self, texts: Sequence[str]) -> tuple[str, ...]:
        """The columns that texts are made of, in order."""
        return tuple(name for text in texts for name in self.combine.get(text, (text,)))

    def made_of(self) -> tuple[str, ...]:
        """All columns that are put together; a single row may lack them."""
        return tuple(name for fields in self.combine.values() for name in fields)

    def text(self, value: str) -> str:
        return without_markup(value) if self.strip_markup else value


def combined(fields: Mapping[str, Any]) -> str:
    r"""One text of several, each behind its name on a line of its own; empty ones are left out.

    >>> combined({"subject": "Refund", "body": "Twice charged.", "note": None})
    'subject: Refund\nbody: Twice charged.'
    """
    given = {name: value for name, value in fields.items() if not is_missing(value)}
    texts = {name: as_text(value) for name, value in given.items()}
    return "\n".join(f"{name}: {text}" for name, text in texts.items())


def with_combined(splits: Splits, combine: Mapping[str, Sequence[str]]) -> Splits:
    """The rows with each column that is made of others beside them."""
    if not combine:
        return splits
    whole: Splits = {}
    for split, rows in splits.items():
        whole[split] = []
        for row in rows:
            made = {
                name: combined({field: row.get(field) for field in fields})
                for name, fields in combine.items()
            }
            whole[split].append({**row, **made})
    return whole


def refuse_taken(tables: Mapping[str, Table], combine: Mapping[str, Sequence[str]]) -> None:
    """Raise an `InputError` where a column to be made is in the data already."""
    problems = [
        Problem(
            f"data.combine.{made}",
            f"the data has a column '{made}' already. Call what is made of "
            f"{' and '.join(fields)} by another name, also in task.text.",
        )
        for made, fields in combine.items()
        if any(made in table.columns for table in tables.values())
    ]
    if problems:
        raise InputError(problems)
