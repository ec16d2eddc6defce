"""What a study would cost and could tell, before any of it runs. Writes nothing but its cache."""

from __future__ import annotations

import heapq
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tunewise.backbones.shapes import configuration_folder, tokenizer_of
from tunewise.core.canonical import settings_of
from tunewise.core.errors import InputError, Problem
from tunewise.costs.calibration import Calibration, known_calibration
from tunewise.costs.limit import SHARE, available_bytes
from tunewise.costs.parameters import artefact_bytes
from tunewise.data.rows import Splits
from tunewise.data.sources import read_data
from tunewise.studies.expand import Contender, Expansion, Point, expand
from tunewise.studies.foreseer import Foreseer
from tunewise.studies.rows import task_settings
from tunewise.studies.settings import ModelChoice, StudySettings
from tunewise.tasks.classification import Classification
from tunewise.training.batches import evaluation_batches, training_batches
from tunewise.training.predictor import EVALUATION_BATCH

MOST_TOKENIZED = 4000  # texts of a split; of more, evenly picked ones stand for all
TOKENS_A_WORD = 1.4  # where there is no tokenizer at hand
TRIAL_FILES_BYTES = 60_000  # results, log and predictions of a small trial
UNKNOWN_BYTES = 1 << 62  # where the system does not say what is free
THREADS = 1  # that a trial has
START_SECONDS = 0.5  # a trial's process, reading its data, writing its results
LOADED_BYTES = 1e9  # of weights that are read or written in a second
DIRECT_SECONDS = 5.0  # a method without a loop; it hardly counts

Say = Any


@dataclass(frozen=True)
class Remedy:
    """A change of the settings with which a contender would fit, and what it then needs."""

    settings: str
    peak_bytes: int


@dataclass(frozen=True)
class Planned:
    """A contender before it runs. None where a prediction is not possible or not needed.

    `peak_bytes` is what its largest trial holds, `phase` when, `kinds` of what; the libraries
    come on top, once.
    """

    name: str
    trials: int
    parameters: dict[str, int] | None = None
    groups: dict[str, dict[str, int]] | None = None
    reduction: float | None = None  # what LoRA trains of the matrices it adapts, as a fraction
    artefact_bytes: int | None = None
    peak_bytes: int | None = None
    phase: str | None = None
    kinds: dict[str, int] | None = None
    seconds: float = 0.0  # of one trial
    features_seconds: float = 0.0  # of a frozen trunk's outputs, once for all that share them
    note: str | None = None  # why nothing is predicted
    fits: bool = True
    remedies: tuple[Remedy, ...] = ()
    standing_bytes: int = 0  # weights, gradients, optimiser state: what no smaller batch lessens


@dataclass(frozen=True)
class Plan:
    """What ``tunewise plan`` shows."""

    name: str
    contenders: tuple[Planned, ...]
    trials: int
    seeds: int
    workers: int
    seconds: float
    disk_bytes: int
    limit_bytes: int
    limit_is_set: bool
    libraries_bytes: int
    rows: dict[str, int]
    notes: tuple[str, ...] = ()
    calibration: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class _Lengths:
    """Tokens of each text, before anything is cut."""

    train: Sequence[int]
    validation: Sequence[int]


def plan(settings: StudySettings, *, workers: int, say: Say = lambda text: None) -> Plan:
    """Read the data, foresee each contender, and say what the study takes and can tell.

    Needs of each model its configuration alone; with a tokenizer beside it lengths are exact.

    Raises:
        InputError: all that is wrong with data, models and methods, together.
    """
    return _Planner(settings, workers, say).plan()


