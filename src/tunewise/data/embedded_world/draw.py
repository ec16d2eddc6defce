"""Choices that are the same on every machine and every Python."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """A seeded source of choices.

    Everything is made of ``random.Random.random``: of that alone Python promises the same
    numbers in every version; ``choice`` and ``shuffle`` may change.

    >>> Draw("rooms", 7).pick("abc") == Draw("rooms", 7).pick("abc")
    True
    """

    def __init__(self, purpose: str, seed: int) -> None:
        self._next = random.Random(f"{purpose}:{seed}").random

    def below(self, n: int) -> int:
        """A whole number from 0 up to, not including, n."""
        return int(self._next() * n)

    def chance(self, p: float) -> bool:
        """True in a fraction p of all calls."""
        return self._next() < p

    def pick(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def several(self, items: Sequence[T], n: int) -> list[T]:
        """N different items, in random order."""
        rest = list(items)
        return [rest.pop(self.below(len(rest))) for _ in range(n)]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        return self.several(items, len(items))
