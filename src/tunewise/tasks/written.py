"""Written answers, each scored against its references, as the table that a trial stores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from torch import nn

from tunewise.data.examples import Example, Prediction, Written
from tunewise.data.table import Row
from tunewise.decoding.generate import generate
from tunewise.decoding.strategies import Strategy
from tunewise.statistics import squad
from tunewise.statistics.conversed import Format, conversed
from tunewise.statistics.metrics import CONVERSED, SUMMED, WRITTEN
from tunewise.tasks.base import Asking, Batch
from tunewise.tasks.language import rows_of, token_losses

ENDED = {"end", "stop"}  # by a token or a text that was asked for, not by a limit or in a loop
NOTHING_FITS = Written("", 0, "", 0, "length")

FIRST = [
    ("id", pa.string()),
    ("strategy", pa.string()),
    ("sample", pa.int32()),
    ("answer", pa.string()),
    ("references", pa.list_(pa.string())),
    ("tokens", pa.int32()),
    ("stopped", pa.string()),
]
LOSS = [("loss", pa.float64()), ("targets", pa.int32())]
TABLE = pa.schema([*FIRST, *((name, pa.float64()) for name in WRITTEN), *LOSS])
CHAT_SCORES = (*CONVERSED[1:], *SUMMED)  # bits per byte are made of the two last
CHAT_TABLE = pa.schema([*FIRST, *((name, pa.float64()) for name in CHAT_SCORES), *LOSS])
BITS = 1 / math.log(2)  # in a nat
UNWRITTEN = Written("", 0, "", 0, "")  # where an answer was only weighed


def predictions(
    module: nn.Module, batch: Batch, asking: Asking, ways: Sequence[Strategy]
) -> list[Prediction]:
    """The loss of each right answer, and what is written in its place in each of these ways."""
    rows = len(batch.ids)
    totals, counts = np.zeros(rows), np.zeros(rows, dtype=int)
    if batch.targets:
        losses, _ = token_losses(module, batch)
        np.add.at(totals, rows_of(batch), losses.double().cpu().numpy())
        np.add.at(counts, rows_of(batch), 1)
    written = _written(module, batch, asking, ways) if ways else [()] * rows
    return [
        Prediction(
            id,
            loss=float(totals[row]) if counts[row] else None,
            written=written[row],
            targets=int(counts[row]),
        )
        for row, id in enumerate(batch.ids)
    ]


def _written(
    module: nn.Module, batch: Batch, asking: Asking, ways: Sequence[Strategy]
) -> list[tuple[Written, ...]]:
    """What was written for each row: way by way, sample by sample."""
    fitting = [row for row, prompt in enumerate(batch.prompts) if prompt]
    answers: list[tuple[Written, ...]] = [
        tuple(
            NOTHING_FITS._replace(strategy=way.label, sample=sample)
            for way in ways
            for sample in range(way.samples)
        )
    ] * len(batch.ids)
    if not fitting:
        return answers
    with asking.phase("generation" if len(ways) == 1 else "every_way"):
        found = generate(
            module,
            asking.tokenizer,
            [batch.prompts[row] for row in fitting],
            ways,
            keys=[batch.ids[row] for row in fitting],
            seed=asking.seed,
        )
    for place, row in enumerate(fitting):
        answers[row] = tuple(
            Written(way.label, sample, one.text.strip(), one.tokens, one.stopped)
            for way, texts in zip(ways, found, strict=True)
            for sample, one in enumerate(texts[place])
        )
    return answers


def answers_table(predictions: Sequence[Prediction], examples: Sequence[Example]) -> pa.Table:
    """One row an answer, the one that counts first of its example."""
    return pa.Table.from_pylist(list(_rows(predictions, examples)), schema=TABLE)


def conversed_table(
    predictions: Sequence[Prediction], examples: Sequence[Example], form: Format | None
) -> pa.Table:
    """Answers in conversations; where none was written, a row whose scores of it are null."""
    rows = _conversed_rows(predictions, examples, form)
    return pa.Table.from_pylist(list(rows), schema=CHAT_TABLE)


def mean_loss(predictions: Sequence[Prediction]) -> float | None:
    """Over the tokens of the right answers, in nats; None where no answer is known."""
    known = [one for one in predictions if one.loss is not None]
    targets = sum(one.targets for one in known)
    return sum(one.loss or 0.0 for one in known) / targets if targets else None


def scored(answer: str, references: Sequence[str]) -> dict[str, float]:
    """SQuAD's two metrics of one answer, as fractions."""
    return {
        "exact_match": squad.exact_match(answer, references),
        "f1": squad.f1(answer, references),
    }


def _conversed_rows(
    predictions: Sequence[Prediction], examples: Sequence[Example], form: Format | None
) -> Iterator[Row]:
    for prediction, example in zip(predictions, examples, strict=True):
        reference = (example.references or ("",))[0]
        bits = None if prediction.loss is None else prediction.loss * BITS
        of_reference = {"bits": bits, "bytes": float(len(reference.encode(errors="replace")))}
        for one in prediction.written or (UNWRITTEN,):
            of_written = {}
            if prediction.written:
                of_written = conversed(one.text, reference, form)
                of_written["ended_itself"] = float(one.stopped in ENDED)
            yield {
                **_first(prediction, example, one),
                **of_written,
                **of_reference,
                "loss": prediction.loss,
                "targets": prediction.targets,
            }


def _first(prediction: Prediction, example: Example, one: Written) -> Row:
    return {
        "id": prediction.id,
        "strategy": one.strategy,
        "sample": one.sample,
        "answer": one.text,
        "references": list(example.references or ()),
        "tokens": one.tokens,
        "stopped": one.stopped,
    }


def _rows(predictions: Sequence[Prediction], examples: Sequence[Example]) -> Iterator[Row]:
    for prediction, example in zip(predictions, examples, strict=True):
        for one in prediction.written:
            yield {
                **_first(prediction, example, one),
                **scored(one.text, example.references or ()),
                "loss": prediction.loss,
                "targets": prediction.targets,
            }
