"""What the computation of a trial works with, and what it has found out so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from tunewise.backbones.model import Model
from tunewise.core.files import is_complete
from tunewise.costs.measure import Stopwatch
from tunewise.methods.base import Adaptation
from tunewise.store.identity import trial_of
from tunewise.store.trial_records import Check, Job, TrialResult
from tunewise.tasks.base import Encoded
from tunewise.tasks.encoded_texts import full_lengths
from tunewise.training.assembly import Parts
from tunewise.training.checks.answers import StartCheck
from tunewise.training.log import TrialLog
from tunewise.training.ranks.group import Ranks
from tunewise.training.trial_profiler import TrialProfiler

CHECKPOINT_SECONDS = 60.0


class Loaded(NamedTuple):
    """What a trial trains, before any step."""

    start: StartCheck
    model: Model


class TrialWork:
    """One trial in one process: its parts, places and measurements, and the result as it grows."""

    def __init__(
        self, job: Job, study_folder: Path, stop: Callable[[], bool], ranks: Ranks
    ) -> None:
        self.id, self.until = job.id, job.until
        self.promised = job.promised
        self.checkpoint_seconds = CHECKPOINT_SECONDS
        if job.checkpoint_seconds is not None:
            self.checkpoint_seconds = job.checkpoint_seconds
        # On its way to a step a trial writes the log and checkpoints of the whole training, which
        # resumes from them; once that is finished they are closed, and it keeps its own.
        whole = trial_of(self.id)
        name = self.id if is_complete(study_folder / "trials" / whole) else whole
        self.folder = study_folder / "trials" / self.id
        self.weights = study_folder / "weights" / name
        self.parts = Parts.of(job.settings, study_folder)
        self.processes = job.ranks
        self.ranks = ranks
        self.stop = stop
        self.stopwatch = Stopwatch()
        self.profiler = TrialProfiler()
        self.log = TrialLog(study_folder / "trials" / name / "log.jsonl")
        self.result = TrialResult(self.id, job.settings, steps=0)
        self.loaded: Loaded | None = None  # before there were several processes

    @property
    def shards(self) -> bool:
        """Whether the processes have slices of the model."""
        method = self.parts.method
        able = isinstance(method, Adaptation) and method.shards
        return able and self.processes > 1 and self.parts.training.shard

    def note(self, **found: Any) -> None:
        """Write down what the trial has found out: fields of its result."""
        self.result = replace(self.result, **found)

    def add_checks(self, *found: Check) -> None:
        self.note(checks=(*self.result.checks, *found))

    def note_lengths(self, encoded: Mapping[str, Sequence[Encoded]], limit: int) -> None:
        """How much is cut, and which questions do not fit at all and get no answer."""
        cut = {
            split: sum(length > limit for length in full_lengths(examples)) / max(1, len(examples))
            for split, examples in encoded.items()
        }
        self.note(truncated_share={**self.result.truncated_share, **cut})
        unfit = [example.id for example in encoded["validation"] if not example.fits]
        if unfit:
            self.note(left_out={"validation": tuple(unfit)})
