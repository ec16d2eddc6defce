"""From a study file to a study that can run: data read and audited, models found, all counted.

Everything that can be wrong is found here, before any training, and reported together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tunewise.backbones.pools import AUTO
from tunewise.backbones.sources import (
    EMBEDDED,
    PAIR,
    looks_like_path,
    parts_of,
    resolve,
    whereabouts,
)
from tunewise.core.canonical import JSONObject
from tunewise.core.environment import environment
from tunewise.core.errors import InputError, Problem
from tunewise.core.format import first_of, plural
from tunewise.core.paths import path_from
from tunewise.data.audit.audit import Audit, audit, not_texts
from tunewise.data.cleaning.clean import Removed
from tunewise.data.cleaning.removed import write_removed
from tunewise.data.prepared import hash_of, write_images, write_prepared
from tunewise.data.sources import Data
from tunewise.data.table import Splits
from tunewise.store.records import (
    AuditRecord,
    DataRecord,
    Descriptions,
    ModelRecord,
    StudyRecord,
)
from tunewise.store.study import STUDY_FILE, StudyFolder
from tunewise.studies.contender_lines import contender_lines
from tunewise.studies.contenders.applied import applied, of_model
from tunewise.studies.contenders.learnable import learnable, learned_rows, proven
from tunewise.studies.contenders.models import Inspector, vector_sizes
from tunewise.studies.contenders.pooling import Asked, asked_of, pooling_notes
from tunewise.studies.round_trips import round_trips
from tunewise.studies.rows import rows_of
from tunewise.studies.slicing import slice_columns, with_columns
from tunewise.studyfile.contender_records import Facts, task_settings
from tunewise.studyfile.expand import Expansion, expand
from tunewise.studyfile.resolved import resolved
from tunewise.studyfile.settings import StudySettings
from tunewise.studyfile.unread import moot
from tunewise.tasks.base import Settled
from tunewise.tasks.lengths import lengths, limit
from tunewise.tasks.marked import Stretch

Say = Callable[[str], None]
SAMPLE = 2  # texts of the data that contenders are tried on


@dataclass(frozen=True)
class Prepared:
    """A study ready to run. `study` is what ``study.json`` holds."""

    settings: StudySettings
    splits: Splits
    study: StudyRecord
    notes: tuple[str, ...]
    images: Mapping[str, bytes]
    contenders: tuple[str, ...]  # a line for each, with its trials
    removed: tuple[Removed, ...] | None = None  # by data.clean; None where nothing is cleaned
    learned: tuple[tuple[Stretch, ...], ...] = ()  # of the first rows, where answers are written
    task_settings: JSONObject = field(default_factory=dict)  # that the data gave


def prepare(settings: StudySettings, *, say: Say = lambda text: None) -> Prepared:
    """Read, audit, resolve and expand a study. Writes nothing.

    Raises:
        InputError: all that is wrong with the data, or with models and methods, together.
    """
    expansion = expand(settings)  # first, because its mistakes cost nothing to find
    say("Reading the data ...")
    return _prepared(settings, expansion, rows_of(settings), say)


def _prepared(settings: StudySettings, expansion: Expansion, data: Data, say: Say) -> Prepared:
    """Prepare with these rows; anew without those that a model has no room for, where so asked."""
    settled, slices, problems = _settled(settings, data)
    say("Finding the models ...")
    models, missing = _models(settings)
    if problems := problems + missing:
        # What the texts alone show is reported with the rest.
        raise InputError(_once(problems + audited(settings, settled, None).problems))
    train, task = settled.splits["train"], settings.task
    asked, unread = _asked(models, settings)
    facts = Facts(
        hash_of(settled.splits),
        settled.settings,
        models,
        tasks={name: found.task for name, found in asked.items()},
        solved={n: task_settings(one.solved, settled.settings) for n, one in asked.items()},
    )
    say("Applying each method to each model ...")
    contenders, inspectors, problems, left_out = applied(settings, settled, expansion, facts)
    problems += unread + _unmeasured(settings, settled)
    inspector = next(iter(inspectors.values()), None)
    found = audited(settings, settled, inspector)
    read = _as_read(settings, settled, inspectors if not found.problems else {})
    problems += read.problems
    if read.unfit and not problems:
        say("Leaving out what does not fit ...")
        return _prepared(settings, expansion, _left(data, read.unfit), say)
    if problems := problems + found.problems:
        raise InputError(_once(problems))
    sample = [str(row[task.reading.texts[0]]) for row in train[:SAMPLE]]
    if problems := round_trips(contenders, inspectors, sample, say=say):
        raise InputError(_once(problems))
    warnings = [text for inspector in inspectors.values() for text in inspector.warnings]
    pooling = {name: found.pooling for name, found in asked.items() if found.pooling}
    warnings += pooling_notes(pooling)
    notes = (
        *moot(settings),
        *left_out,
        *settled.data.notes,
        *warnings,
        *found.warnings,
        *read.notes,
    )
    study = replace(
        _record(settings, settled, expansion),
        contenders=tuple(contenders),
        data=_data_record(settings, settled, facts.data_hash, found),
        models=models,
        pooling=pooling,
        vectors=vector_sizes(inspectors),
        notes=notes,
    )
    lines = contender_lines(contenders, len(settings.seeds), expansion.notes)
    # The columns of slices come after the hash: they change no trial.
    kept = with_columns(settled.splits, settled.data.splits, [*settled.beside, *slices])
    removed = settled.data.removed if settings.data.clean else None
    return Prepared(
        settings, kept, study, notes, settled.images, lines, removed, read.learned, settled.settings
    )


@dataclass
class AsRead:
    """What the models make of the rows: what is wrong, and what is learned of the first ones."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    learned: tuple[tuple[Stretch, ...], ...] = ()
    unfit: dict[str, list[str]] = field(default_factory=dict)  # to be left out: ids by split


