"""Tables as CSV, in full precision, for programs."""

from __future__ import annotations

import csv
import io
from typing import Any

from tunewise.core.sanitize import shown
from tunewise.reports.document.model import Table

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet runs text that begins so


def as_csv(table: Table) -> str:
    """Text that a spreadsheet would run as a formula gets a ' in front.

    >>> from tunewise.reports.document.model import Column
    >>> columns = (Column("Contender", "name"), Column("Points", "gap"))
    >>> print(as_csv(Table("t", "", columns, (("=1+1", -0.5),))), end="")
    name,gap
    '=1+1,-0.5
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_guarded(column.key) for column in table.columns_of("csv")])
    for row in table.values("csv"):
        writer.writerow([_guarded(value) for value in row])
    return text.getvalue()


def _guarded(value: Any) -> Any:
    """Numbers as they are; text without what could act in a spreadsheet or a terminal."""
    if not isinstance(value, str):
        return value
    text = shown(value)
    return f"'{text}" if value.startswith(FORMULA) or text.startswith(FORMULA) else text
