"""A file that is one JSON value: a list of objects, SQuAD's articles, or lines after all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tunewise.core.errors import InputError, Problem
from tunewise.data.readers.encoding import read_text
from tunewise.data.readers.jsonl import checked_row, load_json, table_of_lines, table_of_rows
from tunewise.data.readers.squad import is_squad, squad_table
from tunewise.data.table import PLACE, Row, Table

LARGEST = 512 << 20  # bytes: the whole value is held in memory at once
FORMS = (
    "A .json file is a list of objects ([{...}, ...]), such a list under 'data', or SQuAD's form; "
    "a file with one object on each line is called .jsonl."
)


def read_json(path: Path, shown: str) -> Table:
    """The rows of a list of objects, of the list under the key ``data``, or of SQuAD's form.

    A row of a list has its number, from 0, for a place. Many programs write one object on each
    line and call the file .json all the same: that is read as JSON Lines, with a note.

    Raises:
        InputError: it is none of these, or whatever is wrong in it.
    """
    text, notes = read_text(path, shown, largest=LARGEST, longest=None)
    try:
        content = load_json(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and text.lstrip().startswith("{"):
            note = f"{shown}: one object on each line; read as JSON Lines, usually called .jsonl."
            return table_of_lines(text, shown, (*notes, note))
        broken = f"is not JSON: {error.msg} in column {error.colno}. {FORMS}"
        raise InputError([Problem(f"{shown}:{error.lineno}", broken)]) from error
    except RecursionError as error:
        raise InputError([Problem(shown, "is nested too deeply.")]) from error
    except ValueError as error:
        raise InputError([Problem(shown, f"{error}.")]) from error
    if is_squad(content):
        return squad_table(content, shown, notes)
    records = content.get("data") if isinstance(content, dict) else content
    if not isinstance(records, list):
        raise InputError([Problem(shown, _other_form(content))])
    escapes = "\\u" in text
    rows: list[Row] = []
    problems: list[Problem] = []
    for number, record in enumerate(records):
        place = f"{shown}[{number}]"
        try:
            row = checked_row(record, escapes=escapes)
        except (ValueError, RecursionError) as error:
            reason = "is nested too deeply" if isinstance(error, RecursionError) else str(error)
            problems.append(Problem(place, f"{reason}."))
            continue
        row[PLACE] = place
        rows.append(row)
    if problems:
        raise InputError(problems)
    return table_of_rows(rows, shown, notes)


def _other_form(content: Any) -> str:
    if isinstance(content, dict) and content:
        lists = [key for key, value in content.items() if isinstance(value, (list, dict))]
        if len(lists) == len(content) > 1:
            return (
                "holds columns, not rows. With pandas: "
                "pandas.read_json(FILE).to_json('rows.jsonl', orient='records', lines=True)"
            )
        keys = ", ".join(f"'{str(key)[:40]}'" for key in list(content)[:4])
        return f"is one object with the keys {keys}, without a list under 'data'. {FORMS}"
    return f"holds no rows. {FORMS}"
