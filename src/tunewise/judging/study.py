"""Runs as a study has them, so that everything that is said of a study can be said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tunewise.analysis.evidence import Contender, Evidence, Point, Trial
from tunewise.core.canonical import digest
from tunewise.judging.answers import Answered
from tunewise.judging.asked import Asked
from tunewise.judging.runs import Entry, Known, Run
from tunewise.statistics.metrics import scores_of
from tunewise.store.answers import Answers
from tunewise.store.records import (
    ContenderRecord,
    DataRecord,
    DataReference,
    MethodRecord,
    ModelRecord,
    PointRecord,
    StudyRecord,
    TrialSettings,
)
from tunewise.store.trial_records import TrialBytes, TrialCosts, TrialResult
from tunewise.store.trials import TrialRecord

NOWHERE = Path("elsewhere")
SPLIT = "test"


def evidence_of(
    entries: Sequence[Entry],
    answered: Answered | None,
    asked: Asked,
    *,
    metrics: Sequence[str],
    assumed: Sequence[str],
    examples: int = 0,
) -> Evidence:
    """What a study folder with these runs would say.

    Args:
        entries: the contenders, those with answers having their runs in the order of `answered`.
        answered: the answers of all runs; None where only their scores are known.
        asked: what the verdict is called, and the margin that does not matter.
        metrics: by name, the first of them deciding.
        assumed: what nobody said and was taken for granted.
        examples: how many were scored, where no answers say so.
    """
    held = iter(answered.answers) if answered else iter(())
    rows = []
    for entry in entries:
        runs = {
            seed: (run, next(held) if run.sheet is not None else None)
            for seed, run in entry.runs.items()
        }
        rows.append((entry, runs))
    labels = answered.labels if answered else ()
    contenders = tuple(
        _contender(position, entry, runs, metrics) for position, (entry, runs) in enumerate(rows)
    )
    first = next((a for _, runs in rows for _, a in runs.values() if a is not None), None)
    study = StudyRecord(
        name=asked.name,
        seeds=tuple(sorted({seed for entry in entries for seed in entry.runs})),
        equivalence_margin=asked.margin,
        task={"kind": "classification" if labels else "answers"},
        metrics=tuple(metrics),
        labels=labels,
        contenders=tuple(one.described for one in contenders),
        data=_data(first, labels, examples),
        elsewhere=tuple(assumed),
    )
    return Evidence(NOWHERE, study, contenders)


def _data(answers: Answers | None, labels: Sequence[str], examples: int) -> DataRecord:
    if answers is None:
        return DataRecord(rows={SPLIT: examples} if examples else {}, has_test=True)
    counts = Counter(answers.labels.tolist())
    by_label = {label: counts[place] for place, label in enumerate(labels)}
    return DataRecord(
        hash=digest([sorted(answers.ids), np.asarray(answers.labels).tolist()]),
        rows={SPLIT: len(answers.ids)},
        label_counts={SPLIT: by_label} if labels else {},
        has_test=True,
    )


def _contender(
    position: int,
    entry: Entry,
    runs: Mapping[int, tuple[Run, Answers | None]],
    metrics: Sequence[str],
) -> Contender:
    # What the first run says; how later seeds differ is found trial by trial.
    known = next((run.known for run, _ in runs.values() if run.known != Known()), Known())
    settings = TrialSettings(
        model=ModelRecord(known.model) if known.model else None,
        method=MethodRecord(known.method or "", None, known.settings),
        training=known.training,
    )
    point = Point(
        {},
        tuple(_trial(entry.name, seed, run, found, metrics) for seed, (run, found) in runs.items()),
        settings,
    )
    described = ContenderRecord(
        entry.name,
        model=known.model,
        method=known.method or "",
        settings=known.settings,
        trained=bool(known.training),
        points=(PointRecord(settings=settings),),
        parameters=known.parameters,
    )
    rate = known.training.get("learning_rate")
    return Contender(
        described,
        position,
        points=(point,),
        chosen=point,
        seeds_planned=len(runs),
        tested=True,
        parameters=known.parameters,
        learning_rate=float(rate) if isinstance(rate, int | float) else None,
    )


def _trial(
    name: str, seed: int, run: Run, answers: Answers | None, metrics: Sequence[str]
) -> Trial:
    known = run.known
    settings = TrialSettings(
        data=DataReference(known.data),
        model=ModelRecord(known.model) if known.model else None,
        method=MethodRecord(known.method or "", None, known.settings),
        training=known.training,
        seed=seed,
    )
    scores: dict[str, float | None] = {}
    if answers is not None:
        scores = scores_of(answers.columns, tuple(metrics))
    elif run.alone is not None:
        scores = {metrics[0]: run.alone.score}
    result = TrialResult(
        digest([name, seed]),
        settings,
        status="done" if run.error is None else "failed",
        error=run.error,
        metrics={SPLIT: scores},
        epochs=known.epochs,
        parameters=known.parameters,
        steps=known.steps,
    )
    costs = TrialCosts(
        seconds={} if known.seconds is None else {"total": known.seconds},
        bytes=TrialBytes(known.peak_bytes, known.artifact_bytes),
        environment=known.environment,
    )
    record = TrialRecord(result.id, result.status, result, costs, NOWHERE)
    held = {} if answers is None else {SPLIT: answers}
    return Trial(seed, record, record if run.error is None else None, held)
