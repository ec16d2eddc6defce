"""What passes between data, tasks and methods: one item, and one answer to it. No torch."""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    """One item of a split.

    `texts` is what the model reads: one text or a pair. `label` is the position of the right
    option, or None where it is not known.
    """

    id: str
    texts: tuple[str, ...]
    label: int | None = None


class Prediction(NamedTuple):
    """What was answered for one example: the option and the probability of each option."""

    id: str
    choice: int
    probabilities: tuple[float, ...]
    loss: float | None = None  # nats for the right option; None where the label is not known