def _as_read(
    settings: StudySettings, settled: Settled, inspectors: Mapping[str, Inspector]
) -> AsRead:
    task, splits, found = settings.task, settled.splits, AsRead()
    for at, (name, one) in enumerate(inspectors.items()):
        longest = limit(task, _max_length(settings), one.model)
        seen = proven(task, splits, one.processor, longest)
        leaves_some = all(len(ids) < len(splits[split]) for split, ids in seen.unfit.items())
        if settings.data.on_too_long == "drop" and leaves_some and not seen.problems:
            for split, ids in seen.unfit.items():
                found.unfit[split] = list(dict.fromkeys([*found.unfit.get(split, ()), *ids]))
        elif unsound := seen.refused(longest):
            found.problems += of_model(name, settings, InputError(unsound))
            continue
        if at == 0:
            unlearnable, found.notes = learnable(task, splits["train"], one.processor, longest)
            found.problems += unlearnable
            found.learned = learned_rows(task, splits["train"], one.processor, longest)
    return found


def _settled(settings: StudySettings, data: Data) -> tuple[Settled, list[str], list[Problem]]:
    """The data as the task understands it, the columns to slice it by, and all that is wrong."""
    task, reading = settings.task, settings.task.reading
    problems: list[Problem] = []
    try:
        settled = task.settle(data)
    except InputError as error:
        settled, problems = Settled(data, {}), error.problems
    problems = problems + not_texts(data.splits, reading.texts)
    slices, unsound = slice_columns(settings.slices, data.splits, settled.splits, task)
    return settled, slices, problems + unsound


def _left(data: Data, without: Mapping[str, Sequence[str]]) -> Data:
    """The data without some rows, and a note that says so."""
    splits, notes = dict(data.splits), list(data.notes)
    for name, ids in without.items():
        gone = set(ids)
        splits[name] = [row for row in splits[name] if str(row["id"]) not in gone]
        notes.append(
            f"{name}: {plural(len(ids), 'row')} left out ({first_of(ids)}), as the last question "
            "does not fit a model of this study with room for an answer (data.on_too_long: drop)."
        )
    return replace(data, splits=splits, notes=tuple(notes))


def _unmeasured(settings: StudySettings, settled: Settled) -> list[Problem]:
    """A limit on the latency of a study that opens no test split, as that is when it is timed."""
    if settings.require is None or settings.require.latency is None or "test" in settled.splits:
        return []
    message = "answers are timed when a contender is tested, and this study has no test split."
    return [Problem("require.latency", message)]


def _record(settings: StudySettings, settled: Settled, expansion: Expansion) -> StudyRecord:
    """What the study file and the right answers say, without contenders, models and data."""
    task = settings.task
    methods = [contender.method for contender in expansion.contenders]
    return StudyRecord(
        name=settings.name,
        settings=resolved(settings),
        seeds=tuple(settings.seeds),
        keep=settings.keep,
        equivalence_margin=settings.equivalence_margin,
        memory_limit=settings.memory_bytes,
        slices=tuple(settings.slices),
        require=settings.require.given() if settings.require else None,
        task=task_settings(task, settled.settings),
        texts=tuple(task.reading.texts),
        answer=task.reading.answer,
        metrics=tuple(task.metrics),
        labels=tuple(settled.options),
        descriptions=Descriptions(  # for reports, which load no method
            task.description,
            {method.name: method.description for method in methods},
            {key: text for method in methods for key, text in method.references.items()},
        ),
        environment=environment(),
    )


