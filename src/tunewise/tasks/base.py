"""What a task is: it reads rows, makes batches, and says what the loss and the answer are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, NamedTuple

import pyarrow as pa
import torch
from torch import Tensor, nn

from tunewise.backbones.builder import Builder
from tunewise.backbones.chat import Chat, ChatReader, Turn, reader_of
from tunewise.backbones.texts import PromptReader
from tunewise.core.phases import Phase, unmeasured
from tunewise.core.registry import Registry
from tunewise.data.examples import Example, Prediction
from tunewise.data.labels import Labels
from tunewise.data.sources import Data, Shape
from tunewise.data.table import Row, Splits
from tunewise.decoding.strategies import Strategy
from tunewise.statistics.metrics import CHOSEN
from tunewise.tasks.prompts import Template

LossOn = Literal["answer", "last", "all"]
"""The tokens that a written answer's training loss is over: the answer's, or the prompt's too.
In a conversation the answers are all turns of the assistant, and `last` is the last one alone."""


Given = Callable[[Row], Example]
"""An example of a row of data that holds no answer."""


class Encoded(NamedTuple):
    """One example as token ids.

    `full_length` is its length in tokens before anything was cut off: batches are made by it, so
    that contenders with different limits see the same batches. Where a text is written, the
    first `prompt` tokens are what it is written after, and the rest is the right answer, unless
    `learned` says which stretches of tokens are.
    """

    id: str
    inputs: dict[str, list[int]]
    label: int | None
    full_length: int
    prompt: int = 0
    image: str = ""  # where it lies; "" without one, or where its vector is stored
    fits: bool = True  # whether there was room for what must not be cut
    learned: tuple[tuple[int, int], ...] = ()

    @property
    def length(self) -> int:
        return len(self.inputs["input_ids"])


@dataclass(frozen=True)
class Batch:
    """Examples padded to one length. `targets` counts what the summed loss sums over.

    Each has a row, but where they are packed: then some share one, and there are fewer rows.
    """

    ids: list[str]
    inputs: dict[str, Tensor]  # (rows, tokens) each
    labels: Tensor  # (rows,) options or (rows, tokens) tokens; -100 where nothing is asked
    targets: int
    real_tokens: int  # without padding
    padded_tokens: int  # all positions, padding included
    prompts: tuple[Sequence[int], ...] = ()  # where texts are written: what they are written after
    asked: Tensor | None = None  # (targets,) places, row after row, before a token to be learned

    def to(self, device: torch.device) -> Batch:
        inputs = {name: tensor.to(device) for name, tensor in self.inputs.items()}
        asked = None if self.asked is None else self.asked.to(device)
        return replace(self, inputs=inputs, labels=self.labels.to(device), asked=asked)


class Loss(NamedTuple):
    """The summed loss of a batch in nats, and how many targets were answered correctly."""

    total: Tensor
    correct: int


@dataclass(frozen=True)
class Asking:
    """How a model is asked. `thorough` is every strategy of the task, not the first alone.

    `choosing`: no more is wanted than the score that epochs and points are chosen by. `phase`
    measures ``generation``, an answer in the first way, or ``every_way``.
    """

    tokenizer: Any  # of transformers
    seed: int = 0  # of what is drawn while writing
    thorough: bool = False
    choosing: bool = False
    phase: Phase = unmeasured


@dataclass(frozen=True)
class Settled:
    """The data of a study once its right answers have been understood.

    `data` holds the rows that stay, as read; `splits` the same as the study's folder keeps them.
    `options` are the possible answers in their order, none where a text is written; `settings`
    is what a trial's task settings say beside the study file's.
    """

    data: Data
    splits: Splits
    options: tuple[str, ...] = ()
    labels: Labels | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)  # by split and kind of answer
    facts: dict[str, Any] = field(default_factory=dict)  # for the audit
    images: dict[str, bytes] = field(default_factory=dict)  # by the name rows know them by
    beside: tuple[str, ...] = ()  # columns of `data` that the study keeps and no trial reads


@dataclass(frozen=True)
class Reading:
    """The columns of the data that a task reads, by what they are to it."""

    columns: tuple[str, ...]  # that a row must have
    texts: tuple[str, ...]  # that the model reads, in the order of an example's texts
    answer: str  # of the right answers
    stratum: str | None  # whose distribution a split keeps, and which a row may lack
    image: str | None = None  # among `texts`, where one of them names an image
    image_folder: str = ""  # where the paths of images start, from the folder of the data
    shape: Shape | None = None  # makes texts and answer of the columns, where they are none
    given: Given | None = None  # likewise what is asked, of a row that is to be answered
    given_in: tuple[str, ...] = ()  # the columns that such a row has

    @property
    def words(self) -> tuple[str, ...]:
        """The columns of texts without that of the image."""
        return tuple(column for column in self.texts if column != self.image)


@dataclass(frozen=True)
class Writing(ABC):
    """How the answers of a task are written, by a model that goes on after a prompt."""

    strategies: tuple[Strategy, ...]  # the first of which counts
    max_new_tokens: int  # of an answer
    loss_on: LossOn
    max_length: int | None = None  # tokens of prompt and answer, where the task states it
    chat: Chat = "auto"
    system: str | None = None  # the system's turn, in a chat

    @abstractmethod
    def reader(self, tokenizer: Any) -> PromptReader | ChatReader:
        """What makes tokens of a question: in a chat as the user's turn, or plainly."""

    @abstractmethod
    def prompt(self, example: Example) -> str:
        """All that a model reads before it answers, as one text with nothing cut."""

    @abstractmethod
    def turns(self, example: Example, tokenizer: Any) -> tuple[tuple[str, str], ...]:
        """Roles and contents of what is said before the answer; none where a prompt is plain."""

    def form(self, tokenizer: Any) -> str | None:
        """The chat template that answers are written in, where the tokenizer has none of it."""
        return None

    @abstractmethod
    def prompt_tokens(self, tokenizer: Any, texts: Sequence[tuple[str, ...]]) -> list[int]:
        """How many tokens stand before each answer, by the texts of its example."""


