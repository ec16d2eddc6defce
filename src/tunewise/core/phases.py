"""Naming what a computation is doing, for whoever measures it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Phase = Callable[[str], AbstractContextManager[None]]
"""Called with the name of what begins: what runs inside the context belongs to it."""


def unmeasured(name: str) -> AbstractContextManager[None]:
    """The phase of a computation that nobody measures."""
    return nullcontext()
