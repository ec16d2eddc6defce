"""Telling how far a long loop has come, on stderr, once it has taken a while."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

from tunewise.cli.console import STDERR

Item = TypeVar("Item")
SILENT = 2.0  # seconds before anything is printed


def in_pieces(items: Sequence[Item], size: int, noun: str) -> Iterator[Sequence[Item]]:
    """The items piece by piece; how many are done is printed after 2, 4, 8, ... seconds.

    >>> [list(piece) for piece in in_pieces("abcde", 2, "letters")]
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    started, due = time.monotonic(), SILENT
    for first in range(0, len(items), size):
        seconds = time.monotonic() - started
        if seconds >= due:
            left = seconds * (len(items) - first) / first if first else 0.0
            STDERR.print(f"{first:,} of {len(items):,} {noun}, about {left:.0f} s left ...")
            due = 2 * seconds
        yield items[first : first + size]
