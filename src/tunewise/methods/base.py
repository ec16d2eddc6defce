"""The kinds of method, and what all of them end in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, Self

from torch import Tensor, nn

from tunewise.core.canonical import JSONObject, Settings
from tunewise.core.registry import Registry
from tunewise.data.examples import Example, Prediction

if TYPE_CHECKING:
    from tunewise.backbones.model import Model


class Predictor(Protocol):
    """What a finished trial is: evaluation, tests, predict and export see only this."""

    def predict(self, examples: Sequence[Example]) -> list[Prediction]: ...

    def save(self, folder: Path) -> None: ...


class OpenSettings(NamedTuple):
    """The settings of a method's open field: the type of each, and the reason for those refused."""

    kinds: Mapping[str, Any]
    refused: Mapping[str, str]


class Unpacked(NamedTuple):
    """What an entry of a study means: settings, training settings, and sentences about both."""

    settings: JSONObject
    training: JSONObject
    notes: tuple[str, ...] = ()


class Method(ABC):
    """A way of adapting a model. Its fields are its settings in the study file.

    `version` rises whenever a default or the mathematics changes, so that old trials keep
    their meaning. `trained` is True where the one loop trains it, so that training settings mean
    something to it. `seeded` is False where every seed would give the same result. `asks_writer`
    is True where it asks a model to go on writing, whatever the task's form; the model is then
    built so, and `check` is shown it, on fake tensors, before the study runs. `one_value` names
    the settings that can be neither swept nor searched, with the reason.

    `description` is what the method section of a paper says of it: paragraphs with a blank line
    between them, in which ``{hu-2021}`` cites one of its `references`, or a source that reports
    know, and ``{equation low-rank}``, alone, is one of their equations. `spoken` is what a sentence
    calls it, where its name says too little; `constant` is True where it answers every example
    alike. Reports load no method: a study keeps all of these when it is prepared.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    description: ClassVar[str] = ""
    references: ClassVar[Mapping[str, str]] = {}
    spoken: ClassVar[str] = ""
    constant: ClassVar[bool] = False
    trained: ClassVar[bool] = False
    uses_model: ClassVar[bool] = True
    asks_writer: ClassVar[bool] = False
    seeded: ClassVar[bool] = True
    one_value: ClassVar[Mapping[str, str]] = {}
    cannot: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Why it does not fit tasks whose answers are of a form, ``choose`` or ``write``, or a task by
    its name."""

    @classmethod
    def label(cls, settings: Settings) -> str:
        """What a contender with these settings is called in tables, where nobody named it."""
        return cls.name

    @classmethod
    def unpacked(cls, settings: Settings, base: Path) -> Unpacked:
        """An entry's settings in full, where one of them may stand for many, as a folder does.

        Raises:
            InputError: what it stands for cannot be read.
        """
        return Unpacked(dict(settings), {})

    @classmethod
    def opened(cls, settings: Settings) -> OpenSettings:
        """The settings that only these settings allow; most methods have none.

        Raises:
            SettingError: one of them says none that there is.
        """
        return OpenSettings({}, {})

    def for_columns(self, columns: Sequence[str]) -> Self:
        """The method as it reads the texts of these columns, where its settings name some.

        Raises:
            InputError: they name others.
        """
        return self

    def check(self, model: Model, options: Sequence[str]) -> None:  # noqa: B027  # few have to
        """Look whether the settings fit the model that is asked and these options.

        Raises:
            InputError: they do not.
        """

    def unread(self) -> Mapping[str, str]:
        """The settings that mean nothing beside the others, each with the reason."""
        return {}

    @property
    def reads_only(self) -> str | None:
        """The one input that it reads of a task with several, where it leaves the others out."""
        return None

    def open_defaults(self) -> JSONObject:
        """The values that settings of the open field have where they are not given."""
        return {}


class State(NamedTuple):
    """What a method carries from step to step beside the trainable parameters."""

    tensors: dict[str, Tensor]
    scalars: JSONObject