def _data_record(
    settings: StudySettings, settled: Settled, data_hash: str, found: Audit
) -> DataRecord:
    data, splits = settled.data, settled.splits
    return DataRecord(
        hash=data_hash,
        rows={name: len(rows) for name, rows in splits.items()},
        label_counts=settled.counts,
        source=data.facts,
        audit=AuditRecord((*data.notes, *found.warnings), found.facts),
        accept_leakage=settings.accept_leakage,
        has_test="test" in splits,
    )


def store(prepared: Prepared, folder: StudyFolder) -> list[str]:
    """Write what the workers and reports read. The caller holds the folder's lock.

    Returns:
        What was damaged of what an earlier run had written, and lies in quarantine now.
    """
    folder.refuse_other(prepared.settings.name)  # before its data would be replaced
    edited, text = folder.path / STUDY_FILE, prepared.settings.text.encode()
    same = edited.is_file() and edited.read_bytes() == text  # edited to be run: no fault
    damaged = [one for one in folder.study_faults() if not (same and one.folder == edited)]
    repaired = [folder.move_aside(fault) for fault in damaged]
    write_prepared(folder.path / "data", prepared.splits)
    write_images(folder.path / "data", prepared.images)
    write_removed(folder.path / "data", prepared.removed)
    folder.write_study(prepared.study, prepared.settings.text)
    return repaired


def default_folder(settings: StudySettings) -> Path:
    return Path("runs") / settings.name


def _models(settings: StudySettings) -> tuple[dict[str, ModelRecord], list[Problem]]:
    """Each model by its name in the study file: source, revision, and the hash of its content."""
    found: dict[str, ModelRecord] = {}
    problems = []
    for model, place in settings.places.items():
        if PAIR in model.source and not settings.task.builder.images:
            message = (
                f"{model}: a pair of encoders, and the task {settings.task.name} reads no "
                "images. Give one plain name."
            )
            problems.append(Problem(place, message))
            continue
        try:
            source = from_base(model.source, settings.base)
            found[str(model)] = ModelRecord.from_json(resolve(source, model.revision))
        except InputError as error:
            problems += error.problems
    return found, problems


def from_base(source: str, base: Path) -> str:
    """A model's folder as the study file means it: a path starts where the file lies."""
    if PAIR in source:
        return PAIR.join(from_base(part, base) for part in parts_of(source))
    path = path_from(base, source)
    if source.startswith(EMBEDDED) or not (path.is_dir() or looks_like_path(source)):
        return source
    # Without its "./" the name of a folder beside the study would be that of a model on the hub.
    return str(path) if looks_like_path(str(path)) else f"./{path}"


def _asked(
    models: Mapping[str, ModelRecord], settings: StudySettings
) -> tuple[dict[str, Asked], list[Problem]]:
    """The task as each model is asked it."""
    if settings.task.builder.pooling != AUTO:
        return {name: Asked(settings.task, settings.task) for name in models}, []
    found: dict[str, Asked] = {}
    problems = []
    for name, model in models.items():
        try:
            found[name] = asked_of(settings.task, *whereabouts(model.source, model.revision))
        except InputError as error:
            problems += of_model(name, settings, error)
    return found, problems


def audited(settings: StudySettings, settled: Settled, inspector: Inspector | None) -> Audit:
    task = settings.task
    token_lengths, longest = None, None
    if inspector is not None:
        processor = inspector.processor
        longest = limit(task, _max_length(settings), inspector.model)

        def token_lengths(texts: Sequence[tuple[str, ...]]) -> list[int]:
            return lengths(task, texts, processor)

    found = audit(
        settled.data.splits,
        texts=task.reading.texts,
        label=task.reading.answer,
        labels=settled.labels,
        accept_leakage=settings.accept_leakage,
        token_lengths=token_lengths,
        max_length=longest,
        parts=[name for fields in (settings.data.combine or {}).values() for name in fields],
    )
    for split, facts in settled.facts.items():
        found.facts["splits"][split] |= facts
    return found


def _max_length(settings: StudySettings) -> int | None:
    """The smallest limit among the contenders: the truncated fraction is reported for it."""
    asked = [
        value
        for entry in settings.methods
        for value in entry.training.get("max_length", ())
        if value is not None
    ]
    return min(asked, default=None)


def _once(problems: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))
