"""The one place where what a library raises over a user's model becomes a sentence.

A folder that somebody else made can break a library in any line of it, with any kind of error. A
list of kinds is always too short, so all are caught; but not our own mistakes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from tunewise.backbones.transformers_logging import quiet
from tunewise.core.errors import PLAIN, InputError, TunewiseError, reason

PANIC = "PanicException"  # of the tokenizers, which are not written in Python; no Exception


@contextmanager
def at_the_door(what_fails: str, hint: str = "") -> Iterator[None]:
    """Inside, libraries read a model of the user's, in silence.

    What they raise is an `InputError` of `what_fails`, the reason and the `hint`. Our own functions
    say by ValueError or OSError what a model lacks; anything else that they raise is a mistake of
    ours, and stays what it is, as does memory that ran out.
    """
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (TunewiseError, MemoryError, torch.OutOfMemoryError):
        raise
    except BaseException as error:
        is_foreign = isinstance(error, PLAIN) or not _is_ours(error)
        is_usual = isinstance(error, Exception) or type(error).__name__ == PANIC
        if not (is_foreign and is_usual):
            raise
        message = (
            f"{what_fails} ({reason(error)}). {hint}" if hint else f"{what_fails} ({reason(error)})"
        )
        raise InputError(message) from error


def _is_ours(error: BaseException) -> bool:
    """Whether a line of Tunewise raised it, not one of a library that it called."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    name = place.tb_frame.f_globals.get("__name__", "") if place else ""
    return str(name).split(".")[0] == __name__.split(".")[0]