class Adaptation(Method):
    """Changes a model that the one loop then trains.

    `needs_weights` is True where `prepare` reads the model's weights, or where only a step with
    some shows whether the method works on it; then a plan applies it to noise.
    """

    trained = True
    learning_rate: ClassVar[float]
    """The default learning rate. Each method says why in a comment."""
    needs_weights: ClassVar[bool] = False

    @classmethod
    def default_rate(cls, settings: Settings) -> float:
        """The default learning rate under these settings."""
        return cls.learning_rate

    shards: ClassVar[bool] = True
    """Whether it works on weights in slices: not where it reads or changes them between steps, or
    where little is trained, on what runs once."""
    packs: ClassVar[bool] = True
    """Whether texts may share a row: not where something of the method stands before each."""
    starts_at_base: ClassVar[bool] = False
    saves_all: ClassVar[bool] = True  # whether every trainable parameter stands in what it saves
    """Whether `prepare` leaves the model's answers as they were; what promises it is checked."""

    @abstractmethod
    def prepare(self, model: Model) -> None:
        """Change the module so that exactly the trainable parameters require gradients.

        Random numbers come from torch's default generator, which the caller has seeded.

        Raises:
            InputError: the settings do not fit this model, such as targets that match nothing.
        """

    def groups(self, model: Model) -> list[dict[str, Any]]:
        """Optimizer groups: `params` (names) with what differs, such as a `rate` factor."""
        return [{"params": [n for n, p in model.module.named_parameters() if p.requires_grad]}]

    def begin(self, model: Model, steps: int) -> None:
        """Called before the first step, also when a run goes on.

        `steps` is their whole number, or with ``epochs: auto`` how many there will be at least.

        Raises:
            InputError: the method needs more steps.
        """

    def penalty(self, model: Model) -> Tensor | None:
        """What is added to a step's mean loss, or None. The reported loss is without it."""
        return None

    def after_step(self, model: Model, step: int) -> None:
        """Called after each optimizer step, from 1, while its gradients still exist."""

    def state(self, model: Model) -> State:
        """What `restore` needs to go on after an interruption as if there had been none."""
        return State({}, {})

    def restore(self, model: Model, state: State) -> None:
        """Put back a state, after `begin`."""

    @abstractmethod
    def save(self, model: Model, folder: Path) -> None:
        """Write the trained artifact: safetensors and JSON only."""

    @abstractmethod
    def load(self, model: Model, folder: Path) -> None:
        """Read a saved artifact into a model that `prepare` has seen."""

    def merged(self, model: Model) -> nn.Module | None:
        """A plain module with the same function, or None where there is no such thing.

        The model stays as it is.
        """
        return None

    def folded(self, model: Model) -> nn.Module | None:
        """As `merged`, but the model may be spent for it, which saves holding two."""
        return self.merged(model)


class AsIs(Method):
    """Trains nothing: the task asks the model as it comes."""

    @abstractmethod
    def prepare(self, model: Model) -> None:
        """Freeze every number."""

    @abstractmethod
    def save(self, model: Model, folder: Path) -> None:
        """Write which model it was."""

    @abstractmethod
    def load(self, model: Model, folder: Path) -> None:
        """Check that this is the model.

        Raises:
            InputError: it is another one.
        """

    def merged(self, model: Model) -> nn.Module:
        return model.module

    def shown(self, train: Sequence[Example], seed: int) -> tuple[Example, ...]:
        """Examples with their answers that the model is shown before each question."""
        return ()

    def save_shown(self, shown: Sequence[Example], folder: Path) -> None:
        """Write them, beside what `save` writes."""

    def load_shown(self, folder: Path) -> tuple[Example, ...]:
        """Read what `save_shown` wrote."""
        return ()


class Direct(Method):
    """Fitted in one go, without the loop: majority, TF-IDF, nearest neighbour, prompting."""

    @abstractmethod
    def fit(
        self,
        train: Sequence[Example],
        options: Sequence[str],
        *,
        validation: Sequence[Example],
        model: Model | None,
        seed: int,
    ) -> Predictor:
        """Fit on `train`; `validation` is there to choose a setting by, never to learn from."""

    @abstractmethod
    def load(self, folder: Path, *, model: Model | None) -> Predictor:
        """Read what the predictor saved."""


METHODS: Registry[Method] = Registry("method", "tunewise.methods")
