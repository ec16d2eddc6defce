"""What single settings change: every pair of contenders, or of search points, that differ in one.

Settings that a study sweeps are compared on the deciding split, over all seeds. Settings that were
searched are compared on validation, where they were tried, and with the first seed alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tunewise.analysis.comparisons import LEVEL, RESAMPLES_BESIDE, answered
from tunewise.analysis.evidence import Evidence
from tunewise.analysis.setting_differences import differing, flat_settings
from tunewise.core.canonical import Settings
from tunewise.statistics.effects import Effect, corrected, mean_effect
from tunewise.statistics.metrics import METRICS
from tunewise.statistics.score_matrix import RowScores, SharedExamples, group_by_examples
from tunewise.store.answers import row_scores

Placed = tuple[RowScores, Settings]  # a row with the settings that tell it from the others
WHOSE = "contender"  # beside the settings of a search point, so that each is held to its own


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
    found: list[Factor] = []
    for method in dict.fromkeys(contender.method for contender in evidence.contenders):
        mine = [contender for contender in evidence.contenders if contender.method == method]
        # The contenders, without the settings that a search chose.
        chosen = {path for contender in mine for path in contender.searched}
        swept: list[Placed] = []
        for row in answered(mine, evidence.split):
            settings = flat_settings(evidence.by_name[row.name])
            swept.append((row, {key: settings[key] for key in settings if key not in chosen}))
        # The search points that were answered on validation, each with its first seed.
        searched: list[Placed] = []
        for contender in (one for one in mine if len(one.points) > 1):
            for number, point in enumerate(contender.points):
                first = point.trials[0] if point.trials and point.trials[0].done else None
                if first and (answers := first.answers("validation")):
                    row = row_scores(f"{contender.name} {number}", {first.seed: answers})
                    searched.append((row, {**point.values, WHOSE: contender.name}))
        found += _factors(evidence, method, swept, searched=False)
        found += _factors(evidence, method, searched, searched=True)
    effects = corrected([factor.effect for factor in found])
    return [replace(one, effect=effect) for one, effect in zip(found, effects, strict=True)]


def _factors(
    evidence: Evidence, method: str, placed: Sequence[Placed], *, searched: bool
) -> list[Factor]:
    """For each setting and each value but the first: the mean over pairs alike in all else."""
    settings = differing([values for _, values in placed])
    if not settings:
        return []
    metric, rng = METRICS[evidence.headline], np.random.default_rng(0)
    groups = group_by_examples(
        [row for row, _ in placed], metric, rng=rng, resamples=RESAMPLES_BESIDE
    )
    group = max(groups, key=lambda one: len(one.rows))
    inside = {row.name: row for row in group.rows}
    kept = [(inside[row.name], values) for row, values in placed if row.name in inside]
    split = "validation" if searched else evidence.split
    found = []
    for setting in (one for one in settings if one != WHOSE):
        tried = [values.get(setting) for _, values in kept]
        first, *others = {_key(value): value for value in tried}.values()
        for value in others:
            effect = _effect(kept, settings, setting, (first, value), group)
            if effect is not None:
                found.append(Factor(method, setting, first, value, split, searched, effect))
    return found


def _effect(
    placed: Sequence[Placed],
    settings: Sequence[str],
    setting: str,
    levels: tuple[Any, Any],
    group: SharedExamples,
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
