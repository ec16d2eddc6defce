from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tunewise.backbones.model import Model
from tunewise.data.examples import Example
from tunewise.methods.base import METHODS, Direct, Predictor


@dataclass(frozen=True)
class Guess(Direct):
    """A method without a model, a training or a seed, and with one setting."""

    choice: int = 0

    uses_model = False
    seeded = False

    def fit(
        self,
        train: Sequence[Example],
        options: Sequence[str],
        *,
        validation: Sequence[Example] = (),
        model: Model | None,
        seed: int,
    ) -> Predictor:
        raise AssertionError("nothing is fitted here")

    def load(self, folder: Path, *, model: Model | None) -> Predictor:
        raise AssertionError("nothing is loaded here")


@pytest.fixture
def guess(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let studies name the method `guess`, in these tests alone."""
    Guess.name = "guess"
    monkeypatch.setitem(METHODS._classes, "guess", Guess)
