"""Answering a question about a context by writing the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
from torch import nn

from tunewise.backbones.load import build_writer
from tunewise.backbones.model import Model
from tunewise.backbones.shapes import build_writer_shape
from tunewise.backbones.texts import PromptReader, tokens
from tunewise.core.errors import InputError
from tunewise.data.examples import Example, Prediction, Written
from tunewise.data.question_types import question_word
from tunewise.data.sources import Data
from tunewise.data.spans import first_start, settled_answers
from tunewise.data.table import Row
from tunewise.decoding.generate import generate
from tunewise.decoding.strategies import Strategy
from tunewise.statistics import squad
from tunewise.statistics.metrics import WRITTEN, Columns, scores_of
from tunewise.tasks.base import TASKS, Asking, Batch, Encoded, Form, Loss, LossOn, Settled, Task
from tunewise.tasks.language import padded, rows_of, token_losses
from tunewise.tasks.prompts import Asked, Prompted, Template, prompts
from tunewise.tasks.ways import strategy
from tunewise.tasks.written import answers_table, scored

BETWEEN = " "  # prompt and answer; it belongs to the answer, whose first token begins with it
WORD = "question_word"  # a column of the prepared rows: what, who, when, ...
NOTHING_FITS = Written("", 0, "", 0, "length")


@TASKS.register("question-answering")
@dataclass(frozen=True)
class QuestionAnswering(Task):
    """A model writes the answer to a question about a context, as in SQuAD.

    Where prompt and answer are too long only the context is shortened: around the answer in
    training, to its beginning in evaluation. The first way of decoding counts.
    """

    context: str = "context"
    question: str = "question"
    answers: str = "answers"  # {text: [...], answer_start: [...]}, a text, or a list of texts
    prompt: str = "Context: {context}\nQuestion: {question}\nAnswer:"
    max_length: int | None = None  # tokens of prompt and answer; None: training.max_length
    loss_on: LossOn = "answer"  # all: the prompt is learnt too; training.loss_on has its way first
    decoding: tuple[str, ...] = ("greedy",)  # greedy, beam 4, top-k 10, top-p 0.9, temperature 0.7
    samples: int = 1  # answers written by each way of decoding that draws
    max_new_tokens: int = 32
    metrics: tuple[str, ...] = ("f1", "exact_match")

    form: ClassVar[Form] = "write"

    def __post_init__(self) -> None:
        Template(self.prompt)
        for name in ("samples", "max_new_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: a whole number from 1 up.")
        if self.max_length is not None and self.max_length <= self.max_new_tokens:
            raise ValueError(
                f"max_length = {self.max_length}: must leave room for a prompt before "
                f"max_new_tokens = {self.max_new_tokens}."
            )
        if not self.metrics:
            raise ValueError("metrics = []: at least one metric; the first one chooses.")
        if not self.decoding:
            raise ValueError("decoding = []: at least one way, such as greedy.")
        labels = [way.label for way in self.strategies]
        for label in labels:
            if labels.count(label) > 1:
                raise ValueError(f"decoding = {label}: stands twice.")

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        """The ways of decoding; those that draw do so `samples` times."""
        ways = (strategy(words, self.max_new_tokens) for words in self.decoding)
        return tuple(
            replace(way, samples=self.samples) if way.kind == "sample" else way for way in ways
        )

    def unread(self) -> dict[str, str]:
        if any(way.kind == "sample" for way in self.strategies):
            return {}
        ways = ", ".join(self.decoding)
        return {"samples": f"{ways} draws nothing, and writes the same answer each time"}

    def columns(self) -> tuple[str, ...]:
        return (self.context, self.question, self.answers)

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.question, self.context)

    @property
    def answer_column(self) -> str:
        return self.answers

    @property
    def stratum(self) -> str | None:
        return None

    def settle(self, data: Data) -> Settled:
        kept, facts, notes = settled_answers(
            data.splits, context=self.context, answers=self.answers
        )
        kept = {
            name: [{WORD: question_word(row[self.question]), **row} for row in rows]
            for name, rows in kept.items()
        }
        splits = {
            name: [
                {column: row[column] for column in ("id", *self.columns())}
                | {WORD: question_word(row[self.question])}
                for row in rows
            ]
            for name, rows in kept.items()
        }
        counts = {
            name: {
                "with an answer": len(rows) - facts[name]["without_answer"],
                "without an answer": facts[name]["without_answer"],
            }
            for name, rows in splits.items()
        }
        data = replace(data, splits=kept, notes=(*data.notes, *notes))
        return Settled(data, splits, counts=counts, facts=facts)

    def read(self, row: Row) -> Example:
        context, answers = str(row[self.context]), row[self.answers]
        texts = tuple(answers["text"]) or ("",)
        return Example(
            str(row["id"]),
            (str(row[self.question]), context),
            references=texts,
            start=first_start(context, answers),
        )

    def example(self, id: str, text: str) -> Example:
        return Example(id, (text, text), references=(text,), start=0)

    def build(
        self,
        source: str,
        *,
        options: Sequence[str] = (),
        seed: int,
        revision: str | None = None,
        dropout: float | None = None,
    ) -> Model:
        return build_writer(source, seed=seed, revision=revision, dropout=dropout)

    def shape(
        self,
        folders: Sequence[Path],
        *,
        options: Sequence[str] = (),
        dropout: float | None = None,
        device: str = "meta",
    ) -> Model:
        return build_writer_shape(folders[0], dropout=dropout, device=device)

    def prompted(self, example: Example) -> str:
        return Template(self.prompt).filled(*example.texts)

    def wanted_length(self, asked: int | None) -> int:
        return min(self.max_length or asked or 512, asked or self.max_length or 512)

    def limit(self, asked: int | None, model: Model) -> int:
        """Raises InputError where that leaves no room for a prompt."""
        limit = super().limit(asked, model)
        if limit <= self.max_new_tokens:
            raise InputError(
                f"max_new_tokens = {self.max_new_tokens} leaves no room for a prompt in {limit} "
                "tokens (max_length, training.max_length, and what the model can take)."
            )
        return limit

    def lengths(self, texts: Sequence[tuple[str, ...]], coder: Any) -> list[int]:
        """Tokens of the prompts, with those that an answer may have."""
        filled_with = [(question, context) for question, context in texts]
        found = Template(self.prompt).tokens(PromptReader(coder, self.prompt), filled_with)
        return [len(ids) + self.max_new_tokens for ids in found]

    def encode(self, examples: Sequence[Example], coder: Any, *, max_length: int) -> list[Encoded]:
        """Every example; of a context that is too long the beginning stays.

        There is always room for `max_new_tokens`. An example whose question does not fit has no
        prompt, and gets no answer.
        """
        endings = self._endings(examples, coder)
        spare = [max(self.max_new_tokens, len(ids)) for ids in endings]
        asked = [
            _asked(example, max_length - room)
            for example, room in zip(examples, spare, strict=True)
        ]
        made = prompts(coder, Template(self.prompt), asked)
        return [
            _encoded(example.id, prompt, ending, coder.eos_token_id, spare=room)
            for example, prompt, ending, room in zip(examples, made, endings, spare, strict=True)
        ]

    def encode_training(
        self, examples: Sequence[Example], coder: Any, *, max_length: int
    ) -> list[Encoded]:
        """The examples whose answer fits together with where it stands in the context."""
        known = [example for example in examples if example.references is not None]
        endings = self._endings(known, coder)
        asked = [
            _asked(example, max_length - len(ids), keep=_answer_span(example))
            for example, ids in zip(known, endings, strict=True)
        ]
        made = prompts(coder, Template(self.prompt), asked)
        encoded = [
            _encoded(example.id, prompt, ending, coder.eos_token_id, spare=len(ending))
            for example, prompt, ending in zip(known, made, endings, strict=True)
            if prompt is not None
        ]
        return encoded if self.loss_on == "answer" else [one._replace(prompt=0) for one in encoded]

    def learning(self, loss_on: LossOn | None) -> Self:
        return self if loss_on is None else replace(self, loss_on=loss_on)

    def fits(self, encoded: Encoded) -> bool:
        return encoded.prompt > 0

    def _endings(self, examples: Sequence[Example], coder: Any) -> list[list[int]]:
        """The tokens of each first reference with the blank before and the end after it.

        No answer is the end alone; where none is known there are no tokens.
        """
        texts = [example.references[0] if example.references else "" for example in examples]
        found = tokens(coder, [BETWEEN + text if text else "" for text in texts])
        return [
            [] if example.references is None else [*ids, coder.eos_token_id]
            for example, ids in zip(examples, found, strict=True)
        ]

    def collate(self, encoded: Sequence[Encoded], coder: Any) -> Batch:
        return padded(encoded, coder.pad_token_id)

    def loss(self, module: nn.Module, batch: Batch) -> Loss:
        losses, right = token_losses(module, batch)
        return Loss(losses.sum(), int(right.sum()))

    def predict(self, module: nn.Module, batch: Batch, asking: Asking) -> list[Prediction]:
        rows = len(batch.ids)
        totals, counts = np.zeros(rows), np.zeros(rows, dtype=int)
        if batch.targets:
            losses, _ = token_losses(module, batch)
            np.add.at(totals, rows_of(batch), losses.double().cpu().numpy())
            np.add.at(counts, rows_of(batch), 1)
        written = self._written(module, batch, asking)
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
        self, module: nn.Module, batch: Batch, asking: Asking
    ) -> list[tuple[Written, ...]]:
        """What was written for each row: way by way, sample by sample."""
        ways = self.strategies if asking.thorough else self.strategies[:1]
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
                asking.coder,
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

    def score(
        self, predictions: Sequence[Prediction], examples: Sequence[Example]
    ) -> dict[str, float | None]:
        """The scores of the first way's first answers; the loss is a mean over tokens."""
        each = [
            scored(str(prediction.answer), example.references or ())
            for prediction, example in zip(predictions, examples, strict=True)
        ]
        right = np.array([one["exact_match"] for one in each], dtype=np.int64)
        told = {name: np.array([one[name] for one in each]) for name in WRITTEN}
        columns = Columns(np.ones_like(right), right, scores=told)
        known = [one for one in predictions if one.loss is not None]
        targets = sum(one.targets for one in known)
        loss = sum(one.loss or 0.0 for one in known) / targets if targets else None
        return {**scores_of(columns, self.metrics), "loss": loss}

    def is_right(self, prediction: Prediction, example: Example) -> bool:
        return squad.exact_match(str(prediction.answer), example.references or ()) == 1

    def table(self, predictions: Sequence[Prediction], examples: Sequence[Example]) -> pa.Table:
        """One row an answer, the one that counts first of its example.

        `loss` in nats, summed over the `targets` tokens of the first reference.
        """
        return answers_table(predictions, examples)


def _asked(example: Example, room: int, keep: tuple[int, int] | None = None) -> Asked:
    question, context = example.texts
    return Asked(question, context, room, keep)


def _answer_span(example: Example) -> tuple[int, int] | None:
    if example.start is None or not example.references:
        return None
    return example.start, example.start + len(example.references[0])


def _encoded(
    id: str, prompt: Prompted | None, ending: Sequence[int], end: int, *, spare: int
) -> Encoded:
    if prompt is None:
        return Encoded(id, {"input_ids": [end]}, None, 1 << 30, prompt=0)
    ids = [*prompt.ids, *ending]
    return Encoded(id, {"input_ids": ids}, None, prompt.full_length + spare, len(prompt.ids))
