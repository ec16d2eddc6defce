"""Every answer of every contender, example by example, as one CSV file for other programs and for
people.

The texts stay what they are: nothing is cut, and line breaks are kept. Two things change. Signs
that act in a terminal are drawn, as everywhere in a report. A text that a spreadsheet would run as
a formula gets an apostrophe in front; whoever reads the file back takes one away from each cell
that matches `GUARDED`, and has the text again.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from tunewise.analysis.disagreements import truth_of
from tunewise.analysis.evidence import Evidence
from tunewise.analysis.slices import KIND, slice_values
from tunewise.core.files import write_text
from tunewise.core.sanitize import visible

FOLDER = "predictions"
BETWEEN = " | "  # several answers that are all right

_FORMULA = r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]"
_RUNS = re.compile(rf"'*(?:{_FORMULA})")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
GUARDED = re.compile(rf"'(?='*(?:{_FORMULA}))")

Cell = str | float | int | None


@dataclass(frozen=True)
class Predictions:
    """A row for each example of a split.

    Two columns for each contender: the answer that most of its seeds gave, and the fraction of its
    seeds that were right, whose mean over the examples is the accuracy (or exact match) of the
    report.
    """

    split: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def predictions(evidence: Evidence) -> Predictions | None:
    """The answers on the split that the verdict rests on; None while there are none."""
    split, contenders = evidence.split, evidence.answered
    if not contenders:
        return None
    texts = evidence.texts(split)
    paths = (f"{column}_path" for column in evidence.text_columns)  # of images alone
    names = dict.fromkeys((*paths, KIND, *evidence.study.slices))
    beside = {
        name: values
        for name, values in slice_values(evidence, split, names).items()
        if name not in evidence.text_columns and name != evidence.study.answer
    }
    truths: dict[str, str] = {}
    for run in (run for _, runs in contenders for run in runs):
        for id in run.ids:
            if id not in truths:
                truths[id] = BETWEEN.join(truth_of(evidence, run, id))
    # Of each example the answer of most seeds (the earlier of equals) and the fraction right.
    columns: list[dict[str, tuple[str, float | int]]] = []
    for _, runs in contenders:
        given: dict[str, list[tuple[str, bool]]] = {}
        for run in runs:
            for at, id in enumerate(run.ids):
                answer = run.written[at] if run.written else evidence.option(int(run.choices[at]))
                given.setdefault(id, []).append((answer, bool(run.choices[at] == run.labels[at])))
        columns.append({})
        for id, answers in given.items():
            fraction = sum(right for _, right in answers) / len(answers)
            whole = int(fraction) if fraction.is_integer() else fraction  # written without a point
            said = [answer for answer, _ in answers]
            columns[-1][id] = (max(said, key=said.count), whole)
    rows = tuple(
        (
            id,
            *(values.get(id) for values in beside.values()),
            *(texts.get(id, {}).get(column) for column in evidence.text_columns),
            truth,
            *(cell for answers in columns for cell in answers.get(id, (None, None))),
        )
        for id, truth in truths.items()
    )
    own = [name for one, _ in contenders for name in (one.name, f"{one.name}: right")]
    return Predictions(split, ("id", *beside, *evidence.text_columns, "truth", *own), rows)


def write_predictions(evidence: Evidence, out: Path) -> list[Path]:
    """Write ``predictions/<split>.csv`` into a folder, where there are answers."""
    found = predictions(evidence)
    if found is None:
        return []
    path = out / FOLDER / f"{found.split}.csv"
    write_text(path, as_csv(found))
    return [path]


def as_csv(found: Predictions) -> str:
    """UTF-8 text in which every text is in quotes and no number is.

    >>> print(as_csv(Predictions("test", ("id", "fusion"), (("-1", 1), ("=A1", 0.5)))), end="")
    "id","fusion"
    "-1",1
    "'=A1",0.5
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    for row in (found.columns, *found.rows):
        writer.writerow([guarded(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()


def guarded(text: str) -> str:
    """The text with nothing in it that runs; a plain number such as -1 is none.

    >>> guarded("=1+1"), guarded("'=1"), guarded("'tis"), guarded("-0.5"), guarded("-x")
    ("'=1+1", "''=1", "'tis", '-0.5', "'-x")
    """
    seen = visible(text)
    return f"'{seen}" if _RUNS.match(seen) and not _NUMBER.fullmatch(seen) else seen
