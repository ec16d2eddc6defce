"""What each job of a study takes of the machine it runs on, for engines that must know."""

from __future__ import annotations

from tunewise.estimate.plan_types import Plan
from tunewise.store.records import StudyRecord
from tunewise.store.trial_records import Job
from tunewise.studies.engines.base import Needs
from tunewise.studies.jobs import label_of
from tunewise.studies.launch import NeedsOf


def needs_of(study: StudyRecord, planned: Plan | None) -> NeedsOf:
    """The memory of a job as its contender's plan predicts it; a GPU where it has a model.

    Without a prediction it is the study's memory limit, where that has one. Features take what
    the hungriest of the contenders takes that share them. A trial over several devices takes so
    much of each.
    """
    bytes_of: dict[str, int] = {}
    if planned is not None:
        peaks = {row.name: row.peak_bytes for row in planned.contenders}
        bytes_of = {name: peak for name, peak in peaks.items() if peak is not None}
    libraries = planned.libraries_bytes if planned else 0
    found: dict[str, Needs] = {}  # by the key of a job: an engine asks many times a second

    def needs(job: Job) -> Needs:
        if job.key not in found:
            if job.kind == "features":
                names = [row.name for row in study.contenders if row.features == job.id]
            else:
                names = [label_of(study, job)[0]]
            known = [bytes_of[name] for name in names if name in bytes_of]
            found[job.key] = Needs(
                job.ranks * max(known) + libraries if known else study.memory_limit,
                cores=job.ranks,
                gpus=job.ranks if job.settings.model is not None else 0,
                gpu_bytes=max(known, default=None),
            )
        return found[job.key]

    return needs