class _Planner:
    def __init__(self, settings: StudySettings, workers: int, say: Say) -> None:
        self.settings, self.workers, self.say = settings, workers, say
        self.expansion: Expansion = expand(settings)
        self.notes: list[str] = []
        self.problems: list[Problem] = []
        together = min(workers, self.expansion.trials)
        available = available_bytes() or UNKNOWN_BYTES
        self.limit = settings.memory_bytes or int(SHARE * available / together)  # of one trial
        self.libraries = 0

    def plan(self) -> Plan:
        task = self.settings.task
        self.say("Reading the data ...")
        data = read_data(self.settings.data, task.columns(), self.settings.base, label=task.stratum)
        settled = task.settle(data)
        self.labels, self.asked = settled.options, task_settings(task, settled.settings)
        self.splits: Splits = settled.splits
        if not isinstance(task, Classification):
            self.notes.append(f"memory and time are foreseen for classification, not {task.name}.")
        folders = self._folders()
        with Foreseer() as foreseer:
            self.foreseer = foreseer
            self.say("Foreseeing each contender ...")
            trained = [
                row
                for row in self.expansion.contenders
                if row.trained and isinstance(task, Classification)
            ]
            known = known_calibration(THREADS)
            self.calibration = known or Calibration(**foreseer.ask({"ask": "calibration"}))
            rows = {row.name: self._planned(row, folders) for row in _by_model(trained)}
        for row in self.expansion.contenders:
            rows.setdefault(row.name, self._direct(row))
        if self.problems:
            raise InputError(self.problems)
        contenders = tuple(rows[row.name] for row in self.expansion.contenders)
        return Plan(
            name=self.settings.name,
            contenders=contenders,
            trials=self.expansion.trials,
            seeds=self.expansion.seeds,
            workers=self.workers,
            seconds=self._seconds(contenders),
            disk_bytes=self._disk(contenders),
            limit_bytes=self.limit,
            limit_is_set=self.settings.memory_limit is not None,
            libraries_bytes=self.libraries,
            rows={name: len(rows) for name, rows in self.splits.items()},
            notes=tuple(dict.fromkeys([*self.expansion.notes, *self.notes])),
            calibration=asdict(self.calibration),
        )

    # Models and lengths

    def _folders(self) -> dict[ModelChoice, Path]:
        found: dict[ModelChoice, Path] = {}
        self.lengths: dict[Path, _Lengths] = {}
        if not isinstance(self.settings.task, Classification):
            return found
        for model in self.settings.models:
            try:
                found[model] = configuration_folder(model.source, self.settings.base)
            except InputError as error:
                self.problems += error.problems
        if self.problems:
            raise InputError(self.problems)
        return found

    def _lengths(self, folder: Path) -> _Lengths:
        if folder not in self.lengths:
            coder = tokenizer_of(folder)
            if coder is None:
                self.notes.append(
                    f"{folder.name}: no tokenizer at hand; a word counts as {TOKENS_A_WORD} tokens."
                )
            self.lengths[folder] = _Lengths(
                *(self._counted(coder, split) for split in ("train", "validation"))
            )
        return self.lengths[folder]

    def _counted(self, coder: Any, split: str) -> list[int]:
        task: Any = self.settings.task
        rows = self.splits[split]
        step = -(-len(rows) // MOST_TOKENIZED)
        columns = [[str(row[column]) for row in rows[::step]] for column in task.text]
        if coder is not None:
            found = [len(ids) for ids in coder(*columns, verbose=False)["input_ids"]]
        else:
            texts = zip(*columns, strict=True)
            found = [
                2 + int(TOKENS_A_WORD * sum(len(text.split()) for text in pair)) for pair in texts
            ]
        return [found[at // step] for at in range(len(rows))]

    @property
    def _pooling(self) -> Any:
        return getattr(self.settings.task, "pooling", "library")

    # Contenders

    def _planned(self, row: Contender, folders: dict[ModelChoice, Path]) -> Planned:
        assert row.model is not None
        folder = folders[row.model]
        about = self._about(folder)
        self.libraries = max(self.libraries, about["libraries_bytes"] or 0)
        found = [self._point(point, folder, about) for point in row.points]
        if row.entry.auto_batch:
            self.notes.append("batch_size: auto is planned with 32 examples.")
        if wrong := next((seen["error"] for seen in found if "error" in seen), None):
            self.problems.append(Problem(f"{row.name} on {row.model}", wrong))
            return Planned(row.name, row.trials(self.expansion.seeds))
        first = found[0]
        planned = Planned(
            name=row.name,
            trials=row.trials(self.expansion.seeds),
            parameters=first["parameters"],
            groups=first["groups"],
            reduction=first["reduction"],
            artefact_bytes=first["parameters"] and artefact_bytes(first["parameters"]),
        )
        if reason := next((s["not_predictable"] for s in found if "not_predictable" in s), None):
            return replace(planned, note=f"not predictable: {reason}")
        most = max(range(len(found)), key=lambda at: _peak(found[at]))
        memory = found[most]["memory"]
        phase = memory["peak_phase"]
        kinds = {**memory["peaks_bytes"][phase], "best_epoch": _best(row.points[most], memory)}
        planned = replace(
            planned,
            peak_bytes=_peak(found[most]) + kinds["best_epoch"],
            phase=phase,
            kinds={kind: size for kind, size in kinds.items() if size},
            seconds=statistics.mean(
                self._trial_seconds(point, seen, self._lengths(folder))
                for point, seen in zip(row.points, found, strict=True)
            ),
        )
        if found[most]["stored_features"]:
            seconds = self._features_seconds(found[most], self._lengths(folder))
            planned = replace(planned, features_seconds=seconds)
        if self._fits(planned.peak_bytes):
            return planned
        standing = kinds["best_epoch"] + sum(
            memory[f"{kind}_bytes"] for kind in ("weights", "trainable", "gradients", "optimizer")
        )
        planned = replace(planned, fits=False, standing_bytes=standing)
        return replace(
            planned,
            remedies=tuple(self._remedies(row.points[most], folder, about, planned)),
        )

    def _direct(self, row: Contender) -> Planned:
        return Planned(
            row.name,
            row.trials(self.expansion.seeds),
            seconds=0.0 if row.trained else DIRECT_SECONDS,
        )

    def _about(self, folder: Path) -> dict[str, Any]:
        return self.foreseer.ask({"ask": "model", **self._model(folder, None)})

    def _model(self, folder: Path, dropout: float | None) -> dict[str, Any]:
        return {
            "folder": str(folder.resolve()),
            "options": list(self.labels),
            "pooling": self._pooling,
            "dropout": dropout,
        }

    def _point(self, point: Point, folder: Path, about: dict[str, Any]) -> dict[str, Any]:
        """What is foreseen of one point at its longest batch."""
        training = point.training
        assert training is not None
        lengths = self._lengths(folder)
        limit = min(training.max_length or 512, about["max_length"])
        shape = {
            "examples": min(training.batch_size, len(lengths.train)),
            "parts": training.accumulate,
            "tokens": min(limit, max(lengths.train)),
            "evaluated": min(EVALUATION_BATCH, len(lengths.validation)),
            "evaluated_tokens": min(limit, max(lengths.validation)),
        }
        # What changes neither memory nor time of a step must not make another question of it.
        same = {"learning_rate": None, "epochs": 1, "patience": None, "timeout": None}
        return self.foreseer.ask(
            {
                "ask": "contender",
                **self._model(folder, training.dropout),
                "task": self.asked,
                "method": {
                    "name": point.method.name,
                    "settings": settings_of(point.method),
                    "version": point.method.version,
                },
                "training": {**settings_of(training), **same},
                "shape": shape,
                "device": "cpu",
            }
        )

    # Time

    def _trial_seconds(self, point: Point, seen: dict[str, Any], lengths: _Lengths) -> float:
        """Of one trial: every epoch's steps and evaluations at the lengths the texts have."""
        training = point.training
        assert training is not None
        memory = seen["memory"]
        train = [min(length, seen["max_length"]) for length in lengths.train]
        held = [min(length, seen["max_length"]) for length in lengths.validation]
        if seen["stored_features"]:
            train, held = [1] * len(train), [1] * len(held)
        batches = training_batches(train, training.batch_size, seed=0, epoch=1)
        counted = min(training.batch_size, len(train)) * (
            1 if seen["stored_features"] else seen["tokens"]
        )
        shares = [len(batch) * max(train[at] for at in batch) / counted for batch in batches]
        step = ("forward", "backward", "update")
        epoch = sum(self._work(memory, step, share) for share in shares)
        evaluated = self._evaluation(memory, held)
        moved = 4 * (seen["parameters"]["total"] + seen["parameters"]["trainable"])
        around = START_SECONDS + moved / LOADED_BYTES
        return around + training.epochs * (epoch + evaluated) + evaluated

    def _evaluation(self, memory: dict[str, Any], lengths: Sequence[int]) -> float:
        return self._batched(memory, "evaluation", lengths, max(lengths))

    def _batched(
        self, memory: dict[str, Any], phase: str, lengths: Sequence[int], counted: int
    ) -> float:
        """Of a pass over a split in evaluation batches; one of `counted` tokens was counted."""
        batches = evaluation_batches(lengths, EVALUATION_BATCH)
        most = min(EVALUATION_BATCH, len(self.splits["validation"])) * counted
        return sum(
            self._work(memory, (phase,), len(batch) * lengths[batch[0]] / most) for batch in batches
        )

    def _features_seconds(self, seen: dict[str, Any], lengths: _Lengths) -> float:
        total = 0.0
        for split in (lengths.train, lengths.validation):
            cut = [min(length, seen["max_length"]) for length in split]
            total += self._batched(seen["memory"], "features", cut, seen["evaluated_tokens"])
        return total

    def _work(self, memory: dict[str, Any], phases: Iterable[str], share: float) -> float:
        total = 0.0
        for phase in phases:
            by = 1.0 if phase == "update" else share
            total += self.calibration.seconds(
                int(by * memory["flops"].get(phase, 0)),
                int(by * memory["moved_bytes"].get(phase, 0)),
                memory["operations"].get(phase, 0),
            )
        return total

    def _seconds(self, contenders: Sequence[Planned]) -> float:
        """Of the study: all search points, then the other seeds, side by side."""
        frozen = {str(row.model): 0.0 for row in self.expansion.contenders}
        for source, row in zip(self.expansion.contenders, contenders, strict=True):
            frozen[str(source.model)] = max(frozen[str(source.model)], row.features_seconds)
        total = _makespan(list(frozen.values()), self.workers)
        by_name = {row.name: row for row in contenders}
        searches, seeds = [], []
        for source in self.expansion.contenders:
            planned = by_name[source.name]
            searches += [planned.seconds] * len(source.points)
            seeds += [planned.seconds] * (planned.trials - len(source.points))
        for jobs in (searches, seeds):
            total += _makespan(jobs, self.workers)
        return total

    # Disk and memory

    def _disk(self, contenders: Sequence[Planned]) -> int:
        kept = 0
        for row, source in zip(contenders, self.expansion.contenders, strict=True):
            copies = {
                "all": row.trials,
                "none": 0,
                "chosen": row.trials - len(source.points) + 1,
            }[self.settings.keep]
            kept += copies * (row.artefact_bytes or 0)
        return kept + self.expansion.trials * TRIAL_FILES_BYTES

    def _fits(self, peak_bytes: int | None) -> bool:
        return (peak_bytes or 0) + self.libraries <= self.limit

    def _remedies(
        self, point: Point, folder: Path, about: dict[str, Any], planned: Planned
    ) -> Iterable[Remedy]:
        """Changes after which it fits, each foreseen for itself; the least change first."""
        training = point.training
        assert training is not None and planned.peak_bytes is not None
        fewer = self.limit * min(self.workers, self.expansion.trials)
        if self.settings.memory_bytes is None and planned.peak_bytes + self.libraries <= fewer:
            yield Remedy("--workers 1", planned.peak_bytes)
        if not self._fits(planned.standing_bytes):
            return
        for said, changed in _changes(point):
            seen = self._point(changed, folder, about)
            if "memory" not in seen:
                continue
            peak = _peak(seen) + _best(changed, seen["memory"])
            if self._fits(peak):
                yield Remedy(said, peak)
                if said.startswith("accumulate"):
                    return


def _changes(point: Point) -> Iterable[tuple[str, Point]]:
    """Settings that need less memory: recomputed blocks, fewer modules, smaller parts."""
    training = point.training
    assert training is not None

    def trained(said: str, **values: Any) -> tuple[str, Point]:
        return said, replace(point, training=replace(training, **values))

    if not training.gradient_checkpointing:
        yield trained("gradient_checkpointing: true", gradient_checkpointing=True)
    if training.precision == "float32":
        yield trained("precision: bfloat16", precision="bfloat16")
    method: Any = point.method
    if method.name == "lora" and tuple(method.targets) != ("query",):
        yield "lora: {targets: [query]}", replace(point, method=replace(method, targets=("query",)))
    parts = 2 * training.accumulate
    while parts <= training.batch_size:
        at_once = -(-training.batch_size // parts)
        yield trained(f"accumulate: {parts} ({at_once} at a time)", accumulate=parts)
        parts *= 2
    most = training.batch_size
    yield trained(
        f"accumulate: {most} and gradient_checkpointing: true",
        accumulate=most,
        gradient_checkpointing=True,
    )


def _by_model(rows: Sequence[Contender]) -> list[Contender]:
    """Ordered so that the foreseeing process builds each model once."""
    return sorted(rows, key=lambda row: str(row.model))


def _peak(seen: dict[str, Any]) -> int:
    if "memory" not in seen:
        return 0
    peaks: dict[str, int] = seen["memory"]["peak_bytes"]
    return max(peaks.values())


def _best(point: Point, memory: dict[str, Any]) -> int:
    """Bytes of the best epoch's weights, which are kept aside from the second epoch on."""
    training = point.training
    assert training is not None
    keeps = training.choose == "best" and training.epochs > 1
    return int(memory["trainable_bytes"]) if keeps else 0


def _makespan(jobs: Sequence[float], workers: int) -> float:
    """Seconds until all are done, each worker taking the next one when it is free."""
    free = [0.0] * workers
    for seconds in jobs:
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)
