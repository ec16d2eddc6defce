"""What a study would cost and could tell, before any of it runs. Writes nothing but its cache."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewise.backbones.nf4 import EXTRA, PACKAGE
from tunewise.backbones.pools import AUTO
from tunewise.backbones.shapes import configuration_folder, tokenizer_of
from tunewise.backbones.sources import parts_of
from tunewise.core.canonical import JSONObject, settings_of
from tunewise.core.errors import InputError, Problem
from tunewise.core.extras import require
from tunewise.core.format import listed, percent
from tunewise.costs.calibration import Calibration, faster_precision
from tunewise.costs.limit import FRACTION, available_bytes
from tunewise.costs.machine_speed import confirmed_calibration
from tunewise.costs.parameters import artifact_bytes
from tunewise.data.examples import Example
from tunewise.data.table import Splits
from tunewise.estimate.client import EstimateClient
from tunewise.estimate.lengths import (
    TOKENS_A_WORD,
    Lengths,
    behind,
    lengths_of,
    packing_note,
    step_of,
)
from tunewise.estimate.memory_fixes import best_epoch_bytes, changes, peak_of
from tunewise.estimate.plan_types import Plan, Planned, Remedy
from tunewise.estimate.schedule import schedule_of
from tunewise.estimate.seconds import (
    answering_seconds,
    computing,
    features_seconds,
    steps_of,
    study_seconds,
    trial_seconds,
)
from tunewise.methods.base import AsIs, Method
from tunewise.studies.contenders.pooling import asked_of, pooling_notes
from tunewise.studies.rate_search import rungs_of
from tunewise.studies.rows import rows_of
from tunewise.studyfile.contender_records import task_settings
from tunewise.studyfile.expand import Expansion, PlannedContender, PlannedPoint, expand
from tunewise.studyfile.settings import ModelChoice, StudySettings
from tunewise.tasks.lengths import wanted_length
from tunewise.training.seeds import derive
from tunewise.training.settings import AUTO as LEFT_TO_US
from tunewise.training.settings import TrainingSettings, search_steps

if TYPE_CHECKING:  # it loads what builds models, which a plan does not
    from tunewise.studies.prepare import Prepared

TRIAL_FILES_BYTES = 60_000  # results, log and predictions of a small trial
UNKNOWN_BYTES = 1 << 62  # where the system does not say what is free
LONG_SECONDS = 60.0  # of a study, for which a faster step is worth a word
THREADS = 1  # that a trial has
DIRECT_SECONDS = 5.0  # a method without a loop; it hardly counts

Say = Any
Folders = tuple[Path, ...]  # of a model, or of its two encoders


def plan(
    settings: StudySettings,
    *,
    workers: int,
    say: Say = lambda text: None,
    calibration: Calibration | None = None,
    prepared: Prepared | None = None,
) -> Plan:
    """Read the data, predict each contender, and say what the study takes and can tell.

    Needs of each model its configuration alone; with a tokenizer beside it lengths are exact. Where
    a machine's `calibration` is given, the plan is for that machine. Of a study that is `prepared`
    the data are not read again.

    Raises:
        InputError: all that is wrong with data, models and methods, together.
    """
    return _Planner(settings, workers, say, calibration).plan(prepared)


def found_while_training(point: PlannedPoint, row: PlannedContender, rows: int) -> list[str]:
    """What the time of a contender takes for granted, where the training itself finds it."""
    training = point.training
    if training is None:
        return []
    steps_per_epoch = -(-rows // training.batch_size)
    notes = []
    if training.epochs == "auto":
        expected, most = steps_of(training, rows)
        notes.append(
            f"epochs: auto ends where validation loss falls no more, expected after about "
            f"{expected:,} steps and at the latest after {most:,}."
        )
    if row.rates is not None:
        steps = rungs_of(search_steps(training, steps_per_epoch))
        where = f"at step {listed(list(map(str, steps)))}" if steps else "after whole trainings"
        notes.append(f"learning_rate: auto compares {2 * row.rates.around + 1} rates {where}.")
    return notes


class _Planner:
    def __init__(
        self, settings: StudySettings, workers: int, say: Say, known: Calibration | None
    ) -> None:
        self.known = known
        self.settings, self.workers, self.say = settings, workers, say
        self.expansion: Expansion = expand(settings)
        self.notes: list[str] = []
        self.problems: list[Problem] = []
        together = min(workers, self.expansion.trials)
        available = available_bytes() or UNKNOWN_BYTES
        self.limit = settings.memory_bytes or int(FRACTION * available / together)  # of one trial
        self.libraries = 0

    def plan(self, prepared: Prepared | None) -> Plan:
        self.splits: Splits
        self.settled: JSONObject  # settings of the task that the data gave
        if prepared is not None:
            self.labels, self.splits = prepared.study.labels, prepared.splits
            self.settled = prepared.task_settings
        else:
            self.say("Reading the data ...")
            settled = self.settings.task.settle(rows_of(self.settings))
            self.labels, self.splits = settled.options, settled.splits
            self.settled = settled.settings
        folders = self._folders()
        with EstimateClient() as client:
            self.client = client
            self.say("Predicting memory and time of each contender ...")
            asked = [
                row
                for row in self.expansion.contenders
                if row.trained or isinstance(row.method, AsIs)
            ]
            known = self.known or confirmed_calibration(THREADS)
            self.calibration = known or Calibration(**client.ask({"ask": "calibration"}))
            asked.sort(key=lambda row: str(row.model))  # so that each model is built once
            rows = {row.name: self._planned(row, folders) for row in asked}
        for row in self.expansion.contenders:
            seconds = 0.0 if row.trained else DIRECT_SECONDS
            trials = row.trials(self.expansion.seeds)
            rows.setdefault(
                row.name, Planned(row.name, trials, seconds=seconds, most_seconds=seconds)
            )
        if self.problems:
            raise InputError(self.problems)
        contenders = tuple(rows[row.name] for row in self.expansion.contenders)
        self.notes += self._faster(contenders)
        planned = Plan(
            name=self.settings.name,
            contenders=contenders,
            trials=sum(row.trials for row in contenders),
            seeds=self.expansion.seeds,
            workers=self.workers,
            seconds=self._seconds(contenders, longest=False),
            longest_seconds=self._seconds(contenders, longest=True),
            disk_bytes=self._disk(contenders),
            limit_bytes=self.limit,
            limit_is_set=self.settings.memory_limit is not None,
            libraries_bytes=self.libraries,
            rows={name: len(rows) for name, rows in self.splits.items()},
            notes=tuple(dict.fromkeys([*self.expansion.notes, *self.notes])),
            calibration=asdict(self.calibration),
        )
        return replace(planned, schedule=schedule_of(self.settings, self.expansion, planned))

    def _faster(self, contenders: Sequence[Planned]) -> list[str]:
        """That sixteen bits would take less time here, where it matters and is not asked for."""
        step = self.calibration.bfloat16_step
        trains = [
            point.training
            for row, source in zip(contenders, self.expansion.contenders, strict=True)
            for point in source.points
            if point.training is not None and not row.solved
        ]
        whole = [training for training in trains if training.precision == "float32"]
        matters = whole and self._seconds(contenders, longest=False) >= LONG_SECONDS
        if not matters or faster_precision(step) == "float32":
            return []
        return [
            f"a step with precision: bfloat16 was measured to take {percent(step, digits=0)} % of "
            "the time on this machine."
        ]

    def _seconds(self, contenders: Sequence[Planned], *, longest: bool) -> float:
        return study_seconds(
            self.expansion,
            contenders,
            self.workers,
            rows=len(self.splits["train"]),
            tested=len(self.splits.get("test", ())) / len(self.splits["validation"]),
            longest=longest,
        )

    # Models and lengths

    def _folders(self) -> dict[ModelChoice, Folders]:
        found: dict[ModelChoice, Folders] = {}
        self.lengths: dict[Path, Lengths] = {}
        pairs = self.settings.task.builder.images
        for model in self.settings.places:
            sources = parts_of(model.source) if pairs else (model.source,)
            try:
                found[model] = tuple(
                    configuration_folder(source, self.settings.base) for source in sources
                )
            except InputError as error:
                self.problems += error.problems
        if self.problems:
            raise InputError(self.problems)
        self.asked: dict[Folders, JSONObject] = {}  # the task as each model is asked it
        for model, folders in found.items():
            task = self.settings.task
            if task.builder.pooling == AUTO:  # the model's weights may not be at hand
                here = {"pretrained_model_name_or_path": str(folders[0]), "local_files_only": True}
                try:
                    task, _, pooling = asked_of(task, here, folders[0])
                except InputError as error:
                    self.problems += error.problems
                    continue
                self.notes += pooling_notes({str(model): pooling})
            self.asked[folders] = task_settings(task, self.settled)
        if self.problems:
            raise InputError(self.problems)
        return found

    def _lengths(self, folders: Folders, method: Method) -> Lengths:
        folder = folders[-1]  # of what reads texts
        task, tokenizer = self.settings.task, tokenizer_of(folder)
        if folder not in self.lengths:
            if tokenizer is None:
                self.notes.append(
                    f"{folder.name}: no tokenizer at hand; a word counts as {TOKENS_A_WORD} tokens."
                )
            self.lengths[folder] = lengths_of(task, tokenizer, self.splits)
        shown: tuple[Example, ...] = ()
        if isinstance(method, AsIs):
            known = [task.read(row) for row in self.splits["train"]]
            shown = method.shown(known, derive(self.settings.seeds[0], "method"))
        return behind(self.lengths[folder], task, tokenizer, self.splits, shown)

    # Contenders

    def _planned(self, row: PlannedContender, folders: dict[ModelChoice, Folders]) -> Planned:
        assert row.model is not None
        folder = folders[row.model]
        about = self.client.ask({"ask": "model", **self._model(folder, None)})
        self.libraries = max(self.libraries, about["libraries_bytes"] or 0)
        points = row.points[:1] if row.rates else row.points  # a rate changes no shape
        points = tuple(self._in_precision(point) for point in points)
        texts = self._lengths(folder, row.method)
        found = [self._point(point, folder, about, texts) for point in points]
        if row.entry.auto_batch:
            self.notes.append("batch_size: auto is planned with 32 examples.")
        if not found[0].get("solved"):
            self.notes += found_while_training(row.points[0], row, len(self.splits["train"]))
        if wrong := next((seen["error"] for seen in found if "error" in seen), None):
            self.problems.append(Problem(f"{row.name} on {row.model}", wrong))
            return Planned(row.name, row.trials(self.expansion.seeds))
        first = found[0]
        planned = Planned(
            name=row.name,
            trials=1 if first.get("solved") else row.trials(self.expansion.seeds),
            parameters=first["parameters"],
            groups=first["groups"],
            reduction=first["reduction"],
            artefact_bytes=first["parameters"] and artifact_bytes(first["parameters"]),
            solved=bool(first.get("solved")),
        )
        if reason := next((s["not_predictable"] for s in found if "not_predictable" in s), None):
            return replace(planned, note=f"not predictable: {reason}")
        for point, seen in zip(points, found, strict=True):
            if point.training and point.training.packing:
                self.notes.append(packing_note(point.training, texts, seen["max_length"]))
        most = max(range(len(found)), key=lambda at: peak_of(found[at]))
        times = [
            trial_seconds(self.calibration, point, seen, texts)
            for point, seen in zip(points, found, strict=True)
        ]
        memory = found[most]["memory"]
        phase = memory["peak_phase"]
        kinds = {
            **memory["peaks_bytes"][phase],
            "best_epoch": 0 if first["solved"] else best_epoch_bytes(points[most], memory),
        }
        planned = replace(
            planned,
            peak_bytes=peak_of(found[most]) + kinds["best_epoch"],
            phase=phase,
            kinds={kind: size for kind, size in kinds.items() if size},
            phases=memory["peak_bytes"],
            flops=memory["flops"],
            devices=training.ranks if (training := points[most].training) else 1,
            gathered_bytes=found[most]["gathered_bytes"],
            seconds=statistics.mean(expected for expected, _ in times),
            most_seconds=statistics.mean(longest for _, longest in times),
        )
        seconds = features_seconds(self.calibration, found[most], texts)
        answering = answering_seconds(computing(self.calibration, points[most]), found[most], texts)
        planned = replace(planned, features_seconds=seconds, answering_seconds=answering)
        if self._fits(planned.peak_bytes, planned.devices):
            return planned
        standing = kinds["best_epoch"] + sum(
            memory[f"{kind}_bytes"] for kind in ("weights", "trainable", "gradients", "optimizer")
        )
        planned = replace(planned, fits=False, standing_bytes=standing)
        return replace(
            planned,
            remedies=tuple(self._remedies(points[most], folder, about, planned, texts)),
        )

    def _in_precision(self, point: PlannedPoint) -> PlannedPoint:
        """The point with the format that `precision: auto` comes to on this machine."""
        if point.training is None or point.training.precision != LEFT_TO_US:
            return point
        step = self.calibration.bfloat16_step
        found: Any = faster_precision(step)
        self.notes.append(
            f"precision: auto is planned in {found}: a step in bfloat16 was measured to take "
            f"{percent(step, digits=0)} % of the time on this machine."
        )
        return replace(point, training=replace(point.training, precision=found))

    def _model(self, folders: Folders, dropout: float | None) -> dict[str, Any]:
        return {
            "folders": [str(folder.resolve()) for folder in folders],
            "task": self.asked[folders],
            "options": list(self.labels),
            "dropout": dropout,
        }

    def _point(
        self, point: PlannedPoint, folder: Folders, about: dict[str, Any], texts: Lengths
    ) -> dict[str, Any]:
        """What is predicted of one point at its longest batch."""
        training = point.training or TrainingSettings()
        if training.quantize:
            require(PACKAGE, extra=EXTRA)
        limit = min(wanted_length(self.settings.task, training.max_length), about["max_length"])
        # What changes neither memory nor time of a step must not make another question of it.
        same = {"learning_rate": None, "epochs": 1, "patience": None, "timeout": None}
        return self.client.ask(
            {
                "ask": "contender",
                **self._model(folder, training.dropout),
                "method": {
                    "name": point.method.name,
                    "settings": settings_of(point.method),
                    "version": point.method.version,
                },
                "training": {**settings_of(training), **same},
                "shape": step_of(training, texts, limit),
                "device": "cpu",
            }
        )

    # Disk and memory

    def _disk(self, contenders: Sequence[Planned]) -> int:
        kept = 0
        for row, source in zip(contenders, self.expansion.contenders, strict=True):
            copies = {
                "all": row.trials,
                "none": 0,
                "chosen": row.trials - (1 if source.rates else len(source.points)) + 1,
            }[self.settings.keep]
            kept += copies * (row.artefact_bytes or 0)
        return kept + sum(row.trials for row in contenders) * TRIAL_FILES_BYTES

    def _fits(self, peak_bytes: int | None, processes: int = 1) -> bool:
        return processes * (peak_bytes or 0) + self.libraries <= self.limit

    def _remedies(
        self,
        point: PlannedPoint,
        folder: Folders,
        about: dict[str, Any],
        planned: Planned,
        texts: Lengths,
    ) -> Iterable[Remedy]:
        """Changes after which it fits, each predicted for itself; the least change first."""
        assert planned.peak_bytes is not None
        fewer = self.limit * min(self.workers, self.expansion.trials)
        if self.settings.memory_bytes is None and planned.peak_bytes + self.libraries <= fewer:
            yield Remedy("--workers 1", planned.peak_bytes)
        if not self._fits(planned.standing_bytes, planned.devices):
            return
        for change, changed in changes(point):
            seen = self._point(changed, folder, about, texts)
            if "memory" not in seen:
                continue
            peak = peak_of(seen) + best_epoch_bytes(changed, seen["memory"])
            if self._fits(peak, planned.devices):
                yield Remedy(change, peak)
                if change.startswith(("accumulate", "max_length")):
                    return
