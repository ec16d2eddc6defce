"""Going on with a conversation: what instruct models are tuned to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pyarrow as pa
from torch import nn

from tunewise.backbones.chat import Chat, ChatReader, Turn
from tunewise.backbones.conversation import (
    ConversationReader,
    Fault,
    Marked,
    conversation_form,
)
from tunewise.core.canonical import JSONObject
from tunewise.core.errors import InputError, Problem, SettingError
from tunewise.core.format import first_of, plural
from tunewise.core.settings import setting
from tunewise.data.conversations import (
    ANSWER,
    CONVERSATION,
    TURNS,
    Columns,
    Said,
    as_text,
    said,
    shaped,
)
from tunewise.data.examples import Example, Prediction
from tunewise.data.sources import Data
from tunewise.data.table import Row, Splits
from tunewise.decoding.strategies import Strategy
from tunewise.statistics.conversed import Format
from tunewise.statistics.metrics import CONVERSED, SUMMED, scores_of, upward
from tunewise.statistics.metrics import Columns as Answered
from tunewise.tasks.base import (
    TASKS,
    Asking,
    Batch,
    Encoded,
    LossOn,
    Reading,
    Settled,
    Task,
    Writing,
)
from tunewise.tasks.language import WrittenTask
from tunewise.tasks.written import conversed_table, mean_loss, predictions

METRICS = (
    "bits_per_byte",
    "exact_match",
    "normalized_match",
    "ended_itself",
    "answer_characters",
)
NOT_WRITTEN = {"bits_per_byte"}  # metrics for which nothing has to be generated


@dataclass(frozen=True)
class Conversing(Writing):
    """The answer is the assistant's next turn, in the form of the model's chat template."""

    def reader(self, tokenizer: Any) -> ChatReader:
        turns = () if self.system is None else (Turn("system", self.system),)
        return ChatReader(tokenizer, turns, self.form(tokenizer))

    def form(self, tokenizer: Any) -> str | None:
        return conversation_form(tokenizer, self.chat)

    def turns(self, example: Example, tokenizer: Any) -> tuple[tuple[str, str], ...]:
        return self.said(example)

    def said(self, example: Example) -> tuple[tuple[str, str], ...]:
        """Who said what before the answer, the system's turn included."""
        before = said_in(example)
        if self.system is not None and before[0][0] != "system":
            return (("system", self.system), *before)
        return before

    def prompt(self, example: Example) -> str:
        return as_text([Said(*turn) for turn in said_in(example)])

    def prompt_tokens(self, tokenizer: Any, texts: Sequence[tuple[str, ...]]) -> list[int]:
        reader = self.reader(tokenizer)
        return list(map(len, reader.ids([reader.text(text) for (text,) in texts])))


