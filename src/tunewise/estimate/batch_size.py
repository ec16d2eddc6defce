"""``training.batch_size: auto``: the largest batch that fits, found before a study runs.

One number a model, at which the hungriest of its methods fits: contenders of one model see the
same batches. It is found once and stored with the study, so that going on changes no trial.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tunewise.core.canonical import JSONObject, Settings
from tunewise.core.errors import DamagedFile, InputError, Problem, TunewiseError
from tunewise.costs.limit import FRACTION, available_bytes
from tunewise.data.prepared import write_prepared
from tunewise.store.records import (
    ContenderRecord,
    ModelRecord,
    ParameterCounts,
    PointRecord,
    TrialSettings,
)
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job
from tunewise.studies.engines.base import Engine, EngineEnded, Needs
from tunewise.studies.exit_codes import Exit, ending_of
from tunewise.studies.prepare import Prepared, Say
from tunewise.studyfile.contender_records import identity_of
from tunewise.studyfile.entries import BATCH
from tunewise.training.settings import AUTO, TrainingSettings

START = 32
MOST = 1024  # a larger batch leaves too few steps to learn in
OUT = {"killed", "out-of-memory"}  # the system kills what takes too much


def with_batch_sizes(
    prepared: Prepared,
    folder: Path,
    *,
    workers: int,
    engine: Engine,
    say: Say = lambda text: None,
) -> Prepared:
    """The study with a number in the place of every batch size left to us.

    A number that the folder's study has for a model is kept, also where methods were added. Where
    nothing is stated, a trial may hold its fraction of 80 % of what is available now.

    Raises:
        InputError: a contender cannot be tried, as it takes several devices.
        TunewiseError: a training step failed for another reason than memory.
    """
    asking: dict[str, list[ContenderRecord]] = {}
    for row in prepared.study.contenders:
        if row.auto_batch and row.model:
            asking.setdefault(row.model, []).append(row)
    if not asking:
        return prepared
    for row in (row for rows in asking.values() for row in rows if row.features is None):
        if any(point.settings.training.get("shard") for point in row.points):
            message = f"auto is tried on one device, and {row.name} is in slices: give a number."
            raise InputError([Problem("training.batch_size", message)])
    models = prepared.study.models
    found = {m: n for m, n in _stored(folder, models).items() if m in asking}
    missing = {model: rows for model, rows in asking.items() if model not in found}
    if missing:
        limit = prepared.study.memory_limit
        if not limit and (available := available_bytes()) is not None:
            limit = int(FRACTION * available / workers)
        with _Probes(prepared, engine, limit, folder.parent) as probes:
            for model, rows in missing.items():
                say(f"Looking for the largest batch size that fits {model} ...")
                found[model] = _largest_of_all(rows, probes)
    for model, size in found.items():
        say(f"batch_size auto: {size} for {model}{'' if model in missing else ', as before'}.")
    contenders = tuple(
        replace(row, points=tuple(_point(point, found[row.model]) for point in row.points))
        if row.auto_batch and row.model
        else row
        for row in prepared.study.contenders
    )
    sizes = {prepared.study.models[model].hash: size for model, size in found.items()}
    settings = prepared.study.settings
    if len(set(found.values())) == 1:  # else the study file has no word for them
        settings = _replaced(settings, next(iter(found.values())))
    return replace(
        prepared,
        study=replace(prepared.study, contenders=contenders, settings=settings, batch_sizes=sizes),
    )


def largest(fits: Callable[[int], bool], *, least: int = 1, most: int = MOST) -> int:
    """Double from 32 while it fits, halve while it does not.

    `least` is not tried: where nothing above it fits, a trial will say so itself.

    >>> [largest(lambda size: size <= room) for room in (3, 32, 100, 5000, 0)]
    [2, 32, 64, 1024, 1]
    """
    size = min(START, most)
    if fits(size):
        while size < most and fits(min(2 * size, most)):
            size = min(2 * size, most)
        return size
    while size > least:
        size = max(size // 2, least)
        if size == least or fits(size):
            break
    return size


def _largest_of_all(rows: list[ContenderRecord], probes: _Probes) -> int:
    """The largest that fits every contender of a model; the one with most trainable parameters
    first.

    One of a method is enough. What trains on stored outputs of its backbone is asked last: it needs
    least.
    """
    by_method: dict[str, ContenderRecord] = {}
    for row in sorted(rows, key=lambda row: (row.features is None, _counted(row).total)):
        by_method[row.method] = row
    hungry = sorted(by_method.values(), key=lambda row: -_counted(row).trainable)
    asked = [row for row in hungry if row.features is None] or hungry[:1]
    size, least = probes.most, 1
    for row in asked:
        settings = row.points[0].settings
        least = max(least, TrainingSettings(**settings.training).parts)
        if size < probes.most and probes.fits(settings, size):
            continue
        size = largest(lambda n: probes.fits(settings, n), least=least, most=size)  # noqa: B023
    return size


def _counted(row: ContenderRecord) -> ParameterCounts:
    assert row.parameters is not None, "a study is prepared before its batch sizes are found"
    return row.parameters


class _Probes:
    """Training steps that the worker tries, each in a process of its own, in a folder aside."""

    def __init__(self, prepared: Prepared, engine: Engine, limit: int | None, beside: Path) -> None:
        self.engine = engine
        # Another machine sees what lies where the study will; one alone has a place for what goes.
        self.beside = beside if engine.elsewhere else None
        train = prepared.splits["train"]
        columns = prepared.study.task["text"]
        columns = [columns] if isinstance(columns, str) else columns
        self.most = min(MOST, len(train))
        # The longest by letters; among them the probe takes the longest by tokens.
        by_length = sorted(train, key=lambda row: -sum(len(str(row[c])) for c in columns))
        self.rows = by_length[: 2 * self.most]
        self.seed = prepared.study.seeds[0]
        self.limit = limit
        self.tried = 0

    def __enter__(self) -> _Probes:
        if self.beside is not None:
            self.beside.mkdir(parents=True, exist_ok=True)
        self.place = TemporaryDirectory(dir=self.beside)
        self.folder = StudyFolder.create(Path(self.place.name) / "probe")
        write_prepared(self.folder.path / "data", {"train": self.rows})
        return self

    def __exit__(self, *_: object) -> None:
        self.place.cleanup()

    def fits(self, settings: TrialSettings, size: int) -> bool:
        self.tried += 1
        job = Job("probe", f"{self.tried}", _sized(settings, size).with_seed(self.seed))
        reports: list[tuple[str, int]] = []
        try:
            while not self.engine.ready:
                self.engine.reports(0.1)
            self.engine.start(self.folder, replace(job, memory_limit=self.limit), Needs())
            while not reports:
                reports = self.engine.reports(0.1)
        except EngineEnded:
            raise self.engine.failure() from None
        [(_, code)] = reports
        if code == Exit.COMPLETE:
            return True
        if ending_of(code, str).status in OUT:
            return False
        output = self.folder.output_file(job.key).read_text(encoding="utf-8", errors="replace")
        last = output.strip().splitlines()[-1:] or ["nothing."]
        raise TunewiseError(f"batch_size auto: a training step failed. Its last output: {last[0]}")


def _stored(folder: Path, models: Mapping[str, ModelRecord]) -> dict[str, int]:
    """What the folder's study says for models of the same content."""
    try:
        sizes = StudyFolder(folder).study().batch_sizes or {}
    except (FileNotFoundError, DamagedFile, InputError):
        return {}
    return {m: sizes[what.hash] for m, what in models.items() if what.hash in sizes}


def _point(point: PointRecord, size: int) -> PointRecord:
    if f"training.{BATCH}" in point.chosen:
        return point  # the search says another
    settings = _sized(point.settings, size)
    return replace(point, settings=settings, identity=identity_of(settings))


def _sized(settings: TrialSettings, size: int) -> TrialSettings:
    return replace(settings, training={**settings.training, BATCH: size})


def _replaced(settings: Settings, size: int) -> JSONObject:
    """The resolved study with the number where it says `auto`."""

    def numbered(training: Settings) -> Settings:
        return {**training, BATCH: size} if training.get(BATCH) == AUTO else training

    methods = [
        {
            name: {**values, "training": numbered(values["training"])}
            if "training" in values
            else values
            for name, values in entry.items()
        }
        for entry in settings["methods"]
    ]
    return {**settings, "training": numbered(settings["training"]), "methods": methods}
