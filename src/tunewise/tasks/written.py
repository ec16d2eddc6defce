"""Written answers, each scored against its references, as the table that a trial stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from tunewise.data.examples import Example, Prediction
from tunewise.data.table import Row
from tunewise.statistics import squad

TABLE = pa.schema(
    [
        ("id", pa.string()),
        ("strategy", pa.string()),
        ("sample", pa.int32()),
        ("answer", pa.string()),
        ("references", pa.list_(pa.string())),
        ("tokens", pa.int32()),
        ("stopped", pa.string()),
        ("exact_match", pa.float64()),
        ("f1", pa.float64()),
        ("loss", pa.float64()),
        ("targets", pa.int32()),
    ]
)


def answers_table(predictions: Sequence[Prediction], examples: Sequence[Example]) -> pa.Table:
    """One row an answer, the one that counts first of its example."""
    return pa.Table.from_pylist(list(_rows(predictions, examples)), schema=TABLE)


def scored(answer: str, references: Sequence[str]) -> dict[str, float]:
    """SQuAD's two metrics of one answer, as fractions."""
    return {
        "exact_match": squad.exact_match(answer, references),
        "f1": squad.f1(answer, references),
    }


def _rows(predictions: Sequence[Prediction], examples: Sequence[Example]) -> Iterator[Row]:
    for prediction, example in zip(predictions, examples, strict=True):
        references = list(example.references or ())
        for one in prediction.written:
            yield {
                "id": prediction.id,
                "strategy": one.strategy,
                "sample": one.sample,
                "answer": one.text,
                "references": references,
                "tokens": one.tokens,
                "stopped": one.stopped,
                **scored(one.text, references),
                "loss": prediction.loss,
                "targets": prediction.targets,
            }
