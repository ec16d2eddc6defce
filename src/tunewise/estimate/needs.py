"""What each job of a study takes of the machine it runs on, for engines that must know."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.estimate.plan_types import Plan
from tunewise.store.records import StudyRecord
from tunewise.store.trial_records import Job
from tunewise.studies.engines.base import Needs
from tunewise.studies.engines.gpus import Gpu, room_of
from tunewise.studies.jobs import label_of
from tunewise.studies.together import NeedsOf, Together


def needs_of(study: StudyRecord, planned: Plan | None) -> NeedsOf:
    """The memory of a job as its contender's plan predicts it; a GPU where it has a model.

    Without a prediction it is the study's memory limit, where that has one. Features take what
    the hungriest of the contenders takes that share them. A trial over several devices takes so
    much of each. Trials that are trained together take what they would take side by side, which is
    more: their frozen weights are there once.
    """
    bytes_of: dict[str, int] = {}
    if planned is not None:
        peaks = {row.name: row.peak_bytes for row in planned.contenders}
        bytes_of = {name: peak for name, peak in peaks.items() if peak is not None}
    libraries = planned.libraries_bytes if planned else 0
    found: dict[tuple[str, ...], Needs] = {}  # by keys of jobs: an engine asks many times a second

    def peak_of(job: Job) -> int | None:
        if job.kind == "features":
            names = [row.name for row in study.contenders if row.features == job.id]
            return max((bytes_of[name] for name in names if name in bytes_of), default=None)
        peaks = [bytes_of.get(label_of(study, each)[0]) for each in job.all]
        known = [peak for peak in peaks if peak is not None]
        return sum(known) if len(known) == len(peaks) else None

    def needs(job: Job) -> Needs:
        keys = tuple(each.key for each in job.all)
        if keys not in found:
            peak = peak_of(job)
            found[keys] = Needs(
                study.memory_limit if peak is None else job.ranks * peak + libraries,
                cores=job.ranks,
                gpus=job.ranks if job.settings.model is not None else 0,
                gpu_bytes=peak,
            )
        return found[keys]

    return needs


def together_on(most: int, planned: Plan | None, cards: Sequence[Gpu]) -> Together:
    """Up to so many trials in a process, in the room of a GPU, or else of a trial of the plan."""
    room = room_of(cards) if cards else planned.limit_bytes if planned else 0
    return Together(most, room, on_gpu=bool(cards))
