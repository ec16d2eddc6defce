"""The GPUs that jobs of this machine may use, and how many of them share one. No torch."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tunewise.core.environment import VISIBLE

QUERY = ("--query-gpu=uuid,memory.total", "--format=csv,noheader,nounits")  # memory in MiB
PATIENCE = 20.0  # seconds that the driver gets to answer
# What CUDA and its libraries take of a GPU in each process, beside what is predicted: some
# hundreds of MB, more on newer cards.
CONTEXT_BYTES = 1_000_000_000
USED = Fraction(9, 10)  # of a GPU's memory that jobs are planned to fill
TOGETHER = 4  # jobs on one GPU at most: they take turns, and more of them wait longer


@dataclass(frozen=True)
class Gpu:
    """A GPU by the name that CUDA_VISIBLE_DEVICES has for it, which no other order changes."""

    name: str
    memory_bytes: int | None = None  # None: nobody says

    def share(self, needed_bytes: int | None) -> Fraction:
        """How much of it a job is to have that needs so much memory; all where nobody knows.

        >>> Gpu("a", 24 * 10**9).share(4 * 10**9)
        Fraction(1, 4)
        >>> Gpu("a", 24 * 10**9).share(16 * 10**9), Gpu("a", 24 * 10**9).share(None)
        (Fraction(1, 1), Fraction(1, 1))
        """
        if needed_bytes is None or self.memory_bytes is None:
            return Fraction(1)
        fit = int(USED * self.memory_bytes) // (needed_bytes + CONTEXT_BYTES)
        return Fraction(1, max(1, min(TOGETHER, fit)))


def room_of(cards: Sequence[Gpu]) -> int:
    """Bytes that one process may be planned to hold on whichever of them; 0 where nobody knows.

    >>> room_of([Gpu("a", 24 * 10**9), Gpu("b", 10 * 10**9)]), room_of([Gpu("a")]), room_of([])
    (8000000000, 0, 0)
    """
    least = min((card.memory_bytes or 0 for card in cards), default=0)
    return max(0, int(USED * least) - CONTEXT_BYTES)


def visible_gpus() -> tuple[Gpu, ...]:
    """NVIDIA's GPUs that CUDA_VISIBLE_DEVICES leaves to this process; none without a driver."""
    asked = os.environ.get(VISIBLE)
    if asked is not None and not asked.strip():
        return ()
    there = _installed()
    return there if asked is None else chosen(asked, there)


def chosen(asked: str, there: Sequence[Gpu]) -> tuple[Gpu, ...]:
    """The GPUs that a value of CUDA_VISIBLE_DEVICES names, by number or by their id's beginning.

    What follows a name that fits none is not seen, as CUDA has it. Of an instance of a GPU (MIG)
    nobody says the memory.
    """
    found: list[Gpu] = []
    for name in (part.strip() for part in asked.split(",")):
        if name.isdigit() and int(name) < len(there):
            found.append(there[int(name)])
        elif name.startswith("MIG-"):
            found.append(Gpu(name))
        elif fits := [gpu for gpu in there if name and gpu.name.startswith(name)]:
            found.append(fits[0])
        else:
            break
    return tuple(found)


def _installed() -> tuple[Gpu, ...]:
    """What the driver lists, in its order. Asking it does not open a GPU, as CUDA would."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    try:
        listed = subprocess.run(
            [program, *QUERY], capture_output=True, text=True, timeout=PATIENCE, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    rows = [line.split(",") for line in listed.splitlines() if line.count(",") == 1]
    return tuple(Gpu(name.strip(), _bytes(memory)) for name, memory in rows)


def _bytes(mebibytes: str) -> int | None:
    text = mebibytes.strip()  # "[N/A]" where memory is the processor's own
    return int(text) * 1024**2 if text.isdigit() else None
