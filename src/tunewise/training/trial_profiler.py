"""What a trial's steps cost: each is timed by phase, and the storages of one are counted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.optim import Optimizer

from tunewise.core.phases import Phase, unmeasured
from tunewise.costs.calibration import known_calibration
from tunewise.costs.memory import OUTSIDE, StepMeter
from tunewise.store.trial_records import MemoryRecord
from tunewise.tasks.base import Batch

TIMED = ("forward", "backward", "update")
FEATURES = "features"  # the pass over a frozen backbone
SAMPLED = 16  # on a GPU every so many steps: waiting at each boundary would slow all of them


@dataclass(frozen=True)
class StepCosts:
    """One counted step and its fraction of the machine's peak; seconds are means over all steps.

    Of a head that is solved the pass over its backbone is counted alone.
    """

    memory: MemoryRecord
    flops: int | None
    share_of_peak: float | None
    seconds: dict[str, float] | None  # by phase, and how many steps were timed


class TrialProfiler:
    """Measures the phases of a training and of the evaluations beside it.

    Counting storages slows a step down several times, so it is done for one training step, the
    one with the longest examples after the first step, and for the first batch that is
    evaluated, that answers are written for, and that they are written for in every way. It draws
    no random numbers and changes no result.

    Args:
        held: every parameter and buffer of the model; without them nothing is counted.
        precision: of the products, to whose peak the steps are compared.
    """

    def __init__(self, held: Sequence[Tensor] = (), precision: str = "float32") -> None:
        self.held, self.precision = list(held), precision
        self.optimizer: Optimizer | None = None  # set once there is one: its state is counted
        self.seconds = dict.fromkeys(TIMED, 0.0)
        self.timed_steps = 0
        self.timed_tokens = 0  # padding included
        self.shape: dict[str, int] = {}  # of the counted step
        self.device_bytes: dict[str, dict[str, int]] = {}  # peaks by phase, on a GPU
        self.counted_step: StepMeter | None = None
        self.counted_evaluations: list[StepMeter] = []
        self.counted_backbone: StepMeter | None = None
        self._chosen = 0  # the number of the step to count
        self._evaluated: set[str] = set()  # the phases of evaluations that have been counted
        self._counting: StepMeter | None = None  # in an evaluation, now
        self._on_gpu = bool(self.held) and self.held[0].is_cuda

    def choose(self, longest: Mapping[int, int]) -> None:
        """Of the steps to come, given with their longest example, choose the one to count."""
        later = list(longest)[1:] or list(longest)
        if self.counted_step is None and later:
            self._chosen = max(later, key=lambda number: longest[number])

    @contextmanager
    def backbone(self) -> Iterator[None]:
        """Around a pass of a batch over a frozen backbone, which no step repeats."""
        self.counted_backbone = StepMeter(self.held, None)
        with self.counted_backbone.counting(), self._counted(self.counted_backbone, FEATURES):
            yield

    @contextmanager
    def step(self, number: int, batches: Sequence[Batch]) -> Iterator[Phase]:
        """Around a training step, whose phases are measured by what is given."""
        if self.held and number == self._chosen:
            # How much entered the step; of its micro-batches the largest.
            self.shape = {
                "examples": max(len(batch.labels) for batch in batches),  # rows, where some share
                "tokens": max(batch.padded_tokens // len(batch.labels) for batch in batches),
                "parts": len(batches),
                "targets": max(batch.targets for batch in batches),
                "padded_tokens": sum(batch.padded_tokens for batch in batches),
            }
            self.counted_step = StepMeter(self.held, self.optimizer)
            with self.counted_step.counting():
                yield partial(self._counted, self.counted_step)
        elif not self._on_gpu or number % SAMPLED == 0:
            self.timed_steps += 1
            self.timed_tokens += sum(batch.padded_tokens for batch in batches)
            yield self._timed
        else:
            yield unmeasured

    @contextmanager
    def evaluation(self, name: str) -> Iterator[None]:
        """A phase of an evaluation: the first of each name is counted, the longest batch.

        Where answers are written, that begins inside the evaluation of their batch.
        """
        if not self.held or name in self._evaluated:
            yield
            return
        self._evaluated.add(name)
        if self._counting is not None:
            with self._counted(self._counting, name):
                yield
            return
        self._counting = StepMeter(self.held, self.optimizer)
        self.counted_evaluations.append(self._counting)
        try:
            with self._counting.counting(), self._counted(self._counting, name):
                yield
        finally:
            self._counting = None

    def costs(self) -> StepCosts | None:
        """What was counted; None where nothing was. A head that is solved takes no step."""
        first = self.counted_step or self.counted_backbone
        if first is None:
            return None
        others = [] if first is self.counted_backbone else [self.counted_backbone]
        memory = first.memory().as_json()
        for meter in [*others, *self.counted_evaluations]:
            if meter is None:
                continue
            for name, values in meter.memory().as_json().items():
                if isinstance(values, dict):
                    memory[name] |= values
        peaks: dict[str, int] = memory["peak_bytes"]
        memory["peak_phase"] = max(peaks, key=lambda phase: peaks[phase])
        whole = {**memory, "counted": self.shape, "device": self.device_bytes or None}
        if self.counted_step is None:
            return StepCosts(MemoryRecord.from_json(whole), None, None, None)
        flops = sum(memory["flops"][phase] for phase in TIMED if phase in memory["flops"])
        return StepCosts(MemoryRecord.from_json(whole), flops, *self._timing(flops))

    def _timing(self, flops: int) -> tuple[float | None, dict[str, float] | None]:
        """The fraction of the machine's peak that steps reached, and their mean seconds."""
        if not self.timed_steps:
            return None, None
        seconds = {phase: self.seconds[phase] / self.timed_steps for phase in TIMED}
        seconds["steps"] = self.timed_steps
        calibration = known_calibration(torch.get_num_threads())
        if calibration is None:
            return None, seconds
        done = flops / self.shape["padded_tokens"] * self.timed_tokens
        peak = calibration.computing_in(self.precision).flops_per_second
        return done / sum(self.seconds.values()) / peak, seconds

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        if self._on_gpu:
            torch.cuda.synchronize()
        start = time.perf_counter()
        yield
        if self._on_gpu:
            torch.cuda.synchronize()
        self.seconds[name] += time.perf_counter() - start

    @contextmanager
    def _counted(self, meter: StepMeter, name: str) -> Iterator[None]:
        self._note_device(meter.counter.phase)
        with meter.phase(name):
            yield
        self._note_device(name)

    def _note_device(self, phase: str) -> None:
        """What the allocator of a GPU says of the phase that ends or is interrupted here."""
        if not self._on_gpu:
            return
        torch.cuda.synchronize()
        if phase != OUTSIDE:
            known = self.device_bytes.get(phase, {})
            seen = {
                "allocated": torch.cuda.max_memory_allocated(),
                "reserved": torch.cuda.max_memory_reserved(),
            }
            self.device_bytes[phase] = {kind: max(seen[kind], known.get(kind, 0)) for kind in seen}
        torch.cuda.reset_peak_memory_stats()
