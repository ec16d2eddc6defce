"""Generated texts that say nothing or never end, as those of a model asked in a wrong form do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import pyarrow.parquet as pq

from tunewise.core.canonical import JSONObject
from tunewise.core.format import percent
from tunewise.core.sanitize import shown
from tunewise.reports.facts.evidence import Contender, Evidence

MOST = 0.5  # a fraction of the texts from which on it is a fault of asking, not of an answer
UNENDED = ("length", "loop")
ASKED = "id", "text", "answer", "stopped", "strategy", "sample", "references"


@dataclass(frozen=True)
class Unfinished:
    """Fractions of a contender's texts, those that count, over all seeds."""

    contender: str
    position: int
    texts: int
    empty: float
    unended: float  # that ended at the limit or in a loop

    @property
    def sentence(self) -> str:
        parts = []
        if self.empty > MOST:
            parts.append(f"{percent(self.empty)} % are empty")
        if self.unended > MOST:
            parts.append(f"{percent(self.unended)} % never stop")
        return (
            f"Of the {self.texts:,} texts that {shown(self.contender)} generated "
            f"{' and '.join(parts)}: is the model asked in the form that it was trained on, with "
            "room for an answer?"
        )


def unfinished(evidence: Evidence) -> list[Unfinished]:
    """The contenders most of whose texts are empty or do not end, on the deciding split."""
    found = (_of(contender, evidence.split) for contender in evidence.contenders)
    return [one for one in found if one and max(one.empty, one.unended) > MOST]


def _of(contender: Contender, split: str) -> Unfinished | None:
    rows = [row for trial in contender.finished for row in _stored(trial.predictions(split))]
    if not rows:
        return None
    return Unfinished(
        contender.name,
        contender.position,
        len(rows),
        fmean(not _text(row).strip() for row in rows),
        fmean(row["stopped"] in UNENDED for row in rows),
    )


def _stored(path: object) -> Sequence[JSONObject]:
    """The generated texts that count and to which an answer is known; prompts only weighed have
    none.
    """
    names = pq.read_schema(path).names if path is not None else []
    if "stopped" not in names:
        return []
    rows = pq.read_table(path, columns=[name for name in ASKED if name in names]).to_pylist()
    if "references" not in names:
        return [row for row in rows if row["stopped"]]
    first = rows[0]["strategy"] if rows else None
    return [
        row
        for row in rows
        if row["strategy"] == first and row["sample"] == 0 and any(row["references"] or ())
    ]


def _text(row: JSONObject) -> str:
    return str(row["answer"] if "answer" in row else row["text"] or "")
