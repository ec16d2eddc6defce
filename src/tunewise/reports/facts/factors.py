"""What single settings change: every pair of contenders, or of search points, that differ in one.

Settings that a study sweeps are told on the deciding split, over all seeds. Settings that were
searched are told on validation, where they were tried, and with the first seed alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewise.core.canonical import Settings
from tunewise.reports.facts.comparisons import LEVEL, RESAMPLES_BESIDE, answered
from tunewise.reports.facts.evidence import Contender, Evidence
from tunewise.reports.facts.setting_differences import differing, flat_settings
from tunewise.statistics.effects import Effect, corrected, mean_effect
from tunewise.statistics.metrics import METRICS
from tunewise.statistics.score_matrix import RowScores, SharedItems, share_items

Placed = tuple[RowScores, Settings]  # a row with the settings that tell it from the others


@dataclass(frozen=True)
class Factor:
    """What one value of a setting changes against the first one, all else alike."""

    method: str
    setting: str
    first: Any
    value: Any
    split: str
    searched: bool
    effect: Effect


def factors(evidence: Evidence) -> list[Factor]:
    """Every effect the study can tell; p values are corrected over all of them that have one."""
    methods = dict.fromkeys(contender.method for contender in evidence.contenders)
    found = [
        factor
        for method in methods
        for mine in [[one for one in evidence.contenders if one.method == method]]
        for factor in [*_swept(evidence, method, mine), *_searched(evidence, method, mine)]
    ]
    told = corrected([factor.effect for factor in found])
    return [
        Factor(one.method, one.setting, one.first, one.value, one.split, one.searched, effect)
        for one, effect in zip(found, told, strict=True)
    ]


def _swept(evidence: Evidence, method: str, contenders: Sequence[Contender]) -> list[Factor]:
    rows = {row.name: row for row in answered(contenders, evidence.split)}
    chosen = {path for contender in contenders for path in contender.searched}
    placed = [
        (rows[one.name], {k: v for k, v in flat_settings(one).items() if k not in chosen})
        for one in contenders
        if one.name in rows
    ]
    return [
        Factor(method, setting, first, value, evidence.split, False, effect)
        for setting, first, value, effect in _effects(evidence, placed)
    ]


def _searched(evidence: Evidence, method: str, contenders: Sequence[Contender]) -> list[Factor]:
    placed: list[Placed] = []
    for contender in contenders:
        for number, point in enumerate(contender.points if len(contender.points) > 1 else ()):
            first = point.trials[0] if point.trials else None
            answers = first.answers("validation") if first and first.done else None
            if first is None or answers is None:
                continue
            seed, scores = first.seed, answers.scores
            probabilities = answers.probabilities
            row = RowScores(
                f"{contender.name} {number}",
                answers.ids,
                answers.labels,
                {seed: answers.choices},
                {} if probabilities is None else {seed: probabilities},
                {} if scores is None else {seed: scores},
            )
            placed.append((row, {**point.values, "contender": contender.name}))
    return [
        Factor(method, setting, first, value, "validation", True, effect)
        for setting, first, value, effect in _effects(evidence, placed)
        if setting != "contender"
    ]


def _effects(evidence: Evidence, placed: Sequence[Placed]) -> list[tuple[str, Any, Any, Effect]]:
    """For each setting and each value but the first: the mean over pairs alike in all else."""
    settings = differing([values for _, values in placed])
    if not settings:
        return []
    metric, rng = METRICS[evidence.headline], np.random.default_rng(0)
    groups = share_items([row for row, _ in placed], metric, rng=rng, resamples=RESAMPLES_BESIDE)
    group = max(groups, key=lambda one: len(one.rows))
    inside = {row.name: row for row in group.rows}
    kept = [(inside[row.name], values) for row, values in placed if row.name in inside]
    found = []
    for setting in settings:
        levels = list(
            {_key(values.get(setting)): values.get(setting) for _, values in kept}.values()
        )
        for value in levels[1:]:
            effect = _effect(kept, settings, setting, (levels[0], value), group)
            if effect is not None:
                found.append((setting, levels[0], value, effect))
    return found


def _effect(
    placed: Sequence[Placed],
    settings: Sequence[str],
    setting: str,
    levels: tuple[Any, Any],
    group: SharedItems,
) -> Effect | None:
    def rest(values: Settings) -> str:
        return _key({key: values.get(key) for key in settings if key != setting})

    first, value = (
        {rest(values): row for row, values in placed if values.get(setting) == level}
        for level in levels
    )
    pairs = [(row, first[key]) for key, row in value.items() if key in first]
    if not pairs or not np.isfinite([group.scores(one) for pair in pairs for one in pair]).all():
        return None
    return mean_effect(pairs, group, level=LEVEL)


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
