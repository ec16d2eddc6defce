"""What a worker is given to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tunewise.costs.measure import forget_peak_memory
from tunewise.training.sealed import SealedTest
from tunewise.training.trial import Trial


def run_job(job: dict[str, Any], study_folder: Path, stop: Callable[[], bool]) -> str:
    """Do a job and return its status; the results are in the study folder.

    A trial that was interrupted leaves a checkpoint and no marker. A full disk is an `OSError`:
    nothing is known about the trial then, and it runs again.
    """
    forget_peak_memory()
    match job["kind"]:
        case "trial":
            return Trial(job, study_folder, stop).run()
        case "test":
            return SealedTest(job, study_folder).run()
        case kind:
            raise ValueError(f"there is no job of kind '{kind}'")
