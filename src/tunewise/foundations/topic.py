"""What ``tunewise explain`` shows of one topic. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Check:
    """A statement that was just put to the test, and by how much it missed."""

    what: str
    error: float
    allowed: float

    @property
    def passed(self) -> bool:
        return self.error <= self.allowed  # a NaN does not pass


@dataclass(frozen=True)
class Topic:
    """A piece of the mathematics with its results and its checks.

    ``statement`` is prose; ``derivation`` lines stand as they are, at most 76 characters each;
    ``quantities`` are pairs of what and how much.
    """

    statement: str
    derivation: tuple[str, ...]
    quantities: tuple[tuple[str, str], ...]
    checks: tuple[Check, ...]
    source: str

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


def difference(ours: ArrayLike, theirs: ArrayLike) -> float:
    """The largest absolute difference between two arrays; infinite if their shapes differ.

    >>> difference([1.0, 2.0], [1.0, 2.5])
    0.5
    """
    a, b = np.asarray(ours, float), np.asarray(theirs, float)
    if a.shape != b.shape:
        return float("inf")
    return float(np.max(np.abs(a - b), initial=0.0))


def vector(values: ArrayLike) -> str:
    """Numbers as on paper.

    >>> vector([3.0, 2.0, -4.0])
    '(3, 2, -4)'
    """
    return "(" + ", ".join(f"{value:.7g}" for value in np.asarray(values, float)) + ")"
