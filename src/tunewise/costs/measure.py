"""Seconds by phase and the peak of resident memory, for whatever runs under it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


class Stopwatch:
    """Wall-clock seconds by phase. A phase that starts inside another stops the outer one."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._open: list[str] = []
        self._since = time.perf_counter()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        self._settle()
        self._open.append(name)
        try:
            yield
        finally:
            self._settle()
            self._open.pop()

    def add(self, seconds: Mapping[str, float]) -> None:
        """Count what was spent before an interruption."""
        for name, value in seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + value

    def leave_out(self, seconds: float) -> None:
        """Not count so many of the running phase's last seconds, in which it waited for others."""
        self._settle()
        if self._open:
            self.seconds[self._open[-1]] -= seconds

    def total(self) -> float:
        """Seconds of all phases so far, the running one included."""
        self._settle()
        return sum(self.seconds.values())

    def _settle(self) -> None:
        now = time.perf_counter()
        if self._open:
            name = self._open[-1]
            self.seconds[name] = self.seconds.get(name, 0.0) + now - self._since
        self._since = now


def forget_peak_memory() -> None:
    """Start counting the peak afresh, so that it is not the parent's. Linux only."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return  # another system, or not allowed: the peak then includes what came before


def peak_resident_bytes() -> int | None:
    """The most memory this process has held at once, or None where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None
