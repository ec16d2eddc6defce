"""What prompted models answered, side by side, a row an item."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq

from tunewise.reports.evidence import Evidence
from tunewise.reports.tables import Cell, Table

METHOD = "prompt"


def prompting(evidence: Evidence) -> Table:
    """Each item with its right answer and, of each prompt, answer, probability and text.

    On the split that decides, with the first seed of each contender. Where a text named no label,
    the answer is the likeliest one, and `understood` says false.
    """
    texts = evidence.texts(evidence.split)
    header = ["id", *next(iter(texts.values()), {}), "right"]
    rows: dict[str, list[Cell]] = {}
    for contender in evidence.contenders:
        if contender.method != METHOD or not contender.finished:
            continue
        path = contender.finished[0].predictions(evidence.split)
        answers = [] if path is None else pq.read_table(path).to_pylist()
        if not answers:
            continue
        parts = ("answer", "probability", "text", "understood")
        header += [f"{contender.name}: {part}" for part in parts]
        for answer in answers:
            label, id = answer["label"], answer["id"]
            right = None if label is None else evidence.option(label)
            start = [id, *texts.get(id, {}).values(), right]
            rows.setdefault(id, start).extend(_cells(evidence, answer))
    whole = [tuple(row) for row in rows.values() if len(row) == len(header)]
    return Table("prompting", "Prompts side by side", tuple(header), tuple(whole))


def _cells(evidence: Evidence, answer: dict[str, Any]) -> list[Cell]:
    choice = answer["choice"]
    weighed = answer["understood"] and not answer["text"]  # nothing was to be written
    understood = None if weighed else str(answer["understood"]).lower()
    return [
        evidence.option(choice),
        answer["probabilities"][choice],
        answer["text"] or None,
        understood,
    ]
