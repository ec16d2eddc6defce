"""What there is to say of a study as a whole: its splits, its labels, how it is run again."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any

from tunewise.core.format import listed
from tunewise.core.sanitize import shown
from tunewise.reports.facts.comparability.finding import value_words
from tunewise.reports.facts.curves import turns, validation_curve
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.results import Results, Row
from tunewise.reports.facts.wording import split_name
from tunewise.store.study import STUDY_FILE


@dataclass(frozen=True)
class FailedTrial:
    """A trial that did not end well."""

    id: str
    contender: str
    position: int
    point: str
    seed: int
    status: str
    error: str


@dataclass(frozen=True)
class LabelCounts:
    """How often a label occurs in each split."""

    label: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Overview:
    """The study as a whole; nothing in it is escaped or shortened yet."""

    title: str
    command: str  # that repeats the study
    lead: str
    turning: str | None
    splits: tuple[tuple[str, int], ...]
    label_counts: tuple[LabelCounts, ...]
    warnings: tuple[str, ...]
    accept_leakage: str | None
    facts: tuple[tuple[str, str], ...]
    failed: tuple[FailedTrial, ...]
    study_file: str | None
    resolved: str
    environment: tuple[tuple[str, str], ...]
    hashes: tuple[tuple[str, str], ...]
    trials: tuple[tuple[Row, tuple[str, ...]], ...]


def overview(evidence: Evidence, results: Results) -> Overview:
    """Gather it from the records."""
    study, data = evidence.study, evidence.data
    models = {name: model.as_json() for name, model in study.models.items()}
    splits = tuple((name, int(count)) for name, count in data.rows.items())
    counts = _label_counts(evidence, [name for name, _ in splits])
    by_name = {contender.name: contender for contender in evidence.contenders}
    return Overview(
        title=evidence.name,
        command=f"tunewise run study.yaml --out {shlex.quote(shown(evidence.path.resolve().name))}",
        lead=_lead(evidence, results),
        turning=_turning(evidence),
        splits=splits,
        label_counts=counts,
        warnings=data.audit.warnings,
        accept_leakage=data.accept_leakage,
        facts=_flat(data.audit.facts),
        failed=_failed(evidence),
        study_file=_study_file(evidence),
        resolved=json.dumps(study.settings, indent=2, ensure_ascii=False),
        environment=_flat(study.environment),
        hashes=(("data", data.hash or "–"), *_flat(models)),
        trials=tuple(
            (row, tuple(trial.record.id for trial in by_name[row.name].finished))
            for row in results.rows
        ),
    )


def _study_file(evidence: Evidence) -> str | None:
    file = evidence.path / STUDY_FILE
    if not file.is_file():
        return None
    return evidence.places.study_file(file.read_text(encoding="utf-8", errors="replace"))


def _lead(evidence: Evidence, results: Results) -> str:
    """One line on what was compared."""
    rows = len(results.rows)
    seeds = len(results.seeds_planned)
    trials = sum(len(contender.trials) for contender in evidence.contenders)
    return (
        f"{rows} contender{'s' * (rows != 1)}, {seeds} seed{'s' * (seeds != 1)}, {trials} trials; "
        f"scored on {results.items:,} examples of {split_name(results.split)}."
    )


def _turning(evidence: Evidence) -> str | None:
    """Where validation loss turns upwards, for whom."""
    rising: dict[float, list[str]] = {}
    falling: list[str] = []
    for name, (epoch, rose) in turns(validation_curve(evidence, "loss")).items():
        (rising.setdefault(epoch, []) if rose else falling).append(shown(name))
    parts = [f"turns after epoch {epoch:g} for {listed(rising[epoch])}" for epoch in sorted(rising)]
    if falling:
        parts.append(f"is still at its lowest at the end for {listed(falling)}")
    return f"Validation loss {'; it '.join(parts)}." if parts else None


def _label_counts(evidence: Evidence, splits: list[str]) -> tuple[LabelCounts, ...]:
    counts = evidence.data.label_counts
    labels = dict.fromkeys([*evidence.labels, *(str(k) for c in counts.values() for k in c)])
    return tuple(
        LabelCounts(label, tuple(int(counts.get(split, {}).get(label, 0)) for split in splits))
        for label in labels
    )


def _failed(evidence: Evidence) -> tuple[FailedTrial, ...]:
    return tuple(
        FailedTrial(
            id=trial.record.id,
            contender=contender.name,
            position=contender.position,
            point=", ".join(f"{key} = {value_words(value)}" for key, value in point.values.items())
            or "–",
            seed=trial.seed,
            status=trial.record.status,
            error=trial.record.result.error or "no message",
        )
        for contender in evidence.contenders
        for point in contender.points
        for trial in point.trials
        if not trial.done
    )


def _flat(values: Any, prefix: str = "") -> tuple[tuple[str, str], ...]:
    """Nested settings as lines: a key with dots, and its value."""
    if not isinstance(values, dict):
        return ((prefix, value_words(values)),)
    lines: list[tuple[str, str]] = []
    for key, value in values.items():
        lines.extend(_flat(value, f"{prefix}.{key}" if prefix else str(key)))
    return tuple(lines)
