"""The two kinds of method, and what both end in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from torch import nn

from tunewise.core.registry import Registry
from tunewise.data.examples import Example, Prediction

if TYPE_CHECKING:
    from tunewise.backbones.model import Model


class Predictor(Protocol):
    """What a finished trial is: evaluation, tests, predict and export see only this."""

    def predict(self, examples: Sequence[Example]) -> list[Prediction]: ...

    def save(self, folder: Path) -> None: ...


class Method(ABC):
    """A way of adapting a model. Its fields are its settings in the study file.

    `version` rises whenever a default or the mathematics changes, so that old trials keep
    their meaning. `seeded` is False where every seed would give the same result.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    uses_model: ClassVar[bool] = True
    seeded: ClassVar[bool] = True


class Adaptation(Method):
    """Changes a model that the one loop then trains."""

    learning_rate: ClassVar[float]
    """The default learning rate. Each method says why in a comment."""

    starts_at_base: ClassVar[bool] = False
    """Whether `prepare` leaves the model's answers as they were; what promises it is checked."""

    @abstractmethod
    def prepare(self, model: Model) -> None:
        """Change the module so that exactly the trained numbers require gradients.

        Random numbers come from torch's default generator, which the caller has seeded.

        Raises:
            InputError: the settings do not fit this model, such as targets that match nothing.
        """

    def groups(self, model: Model) -> list[dict[str, Any]]:
        """Optimiser groups: `params` (names) with what differs, such as a `rate` factor."""
        return [{"params": [n for n, p in model.module.named_parameters() if p.requires_grad]}]

    @abstractmethod
    def save(self, model: Model, folder: Path) -> None:
        """Write the trained artefact: safetensors and JSON only."""

    @abstractmethod
    def load(self, model: Model, folder: Path) -> None:
        """Read a saved artefact into a model that `prepare` has seen."""

    def merged(self, model: Model) -> nn.Module | None:
        """A plain module with the same function, or None where there is no such thing."""
        return None


class Direct(Method):
    """Fitted in one go, without the loop: majority, TF-IDF, nearest neighbour, prompting."""

    @abstractmethod
    def fit(
        self, train: Sequence[Example], options: Sequence[str], *, model: Model | None, seed: int
    ) -> Predictor: ...

    @abstractmethod
    def load(self, folder: Path, *, model: Model | None) -> Predictor:
        """Read what the predictor saved."""


METHODS: Registry[Method] = Registry("method", "tunewise.methods")