@TASKS.register("chat")
@dataclass(frozen=True)
class Conversations(WrittenTask):
    """A model goes on with a conversation: what the assistant says next.

    In training the loss is over the turns of the assistant, each with the token that ends it. Which
    tokens these are is derived by rendering the beginnings of each conversation with the model's
    own chat template, and proven row by row. In evaluation the last answer of each conversation
    counts, asked with all that was said before it. Of a conversation that is too long the oldest
    turns are left out.
    """

    description = (
        "Each example is a conversation; the model says the assistant's next turn, in the form of "
        "its chat template. The loss is over the tokens of the assistant's turns and of what ends "
        "them. Scores are of the last turn of each conversation: the bits that the model needs "
        "for the right answer and its end, by the bytes of its text, which compares models with "
        "different tokenizers; and of the answer that it generates, of {limit} tokens at most, "
        "whether it is the right one as it stands (exact match) or without case, punctuation and "
        "articles (normalized match), and whether it ended by itself."
    )

    messages: str = setting(
        "messages",
        "The column of the conversations: lists of {role, content}, or of {from, value}.",
    )
    prompt: str | None = setting(
        None, "Instead of messages: the column of what the user says, such as instruction."
    )
    input: str | None = setting(
        None, "A column that is put behind the prompt where it is not empty, as Alpaca's input."
    )
    completion: str | None = setting(
        None, "The column of the answer to the prompt, such as completion or output."
    )
    system: str | None = setting(
        None, "The system's turn of conversations that have none of their own."
    )
    loss_on: LossOn = setting(
        "answer",
        "Tokens that the loss is over: answer, all turns of the assistant; last, its last turn; "
        "all, the whole conversation. training.loss_on goes before.",
    )
    max_length: int | None = setting(
        None, "Tokens of a conversation. If unset, as training.max_length."
    )
    decoding: tuple[str, ...] = setting(
        ("greedy",),
        "Decoding strategies, the first of which counts: greedy, beam 4, top-k 10, top-p 0.9, "
        "temperature 0.7.",
    )
    samples: int = setting(1, "Answers generated by each strategy that samples.")
    max_new_tokens: int = setting(128, "Most tokens of a generated answer.")
    stop: tuple[str, ...] = setting((), "Texts that end an answer, beside the model's end token.")
    chat: Chat = setting(
        "auto",
        "Use the chat template of the tokenizer; `auto` does where there is one. Without it a "
        "plain form names who speaks.",
    )
    json_schema: JSONObject | None = setting(
        None,
        "A JSON Schema that answers should fit; {} for any JSON. It gives the metric well_formed.",
    )
    pattern: str | None = setting(
        None, "A regular expression that whole answers should match. It gives well_formed too."
    )
    known_metrics = CONVERSED
    proves_rows = True
    metrics: tuple[str, ...] = setting(
        (),
        "Metrics to report; the first one chooses epochs and search points. If unset, "
        f"{', '.join(METRICS)}, and well_formed where json_schema or pattern is given.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, other in (
            ("prompt", "completion"),
            ("completion", "prompt"),
            ("input", "prompt"),
        ):
            if getattr(self, name) is not None and getattr(self, other) is None:
                raise SettingError(name, getattr(self, name), f"goes with {other}, which is unset.")
        form = self._format  # refuses a schema or a pattern that is none
        if not self.metrics:
            named = (*METRICS, "well_formed") if form else METRICS
            object.__setattr__(self, "metrics", named)  # frozen
        elif "well_formed" in self.metrics and not form:
            right = "well_formed needs the form: json_schema or pattern."
            raise SettingError("metrics", self.metrics, right)

    @property
    def _format(self) -> Format | None:
        if self.json_schema is None and self.pattern is None:
            return None
        return Format.of(self.json_schema, self.pattern)

    @property
    def columns(self) -> Columns:
        return Columns(self.messages, self.prompt, self.input, self.completion)

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        return tuple(replace(way, stop=self.stop) for way in super().strategies)

    def unread(self) -> dict[str, str]:
        found = super().unread()
        if self.prompt is not None:
            found["messages"] = "prompt and completion are the conversations"
        return found

    @property
    def reading(self) -> Reading:
        return Reading(
            self.columns.names,
            (CONVERSATION,),
            answer=ANSWER,
            stratum=None,
            shape=self._shape,
            given=self._given,
            given_in=self.columns.asked_in,
        )

    def _shape(self, splits: Splits) -> Splits:
        return shaped(splits, self.columns)

    def _given(self, row: Row) -> Example:
        turns = self.columns.asked(row)
        return Example(str(row["id"]), (as_text(turns),), turns=turns)

    @property
    def has_one_way(self) -> bool:
        """Not where epochs are chosen without answers that are written."""
        return super().has_one_way and self.metrics[0] not in NOT_WRITTEN

    @property
    def writing(self) -> Conversing:
        return Conversing(
            self.strategies,
            self.max_new_tokens,
            self.loss_on,
            self.max_length,
            self.chat,
            self.system,
        )

    def settle(self, data: Data) -> Settled:
        splits = {
            name: [
                {column: row[column] for column in ("id", CONVERSATION, ANSWER, TURNS)}
                for row in rows
            ]
            for name, rows in data.splits.items()
        }
        counts = {
            name: {
                "conversations": len(rows),
                "answers": sum(turn["role"] == "assistant" for row in rows for turn in row[TURNS]),
            }
            for name, rows in splits.items()
        }
        return Settled(data, splits, counts=counts)

    def read(self, row: Row) -> Example:
        turns = said(row[TURNS])[:-1]
        return Example(
            str(row["id"]), (str(row[CONVERSATION]),), references=(str(row[ANSWER]),), turns=turns
        )

    def encode(
        self,
        examples: Sequence[Example],
        processor: Any,
        *,
        max_length: int,
        learning: bool = False,
    ) -> list[Encoded]:
        """Every conversation to be answered; or, for `learning`, those that fit with an answer.

        Raises:
            InputError: the model's chat template does not let answers be told from the rest.
        """
        known = [one for one in examples if one.references or not learning]
        spare = 0 if learning else self.max_new_tokens
        marked, whole = self._marked(known, processor, max_length, spare, learning=learning)
        found = []
        for example, one, length in zip(known, marked, whole, strict=True):
            if one is None:
                if not learning:
                    nothing = {"input_ids": [processor.eos_token_id]}
                    found.append(Encoded(example.id, nothing, None, length, fits=False))
                continue
            begin, end = one.answers[-1]
            ids, learned = one.ids[:end], one.answers if learning else one.answers[-1:]
            if example.references is None:
                ids, learned = ids[:begin], ((begin, begin),)
            elif learning and self.loss_on == "all":
                ids, learned = one.ids, ((0, len(one.ids)),)
            found.append(
                Encoded(example.id, {"input_ids": ids}, None, length, begin, learned=learned)
            )
        return found

    def _marked(
        self,
        examples: Sequence[Example],
        processor: Any,
        max_length: int,
        spare: int,
        *,
        learning: bool,
    ) -> tuple[list[Marked | None], list[int]]:
        """What fits of each conversation, None where not even its last answer does, and how long
        it is with nothing left out.

        `spare` tokens stay free behind the last question.
        """
        reader = ConversationReader(self.writing.reader(processor))
        last_only = not learning or self.loss_on == "last"
        turns = [self._turns(example) for example in examples]
        found: list[Marked | None] = [None] * len(examples)
        whole = [0] * len(examples)
        open_ = list(range(len(examples)))
        while open_:
            read = reader.read([turns[at] for at in open_], last_only=last_only)
            faults = [(examples[at].id, one) for at, one in zip(open_, read, strict=True)]
            refuse_faults([(id, one) for id, one in faults if isinstance(one, Fault)])
            left = []
            for at, one in zip(open_, read, strict=True):
                assert isinstance(one, Marked)
                begin, end = one.answers[-1]
                needed = begin + max(spare, end - begin)
                whole[at] = whole[at] or needed
                if needed <= max_length:
                    found[at] = one
                elif (fewer := _without_oldest(turns[at])) is not None:
                    turns[at] = fewer
                    left.append(at)
            open_ = left
        return found, whole

    def _turns(self, example: Example) -> list[Turn]:
        """The conversation with its answer; where none is known, with one in its place."""
        turns = [Turn(role, content) for role, content in self.writing.said(example)]
        answer = example.references[0] if example.references else "?"
        return [*turns, Turn("assistant", answer)]

    def showing(self, shown: Sequence[Example]) -> Task:
        if not shown:
            return self
        turns = [turn for example in shown for turn in self._turns(example)]
        settings = {field.name: getattr(self, field.name) for field in fields(Conversations)}
        before = tuple(turn for turn in turns if turn.role != "system")
        return _Showing(**settings, before=before)

    def predict(self, module: nn.Module, batch: Batch, asking: Asking) -> list[Prediction]:
        """Nothing is generated where only an epoch is chosen, by a score that needs no answer."""
        ways = self.strategies if asking.thorough else self.strategies[:1]
        if asking.choosing and self.metrics[0] in NOT_WRITTEN:
            ways = ()
        return predictions(module, batch, asking, ways)

    def example_scores(
        self, predictions: Sequence[Prediction], examples: Sequence[Example]
    ) -> list[float]:
        """The first metric of each answer where it is one of what was written."""
        metric = self.metrics[0]
        if metric in NOT_WRITTEN:
            return super().example_scores(predictions, examples)
        rows = self.table(predictions, examples).to_pylist()
        first = {row["id"]: row[metric] for row in reversed(rows)}
        return [upward(metric, first[example.id]) for example in examples]

    def score(
        self, predictions: Sequence[Prediction], examples: Sequence[Example]
    ) -> dict[str, float | None]:
        """The scores of the first way's first answers; the loss is a mean over tokens."""
        table = self.table(predictions, examples).to_pylist()
        first = list({row["id"]: row for row in reversed(table)}.values())
        known = [name for name in (*CONVERSED, *SUMMED) if name in first[0]]
        scores = {name: np.array([row[name] for row in first], np.float64) for name in known}
        right = np.nan_to_num(scores["exact_match"]).astype(np.int64)
        columns = Answered(np.ones_like(right), right, scores=scores)
        return {**scores_of(columns, self.metrics), "loss": mean_loss(predictions)}

    def table(self, predictions: Sequence[Prediction], examples: Sequence[Example]) -> pa.Table:
        """One row an answer, the one that counts first of its example.

        `loss` in nats, summed over the `targets` tokens of the right answer and its end; `bits` is
        the same in bits, over `bytes` of text. Where nothing was written, what is of a written
        answer is null.
        """
        return conversed_table(predictions, examples, self._format)


