"""Randomness that is derived and never carried along.

Every draw comes from the trial's seed, what it is for, and where in the training it happens. A
run that was killed and goes on therefore draws what it would have drawn, with no state of a
generator to save, and adding a contender to a study changes no other.
"""

from __future__ import annotations

import hashlib
from typing import Literal

Purpose = Literal["order", "head", "method", "dropout", "sampling", "split"]


def derive(seed: int, purpose: Purpose, *place: int) -> int:
    """A number in [0, 2**63) for one draw.

    >>> derive(0, "order", 1) == derive(0, "order", 1)
    True
    >>> derive(0, "order", 1) == derive(0, "dropout", 1)
    False
    """
    text = ":".join([str(seed), purpose, *map(str, place)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
