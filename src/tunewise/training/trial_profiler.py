"""What a trial's steps cost: each is timed by phase, and the storages of one are counted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Optimizer

from tunewise.costs.machine_speed import known_calibration
from tunewise.costs.memory import StepMeter
from tunewise.store.trial_records import MemoryRecord
from tunewise.tasks.base import Batch

TIMED = ("forward", "backward", "update")
ANSWERING = ("evaluation", "generation", "every_way")
SAMPLED = 16  # on a GPU every so many steps: waiting at each boundary would slow all of them


@dataclass(frozen=True)
class StepCosts:
    """One counted step, with its share of the machine's peak; seconds are means over all steps."""

    memory: MemoryRecord
    flops: int
    share_of_peak: float | None
    seconds: dict[str, float] | None  # by phase, and how many steps were timed


class TrialMeter:
    """Hears of every phase of a training and keeps what it cost.

    Counting storages slows a step down several times, so it is done for one training step, the
    one with the longest examples after the first step, and for the first batch that is
    evaluated, that answers are written for, and that they are written for in every way. It draws
    no random numbers and changes no result.

    Args:
        held: every parameter and buffer of the model; without them nothing is counted.
    """

    def __init__(self, held: Sequence[Tensor] = ()) -> None:
        self.held = list(held)
        self.seconds = dict.fromkeys(TIMED, 0.0)
        self.timed_steps = 0
        self.timed_tokens = 0  # padding included
        self.shape: dict[str, int] = {}  # of the counted step
        self.device_bytes: dict[str, dict[str, int]] = {}  # peaks by phase, on a GPU
        self.step: StepMeter | None = None
        self.asked: list[StepMeter] = []  # what was counted while the model answered
        self._heard = {"done"}  # of that, and of what is not counted
        self._optimizer: Optimizer | None = None
        self._chosen = 0
        self._number = 0
        self._phase, self._since = "done", 0.0
        self._open = ExitStack()
        self._on_gpu = bool(self.held) and self.held[0].is_cuda

    @contextmanager
    def watching(self, optimizer: Optimizer | None = None) -> Iterator[None]:
        """Around an epoch, or the last evaluation: whatever ends it, nothing is counted after."""
        self._optimizer = optimizer or self._optimizer
        try:
            yield
        finally:
            self._open.close()

    def choose(self, longest: Mapping[int, int]) -> None:
        """Of the steps to come, given with their longest example, choose the one to count."""
        later = list(longest)[1:] or list(longest)
        if self.step is None and later:
            self._chosen = max(later, key=lambda number: longest[number])

    def begin(self, number: int, batches: Sequence[Batch]) -> None:
        """A step is about to be taken."""
        self._number, self._phase = number, "done"
        if not self._is_counted and self._is_timed:
            self.timed_steps += 1
            self.timed_tokens += sum(batch.padded_tokens for batch in batches)
        if self._is_counted and self.held and self.step is None:
            self.shape = {
                "examples": max(len(batch.ids) for batch in batches),
                "tokens": max(batch.padded_tokens // len(batch.ids) for batch in batches),
                "parts": len(batches),
                "targets": max(batch.targets for batch in batches),
                "padded_tokens": sum(batch.padded_tokens for batch in batches),
            }
            self.step = StepMeter(self.held, self._optimizer)
            self._count(self.step)

    def entering(self, phase: str) -> None:
        """A phase of a training step begins, and the one before it ends."""
        if self._is_counted:
            self._enter_counted(self.step, phase)
        elif self._is_timed:
            if self._on_gpu:
                torch.cuda.synchronize()
            now = time.perf_counter()
            if self._phase in self.seconds:
                self.seconds[self._phase] += now - self._since
            self._since = now
        self._phase = phase

    def evaluating(self, phase: str) -> None:
        """A batch is evaluated, or answers are written for it, or it is done.

        The first of each is counted; the first batch is the longest.
        """
        counting = bool(self.asked) and self._phase in ANSWERING
        if self.held and phase not in self._heard:
            self._heard.add(phase)
            if not counting:
                self.asked.append(StepMeter(self.held, self._optimizer))
                self._count(self.asked[-1])
            self._enter_counted(self.asked[-1], phase)
            self._phase = phase
        elif counting:
            self._enter_counted(self.asked[-1], "done")
            self._phase = "done"

    def costs(self) -> StepCosts | None:
        """What a step cost; None where none was counted."""
        if self.step is None:
            return None
        memory = self.step.memory().as_json()
        for meter in self.asked:
            for name, values in meter.memory().as_json().items():
                if isinstance(values, dict):
                    memory[name] |= values
        peaks: dict[str, int] = memory["peak_bytes"]
        memory["peak_phase"] = max(peaks, key=lambda phase: peaks[phase])
        flops = sum(memory["flops"][phase] for phase in TIMED if phase in memory["flops"])
        seconds, share = None, None
        if self.timed_steps:
            seconds = {phase: self.seconds[phase] / self.timed_steps for phase in TIMED}
            seconds["steps"] = self.timed_steps
            calibration = known_calibration(torch.get_num_threads())
            if calibration is not None:
                done = flops / self.shape["padded_tokens"] * self.timed_tokens
                reached = done / sum(self.seconds.values())
                share = reached / calibration.flops_per_second
        whole = {**memory, "counted": self.shape, "device": self.device_bytes or None}
        return StepCosts(MemoryRecord.from_json(whole), flops, share, seconds)

    @property
    def _is_counted(self) -> bool:
        return self._number == self._chosen and bool(self.held)

    @property
    def _is_timed(self) -> bool:
        return not self._on_gpu or self._number % SAMPLED == 0

    def _count(self, meter: StepMeter) -> None:
        meter.open()
        self._open.callback(meter.close)
        self._open.enter_context(meter.counter)

    def _enter_counted(self, meter: StepMeter | None, phase: str) -> None:
        if meter is None:
            return
        if self._on_gpu:
            self._note_device(phase)
        meter.enter(phase)
        if phase == "done":
            self._open.close()
            self._open = ExitStack()

    def _note_device(self, phase: str) -> None:
        """What the allocator of the GPU says of the phase that ends here."""
        torch.cuda.synchronize()
        if self._phase != "done":
            self.device_bytes[self._phase] = {
                "allocated": torch.cuda.max_memory_allocated(),
                "reserved": torch.cuda.max_memory_reserved(),
            }
        torch.cuda.reset_peak_memory_stats()