@dataclass(frozen=True)
class Filled(Writing):
    """The prompt is a template that a question and its context are put into."""

    template: Template = field(kw_only=True)

    def reader(self, tokenizer: Any) -> PromptReader | ChatReader:
        turns = [] if self.system is None else [Turn("system", self.system)]
        return reader_of(tokenizer, self.template.text, self.chat, turns)

    def prompt(self, example: Example) -> str:
        return self.template.filled(*example.texts)

    def turns(self, example: Example, tokenizer: Any) -> tuple[tuple[str, str], ...]:
        reader = self.reader(tokenizer)
        if isinstance(reader, PromptReader):
            return ()
        return (*reader.before, Turn("user", self.prompt(example)))

    def prompt_tokens(self, tokenizer: Any, texts: Sequence[tuple[str, ...]]) -> list[int]:
        pairs = [(question, context) for question, context in texts]
        return list(map(len, self.template.tokens(self.reader(tokenizer), pairs)))


class Task(ABC):
    """What is asked of a model. A task knows no method; its fields are its settings.

    `description` is what the method section of a paper says of it, as of a method; a report puts
    what a study has in the place of ``{columns}``, ``{labels}``, ``{prompt}`` and ``{limit}``.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    description: ClassVar[str] = ""
    known_metrics: ClassVar[tuple[str, ...]] = CHOSEN
    proves_rows: ClassVar[bool] = (
        False  # whether `encode` refuses rows by what a model makes of them
    )
    metrics: tuple[str, ...]

    def unread(self) -> Mapping[str, str]:
        """The settings that mean nothing beside the others, each with the reason."""
        return {}

    @property
    @abstractmethod
    def reading(self) -> Reading:
        """What it reads of the data."""

    @property
    def writing(self) -> Writing | None:
        """How its answers are written; None where one of a few options is chosen."""
        return None

    @property
    def has_one_way(self) -> bool:
        """Whether an answer asked for in every way is the one that counts alone."""
        return self.writing is None or len(self.writing.strategies) == 1

    @property
    def builder(self) -> Builder:
        """The kind of model that gives its answers."""
        return Builder(form="write" if self.writing else "choose")

    # From rows to examples.

    @abstractmethod
    def settle(self, data: Data) -> Settled:
        """Understand the right answers in the data.

        Raises:
            InputError: all that is wrong with them.
        """

    @abstractmethod
    def read(self, row: dict[str, Any]) -> Example:
        """The example in a prepared row; options are already positions."""

    def showing(self, shown: Sequence[Example]) -> Task:
        """The task as it is asked behind examples with their answers.

        Raises:
            TypeError: it shows none.
        """
        if shown:
            raise TypeError(f"task '{self.name}' shows no examples")
        return self

    # Between examples and the model.

    @abstractmethod
    def encode(
        self,
        examples: Sequence[Example],
        processor: Any,
        *,
        max_length: int,
        learning: bool = False,
    ) -> Sequence[Encoded]:
        """Every example to be answered; or, for `learning`, those that it can learn from."""

    @abstractmethod
    def collate(self, encoded: Sequence[Encoded], processor: Any) -> Batch: ...

    def packed(self, encoded: Sequence[Encoded], processor: Any) -> Batch:
        """A batch to learn from in which short examples share a row, and none sees another.

        Raises:
            TypeError: its answers are read off a row, so each example has its own.
        """
        raise TypeError(f"task '{self.name}' has a row for each example")

    @abstractmethod
    def loss(self, module: nn.Module, batch: Batch) -> Loss: ...

    @abstractmethod
    def predict(self, module: nn.Module, batch: Batch, asking: Asking) -> list[Prediction]: ...

    # What the answers are worth.

    @abstractmethod
    def score(
        self, predictions: Sequence[Prediction], examples: Sequence[Example]
    ) -> dict[str, float | None]:
        """The task's metrics, and the mean loss in nats, of predictions in the examples' order."""

    def comparable_losses(
        self, predictions: Sequence[Prediction], examples: Sequence[Example]
    ) -> list[float]:
        """By what settings are compared while they train: a loss of each labeled example, in nats.

        Not finite where the training has diverged.
        """
        return [one.loss for one in predictions if one.loss is not None]

    def example_scores(
        self, predictions: Sequence[Prediction], examples: Sequence[Example]
    ) -> list[float]:
        """What each labeled example adds to the first metric or to what stands for it.

        The higher the better. Their spread says how much of a difference is noise.
        """
        return [-loss for loss in self.comparable_losses(predictions, examples)]

    @abstractmethod
    def table(self, predictions: Sequence[Prediction], examples: Sequence[Example]) -> pa.Table:
        """The predictions as they are stored, in the examples' order."""


TASKS: Registry[Task] = Registry("task", "tunewise.tasks")
