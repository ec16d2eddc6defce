"""Which trials of a study one process can train together, over one frozen base. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tunewise.core.canonical import Settings, digest
from tunewise.store.identity import seeds_of
from tunewise.store.records import StudyRecord
from tunewise.store.trial_records import Job
from tunewise.studies.engines.base import Needs

NeedsOf = Callable[[Job], Needs]
METHOD, TASK = "lora", "classification"
OWN_METHOD = ("rank", "alpha")  # settings in which trials that are trained together may differ
OWN_TRAINING = ("learning_rate",)
# What would draw numbers for all at once, round their sums otherwise, or end one with all others.
NEEDED = {
    "dropout": 0,
    "precision": "float32",
    "quantize": None,
    "gradient_checkpointing": False,
    "timeout": None,
}
RIGHT = (
    f"{METHOD} trials of {TASK} with training.dropout: 0, in float32 and without a timeout, that "
    "differ in learning rate, seed, rank or alpha alone"
)


@dataclass(frozen=True)
class Together:
    """How many trials a process may train, and the memory that is there for it."""

    most: int = 1
    room_bytes: int = 0  # of a GPU, or else of the machine
    on_gpu: bool = False

    def gathered(self, job: Job, others: Iterable[Job], needs_of: NeedsOf) -> Job:
        """The job with as many of the others beside it as may be and fit, the first first."""
        wanted = basis(job)
        for other in others:
            more = replace(job, beside=(*job.beside, other))
            if wanted is None or len(more.all) > self.most:
                break
            if basis(other) == wanted and self._fits(needs_of(more)):
                job = more
        return job

    def _fits(self, needs: Needs) -> bool:
        """Not where nobody has predicted what they take."""
        taken = needs.gpu_bytes if self.on_gpu else needs.memory_bytes
        return taken is not None and taken <= self.room_bytes


ALONE = Together()


def basis(job: Job) -> str | None:
    """What trials that are trained together have in common; None of one that never is."""
    settings = job.settings
    training, method = settings.training, settings.method
    if job.kind != "trial" or job.features is not None or job.ranks > 1:
        return None
    if method.name != METHOD or settings.task.get("kind") != TASK:
        return None
    if method.settings.get("dropout") or any(training.get(k) != v for k, v in NEEDED.items()):
        return None
    return digest(
        {
            "task": settings.task,
            "data": settings.data.hash,
            "model": settings.model.as_json() if settings.model else None,
            "method": [method.version, _without(method.settings, OWN_METHOD)],
            "training": _without(training, OWN_TRAINING),
        }
    )


def can_any(study: StudyRecord) -> bool:
    """Whether a study has trials that could be trained together."""
    found = Counter(
        basis(Job("trial", "", point.settings.with_seed(seed), row.features))
        for row in study.contenders
        for point in row.points
        for seed in seeds_of(study, row)
    )
    return any(count > 1 for common, count in found.items() if common is not None)


def _without(values: Settings, names: Iterable[str]) -> Settings:
    return {name: value for name, value in values.items() if name not in names}
