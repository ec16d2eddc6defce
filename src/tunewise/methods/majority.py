"""Always the most frequent answer: what any method has to beat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from tunewise.backbones.model import Model
from tunewise.core.files import read_json, write_json
from tunewise.data.examples import Example, Prediction
from tunewise.methods.answers import answers
from tunewise.methods.base import METHODS, Direct

FILE = "majority.json"


@METHODS.register("majority")
@dataclass(frozen=True)
class Majority(Direct):
    """Answers with the most frequent option of the training split, whatever the text says."""

    description = (
        "Majority answers the most frequent label of the training split. Whatever does not beat "
        "it has learned nothing."
    )
    spoken = "guessing the majority class"
    constant = True

    uses_model = False
    seeded = False
    cannot = MappingProxyType(
        {"write": "it repeats one of a few options, and here each row has an answer of its own"}
    )

    def fit(
        self,
        train: Sequence[Example],
        options: Sequence[str],
        *,
        validation: Sequence[Example] = (),
        model: Model | None = None,
        seed: int = 0,
    ) -> Frequencies:
        counts = Counter(example.label for example in train)
        return Frequencies(tuple(options), tuple(counts[i] for i in range(len(options))))

    def load(self, folder: Path, *, model: Model | None = None) -> Frequencies:
        stored = read_json(folder / FILE)
        return Frequencies(tuple(stored["options"]), tuple(stored["counts"]))


@dataclass(frozen=True)
class Frequencies:
    """How often each option was right in training.

    One is added to every count (Laplace's rule), so that an option never seen has a probability
    above 0 and the loss stays finite.
    """

    options: tuple[str, ...]
    counts: tuple[int, ...]

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        smoothed = np.array(self.counts, dtype=np.float64) + 1
        return answers(examples, np.tile(smoothed / smoothed.sum(), (len(examples), 1)))

    def save(self, folder: Path) -> None:
        write_json(folder / FILE, {"options": self.options, "counts": self.counts})
