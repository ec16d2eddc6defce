"""What a worker is given to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from tunewise.backbones import load
from tunewise.backbones.image_threads import use_helpers
from tunewise.core.files import mark_complete
from tunewise.costs.measure import forget_peak_memory
from tunewise.costs.scarce import limited
from tunewise.estimate.batch_size_probe import probe
from tunewise.methods.base import METHODS, Adaptation
from tunewise.store.trial_records import Job
from tunewise.tasks.base import TASKS
from tunewise.training.assembly import Feeds, Parts, prepared_model
from tunewise.training.log import TrialLog
from tunewise.training.sealed import SealedTest
from tunewise.training.together.trials import train_together
from tunewise.training.trial.run import TrialRun


def warm_up() -> None:
    """Import every method and task now: SciPy, scikit-learn and PEFT cost a job seconds."""
    for registry in (METHODS, TASKS):
        assert registry.classes
    load.warm_up()


def run_job(job: Job, study_folder: Path, stop: Callable[[], bool]) -> str:
    """Do a job and return its status; the results are in the study folder.

    A trial that was interrupted leaves a checkpoint and no marker. What comes from outside, such
    as a full disk or a missing file, is raised: nothing is known about the trial then, and it
    runs again.
    """
    forget_peak_memory()
    repeat_exactly()
    use_helpers(job.helpers)
    if job.beside:
        with limited(job.memory_limit):
            trials = [replace(each, memory_limit=None) for each in job.all]
            return train_together(trials, study_folder, stop)
    if job.kind == "trial":
        return TrialRun(job, study_folder, stop).run()  # which limits each of its processes
    with limited(job.memory_limit):
        match job.kind:
            case "test":
                return SealedTest(job, study_folder).run()
            case "features":
                return make_features(job, study_folder)
            case "probe":
                return probe(job, study_folder)
            case kind:
                raise ValueError(f"there is no job of kind '{kind}'")


def repeat_exactly() -> None:
    """Take the kernels of a GPU whose sums come in one order; those of a CPU always do."""
    if torch.cuda.is_available():
        torch.use_deterministic_algorithms(True)
        deterministic: Any = torch.utils.deterministic  # its stubs do not know the next name
        deterministic.fill_uninitialized_memory = False


class RowCount:
    """Logs how many rows of features are there, for those who watch."""

    def __init__(self, path: Path, rows: int) -> None:
        path.unlink(missing_ok=True)
        self.log = TrialLog(path)
        self.began, self.found = time.monotonic(), 0
        self.log.write("start", steps=rows)

    def add(self, rows: int) -> None:
        self.found += rows
        seconds = time.monotonic() - self.began
        self.log.write("step", step=self.found, rows_per_second=self.found / max(seconds, 1e-3))


def make_features(job: Job, study_folder: Path) -> str:
    """Store what a frozen backbone makes of train and validation, for all trials that use it.

    Where the head turns out to read whole sequences, the folder stays empty and says complete:
    trials then run the backbone each time.
    """
    parts = Parts.of(job.settings, study_folder)
    parts.check_model()
    method = parts.method
    if not isinstance(method, Adaptation):
        raise TypeError(f"method '{method.name}' has no backbone to run")
    model = prepared_model(parts, method)
    encoded = {
        split: parts.task.encode(
            parts.examples(split), model.processor, max_length=parts.max_length(model)
        )
        for split in ("train", "validation")
    }
    folder = study_folder / "features" / job.id
    count = RowCount(folder.with_suffix(".jsonl"), sum(map(len, encoded.values())))
    feeds = Feeds(parts, model, encoded["train"], on_rows=count.add)
    for split, examples in encoded.items():
        feeds.feed(split, examples)
    folder.mkdir(parents=True, exist_ok=True)
    mark_complete(folder)
    count.log.path.unlink()
    return "done"
