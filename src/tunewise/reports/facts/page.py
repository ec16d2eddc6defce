"""What the HTML report says around its charts and its table, as plain values."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any

from tunewise.core.format import listed
from tunewise.core.sanitize import shown
from tunewise.reports.facts.checks import Checks, checks
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
class Page:
    """The texts of the report; nothing in it is escaped or shortened yet."""

    title: str
    command: str  # that repeats the study
    lead: str
    scale: tuple[float, float]  # the values at both ends of the intervals in the table
    turning: str | None
    splits: tuple[tuple[str, int], ...]
    label_counts: tuple[LabelCounts, ...]
    split_most: tuple[int, ...]  # the count of the commonest label, split by split
    warnings: tuple[str, ...]
    accept_leakage: str | None
    facts: tuple[tuple[str, str], ...]
    checks: Checks
    failed: tuple[FailedTrial, ...]
    study_file: str | None
    resolved: str
    environment: tuple[tuple[str, str], ...]
    hashes: tuple[tuple[str, str], ...]
    trials: tuple[tuple[Row, tuple[str, ...]], ...]


def page(evidence: Evidence, results: Results) -> Page:
    """Gather what the report says."""
    study, data = evidence.study, evidence.data
    models = {name: model.as_json() for name, model in study.models.items()}
    splits = tuple((name, int(count)) for name, count in data.rows.items())
    counts = _label_counts(evidence, [name for name, _ in splits])
    by_name = {contender.name: contender for contender in evidence.contenders}
    return Page(
        title=evidence.name,
        command=f"tunewise run study.yaml --out {shlex.quote(shown(evidence.path.resolve().name))}",
        lead=_lead(evidence, results),
        scale=_scale(results),
        turning=_turning(evidence),
        splits=splits,
        label_counts=counts,
        split_most=tuple(
            max([1, *(row.counts[place] for row in counts)]) for place in range(len(splits))
        ),
        warnings=data.audit.warnings,
        accept_leakage=data.accept_leakage,
        facts=_flat(data.audit.facts),
        checks=checks(evidence),
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
        f"scored on {results.items:,} items of {split_name(results.split)}."
    )


def _scale(results: Results) -> tuple[float, float]:
    """The range that holds every interval and mean of the headline metric, with some air."""
    ends: list[float] = []
    for row in results.rows:
        interval = row.intervals.get((results.split, results.metric))
        spread = row.scores(results.split).get(results.metric)
        ends += [interval.low, interval.high] if interval else []
        ends += [spread.mean] if spread else []
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    air = max(0.04 * (high - low), 1e-6)
    return low - air, high + air


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
