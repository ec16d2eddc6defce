"""Recording a full grid: every contender is trained whole at every rate with every seed.

A trial goes to its rungs, to its end and to the test split as in a study whose rates are measured,
by the same worker, so that what it leaves is what the scheduler would have seen. The study folder
is the only state: what is complete in it is not trained again.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from grids.recording import SPLITS, TEST, WHOLE, Grid, GridHeader, GridTrial
from reference.cases import Case, study_of
from reference.records import made_by

import tunewise
from tunewise.core.format import duration
from tunewise.estimate.schedule import around_seconds, prices_of
from tunewise.store.answers import Answers, read_answers
from tunewise.store.identity import rung_id
from tunewise.store.records import (
    AuditRecord,
    ContenderRecord,
    Descriptions,
    PointRecord,
    StudyRecord,
)
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job
from tunewise.store.trials import TrialRecord
from tunewise.studies.choose import point_id
from tunewise.studies.engines.base import Needs
from tunewise.studies.engines.pool import Pool
from tunewise.studies.prepare import store
from tunewise.studyfile.expand import expand

BATCH = 32
TESTED = 1000  # rows of the test split
TRIES = 2
REFERENCES = ("majority", "tfidf", "head")
CONTENDERS = ("lora", "full", "last-layers", "bitfit", "prefix", "ia3")
PEFT = {"ia3": {"peft": {"name": "ia3", "peft_type": "IA3"}}}


@dataclass(frozen=True)
class Asked:
    """What is to be recorded of each data set."""

    contenders: Sequence[str] = CONTENDERS
    rates: int = 5
    seeds: int = 3
    copied: str = CONTENDERS[0]  # trained with further seeds at its chosen rate, for null studies
    copies: int = 12
    rows: int = 600
    steps: int = 200
    workers: int = 2


def settings_of(dataset: str, model: str, data: Path, asked: Asked) -> dict[str, Any]:
    """The study file of a grid, in which the trained contenders alone have a length.

    Raises:
        Absent: the data or the model are not there.
    """
    epochs = math.ceil(asked.steps / math.ceil(asked.rows / BATCH))
    methods: list[Any] = [*REFERENCES, *(_entry(name, epochs) for name in asked.contenders)]
    case = Case(dataset, asked.rows, model if not Path(model).is_dir() else "embedded-encoder")
    found = study_of(case, data, methods, range(asked.seeds))
    if Path(model).is_dir():
        found["models"] = [str(Path(model).resolve())]
    found["data"] = {**found["data"], "limit": {**found["data"]["limit"], "test": TESTED}}
    return {**found, "name": f"{dataset}-grid"}


def _entry(name: str, epochs: int) -> dict[str, Any]:
    ((kind, settings),) = PEFT.get(name, {name: {"name": name}}).items()
    return {kind: {**settings, "training": {"epochs": epochs}}}


def record(settings: dict[str, Any], runs: Path, asked: Asked) -> tuple[Grid, bool]:
    """Train what is not trained yet; the grid as far as it is there, and whether it is whole."""
    started = time.monotonic()
    study = tunewise.Study.read(settings)
    with Pool() as pool:
        prepared = study.prepare()
        whole = _with_rates(prepared.study, asked.rates)
        planned = study.plan(workers=asked.workers)
        folder = StudyFolder.create(runs / settings["name"])
        with folder.lock():
            store(prepared, folder)
            chains = list(_chains(whole, range(asked.seeds)))
            work = _Work(folder, pool, asked.workers, started)
            try:
                missing = work.do([_features(whole)]) + work.do(chains)
                if not missing:
                    chains += (more := list(_copies(whole, folder, asked)))
                    missing = work.do(more)
            except (KeyboardInterrupt, SystemExit) as ended:
                print(f"stopped ({ended}); the same command goes on")
                missing = 1
    expansion = expand(study.settings)
    header = GridHeader(
        _slim(whole),
        prices_of(expansion, planned),
        around_seconds(expansion, planned),
        made_by={**made_by(""), "command": " ".join(["python", *sys.argv])},
    )
    return _grid(header, whole, [chain.trial for chain in chains], folder), not missing


@dataclass(frozen=True)
class Chain:
    """The jobs of one trial, one after the other."""

    trial: GridTrial
    jobs: tuple[Job, ...]


def _with_rates(study: StudyRecord, rates: int) -> StudyRecord:
    """The study with so many rates of each contender, those nearest to its prior."""

    def cut(row: ContenderRecord) -> ContenderRecord:
        if row.rates is None:
            return row
        first = max(0, row.rates.prior - rates // 2)
        points = row.points[first : row.rates.prior + rates // 2 + 1]
        return replace(row, points=points, rates=replace(row.rates, prior=row.rates.prior - first))

    return replace(study, contenders=tuple(map(cut, study.contenders)))


def _features(study: StudyRecord) -> Chain:
    """What frozen backbones give, once for all trials that read it."""
    rows = {row.features: row for row in study.contenders if row.features}
    jobs = [
        Job("features", key, row.points[0].settings.with_seed(study.seeds[0]), key)
        for key, row in rows.items()
        if key
    ]
    return Chain(GridTrial("features"), tuple(jobs))


def _chains(study: StudyRecord, seeds: Sequence[int]) -> Iterator[Chain]:
    """Every trial of the grid, seed by seed, the contender with most parameters first."""
    rows = sorted(study.contenders, key=lambda row: -_trainable(row))
    for seed in seeds:
        for row in rows:
            if row.seeded or seed == seeds[0]:
                for point in range(len(row.points)):
                    yield _chain(study, row, point, seed)


def _trainable(row: ContenderRecord) -> int:
    return row.parameters.trainable if row.parameters else 0


def _chain(study: StudyRecord, row: ContenderRecord, point: int, seed: int) -> Chain:
    place, id = row.points[point], point_id(study, row, point, seed)
    settings = place.settings.with_seed(seed)
    whole = Job("trial", id, settings, row.features, place.parameters)
    rungs = row.rates.rungs if row.rates else ()
    jobs = [replace(whole, id=rung_id(id, step), until=step) for step in rungs]
    return Chain(GridTrial(row.name, point, seed), (*jobs, whole, replace(whole, kind="test")))


def _copies(study: StudyRecord, folder: StudyFolder, asked: Asked) -> Iterator[Chain]:
    """Further seeds of one contender at the rate whose mean loss over the seeds is lowest."""
    row = next((row for row in study.contenders if row.name == asked.copied), None)
    if row is None or not row.seeded:
        return

    def loss(point: int) -> float:
        found = [folder.record(point_id(study, row, point, seed)) for seed in range(asked.seeds)]
        losses = [one.metric("loss") if one and one.status == "done" else None for one in found]
        return float(np.mean([math.inf if loss is None else loss for loss in losses]))

    best = min(range(len(row.points)), key=loss)
    for seed in range(asked.seeds, asked.seeds + asked.copies):
        yield _chain(study, row, best, seed)


class _Work:
    """Chains side by side, each job by a process of the worker."""

    def __init__(self, folder: StudyFolder, pool: Pool, workers: int, started: float) -> None:
        self.folder, self.pool = folder, pool
        self.started = started
        self.pool.places(workers)

    def do(self, chains: Sequence[Chain]) -> int:
        """Do what is not done yet; how many chains were left unfinished."""
        waiting = [chain for chain in chains if self._next(chain)]
        total, ended, lost = len(waiting), 0, 0
        running: dict[str, Chain] = {}
        tried: dict[str, int] = {}
        while waiting or running:
            while waiting and self.pool.takes(Needs()):
                self._start(waiting.pop(0), running)
            for key, _ in self.pool.reports(0.2):
                chain = running.pop(key)
                job = self._next(chain)
                tried[key] = tried.get(key, 0) + 1
                if job is not None and (job.key != key or tried[key] < TRIES):
                    waiting.insert(0, chain)  # its checkpoint is warm, and its weights take room
                    continue
                ended += 1
                lost += job is not None
                self._tell(chain, ended, total, failed=job is not None)
        return lost

    def _start(self, chain: Chain, running: dict[str, Chain]) -> None:
        job = self._next(chain)
        assert job is not None
        running[job.key] = chain
        self.pool.start(self.folder, job, Needs())

    def _next(self, chain: Chain) -> Job | None:
        """The first of its jobs that is not complete; its weights go once it was tested."""
        for job in chain.jobs:
            if job.kind == "features":
                done = job.id in self.folder.features()
            elif job.kind == TEST:
                trained = self.folder.record(job.id)
                done = trained is not None and trained.status != "done"
                done = done or self.folder.test(job.id) is not None
            else:
                done = self.folder.record(job.id) is not None
            if not done:
                return job
        last = chain.jobs[-1:]
        if last and last[0].kind == TEST and self.folder.has_weights(last[0].id):
            self.folder.remove_weights(last[0].id, "recorded")
        return None

    def _tell(self, chain: Chain, ended: int, total: int, *, failed: bool) -> None:
        took = time.monotonic() - self.started
        left = duration(took / ended * (total - ended))
        trial = chain.trial
        name = f"{trial.contender} rate {trial.point} seed {trial.seed}"
        how = "  ENDED WITHOUT A RESULT" if failed else ""
        print(f"{ended}/{total} after {duration(took)}, {left} left: {name}{how}", flush=True)


def _slim(study: StudyRecord) -> StudyRecord:
    """What decisions read of a study. A point's identity is where it stands, which is shorter."""

    def slim(row: ContenderRecord) -> ContenderRecord:
        points = tuple(
            PointRecord(point.chosen, identity={"contender": row.name, "point": place})
            for place, point in enumerate(row.points)
        )
        return replace(row, points=points, features=None)

    return replace(
        study,
        settings={},
        descriptions=Descriptions(),
        contenders=tuple(map(slim, study.contenders)),
        data=replace(study.data, audit=AuditRecord()),
    )