@dataclass(frozen=True)
class _Showing(Conversations):
    """Conversations behind others, which stand as earlier turns; the system's stays the first."""

    before: tuple[Turn, ...] = ()

    def _turns(self, example: Example) -> list[Turn]:
        turns = super()._turns(example)
        system = [turn for turn in turns[:1] if turn.role == "system"]
        return [*system, *self.before, *turns[len(system) :]]


def said_in(example: Example) -> tuple[tuple[str, str], ...]:
    """What was said before the answer: a text alone is the user's."""
    return example.turns or (("user", example.texts[-1]),)


def refuse_faults(faults: Sequence[tuple[str, Fault]]) -> None:
    """Report each reason with the rows that it concerns.

    Raises:
        InputError: there are faults.
    """
    kinds: dict[str, list[tuple[str, Fault]]] = {}
    for id, fault in faults:
        kinds.setdefault(fault.kind, []).append((id, fault))
    problems = []
    for alike in kinds.values():
        ids = [id for id, _ in alike]
        message = f"{alike[0][1].reason} So in {plural(len(ids), 'row')} ({first_of(ids)})."
        problems.append(Problem(f"row {ids[0]}", message))
    if problems:
        raise InputError(problems)


def _without_oldest(turns: Sequence[Turn]) -> list[Turn] | None:
    """The conversation without its oldest question and answer; None where only the last is left."""
    system = [turn for turn in turns[:1] if turn.role == "system"]
    rest = turns[len(system) :]
    return [*system, *rest[2:]] if len(rest) > 2 else None