def _grid(
    header: GridHeader, study: StudyRecord, wanted: Sequence[GridTrial], folder: StudyFolder
) -> Grid:
    """Gather what the study folder holds of the trials."""
    rows = {row.name: row for row in study.contenders}
    rungs = next((row.rates.rungs for row in study.contenders if row.rates), ())
    trials, losses = [], []
    answers: dict[str, list[Answers | None]] = {split: [] for split in SPLITS}
    for trial in wanted:
        id = point_id(study, rows[trial.contender], trial.point, trial.seed)
        found, tested = folder.record(id), folder.test(id)
        if found is None:
            continue
        at_rungs = [folder.record(rung_id(id, step)) for step in rungs]
        reached = {str(step): one for step, one in zip(rungs, at_rungs, strict=True) if one}
        seconds = {name: one.costs.total_seconds for name, one in reached.items()}
        seconds[WHOLE] = found.costs.total_seconds
        metrics = {"validation": found.result.metrics.get("validation", {})}
        if tested is not None:
            seconds[TEST] = sum(tested.costs.seconds.values())
            metrics["test"] = tested.result.metrics["test"]
        trials.append(
            replace(
                trial,
                status=found.status,
                steps=found.result.steps,
                seconds={name: round(value or 0.0, 2) for name, value in seconds.items()},
                metrics=metrics,
            )
        )
        losses.append([one.result.losses if one else None for one in at_rungs])
        answers["validation"].append(_answers(found, "validation"))
        answers["test"].append(_answers(tested, "test"))
    return Grid(
        replace(header, trials=tuple(trials)),
        {split: _labels(found) for split, found in answers.items()},
        {split: _choices(found) for split, found in answers.items()},
        _losses(losses, len(rungs)),
    )


def _answers(record: TrialRecord | None, split: str) -> Answers | None:
    if record is None or record.status != "done":
        return None
    return read_answers(record.folder / "predictions" / f"{split}.parquet", 0)


def _labels(found: Sequence[Answers | None]) -> Any:
    return next((one.labels.astype(np.int8) for one in found if one), np.zeros(0, np.int8))


def _choices(found: Sequence[Answers | None]) -> Any:
    examples = len(_labels(found))
    choices = [one.choices if one else np.full(examples, -1) for one in found]
    return np.array(choices, dtype=np.int8).reshape(len(found), examples)


def _losses(found: Sequence[Sequence[Sequence[float] | None]], rungs: int) -> Any:
    known = (one for trial in found for one in trial if one)
    examples = len(next(known, ()))
    filled = [[one or [math.nan] * examples for one in trial or [None] * rungs] for trial in found]
    return np.array(filled, dtype=np.float16).reshape(len(found), rungs, examples)
