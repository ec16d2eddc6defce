"""The one entry for verdicts: rows in; intervals, tests and ties out.

Two claims are kept apart. One is about these trained models: would their order hold on other
examples? The other is about the methods: would it hold with other seeds as well? Each is made
where it can be answered, and says why where it cannot.

The best row is picked by the very scores that are compared. Were only its own comparisons
counted, then among five equal rows one would be called worse in about 9 % of studies at a
nominal 5 %. So in the family "to-best" Holm counts every pair of rows. A declared family counts
its own pairs; what lies outside it gets Benjamini-Hochberg and is called exploratory.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np

from tunewise.statistics.claims import Meeting, Terms
from tunewise.statistics.corrections import benjamini_hochberg, holm
from tunewise.statistics.metrics import Metric, metric_named
from tunewise.statistics.paired import McNemar
from tunewise.statistics.pairs import Decision, Pair, described, tested, unpaired
from tunewise.statistics.resampling import RESAMPLES
from tunewise.statistics.score_matrix import RowScores, SharedExamples, group_by_examples
from tunewise.statistics.seeds import Improvement
from tunewise.statistics.summary import Row, summarize

Key = frozenset[str]
Family = Literal["to-best"] | Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Comparison:
    """Rows, the pairs that matter, and who is not shown to be behind the first.

    `rows` stand in the order of their mean, best first; rows without a score come last. Of equal
    ones those that give one answer throughout come after those that tell examples apart.
    `pairs` hold each row against the best one and, where a family was declared, its pairs.
    `tied` names the best and every row that the examples do not separate from it, `not_shown`
    those that the examples do and the seeds do not; both are empty where no row has a score.
    """

    metric: str
    higher_is_better: bool
    level: float
    family: list[tuple[str, str]] | None  # None: to-best, corrected over every pair
    family_size: int
    best: str | None
    tied: list[str]
    not_shown: list[str]
    rows: list[Row]
    pairs: list[Pair]

    def plain(self) -> dict[str, Any]:
        """Everything as plain values for JSON; an interval becomes ``[low, high]``."""
        return {one.name: _plain(getattr(self, one.name)) for one in fields(self)}

    def row(self, name: str) -> Row:
        return next(row for row in self.rows if row.name == name)

    def to_best(self, name: str) -> Pair | None:
        """The comparison of a row with the best one; None for the best itself."""
        return next((p for p in self.pairs if (p.row, p.other) == (name, self.best)), None)


def compare(
    rows: Sequence[RowScores],
    metric: str | Metric,
    *,
    rng: np.random.Generator,
    family: Family = "to-best",
    equivalence_margin: float | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Compare contenders by their answers to the same examples, over one or several seeds.

    Args:
        rows: one per contender; names are unique.
        metric: by name, or the metric itself.
        rng: the only source of randomness.
        family: "to-best", or the pairs declared before the study ran, by name of the row.
        equivalence_margin: a difference too small to matter, in the unit of the metric; with it
            each pair is also tested for equivalence.
        level: coverage of the intervals; claims are made at ``1 - level``.
        resamples: of the bootstrap, and of approximate randomization.

    Raises:
        ValueError: two rows of one name, no rows, or a family that names an unknown row.
    """
    measure = metric_named(metric) if isinstance(metric, str) else metric
    names = [row.name for row in rows]
    declared = None if isinstance(family, str) else [(a, b) for a, b in family]
    _check(names, declared)

    groups = group_by_examples(rows, measure, rng=rng, resamples=resamples)
    found = {row.name: (row, group) for group in groups for row in group.rows}
    summaries = {
        name: summarize(row, group, measure, level=level) for name, (row, group) in found.items()
    }
    ordered = [summaries[row.name] for row in _in_order(rows, summaries, measure)]
    scored = [row.name for row in ordered if row.mean is not None]

    to_best = [(name, scored[0]) for name in scored[1:]]
    counted = list(combinations(scored, 2)) if declared is None else declared
    terms = Terms(measure, level, len(counted), equivalence_margin, resamples)
    # A declared pair that is also one to the best reads in the latter's direction.
    wanted = {frozenset(pair): pair for pair in [*counted, *to_best]}.values()
    meetings = {
        frozenset(pair): _meeting(found[pair[0]], found[pair[1]], measure)
        for pair in wanted
        if summaries[pair[0]].mean is not None and summaries[pair[1]].mean is not None
    }
    shown = dict.fromkeys(frozenset(pair) for pair in [*to_best, *(declared or [])])
    kept = _pairs(meetings, shown, {frozenset(pair) for pair in counted}, terms, rng)
    outcomes = {pair.row: pair.outcome for pair in kept if pair.other == scored[0]}
    return Comparison(
        measure.name,
        measure.higher_is_better,
        level,
        declared,
        len(counted),
        scored[0] if scored else None,
        [name for name in scored if outcomes.get(name, "tied") in {"tied", "untested"}],
        [name for name in scored if outcomes.get(name) == "not-shown-over-seeds"],
        ordered,
        kept,
    )


def _in_order(
    rows: Sequence[RowScores], summaries: Mapping[str, Row], measure: Metric
) -> list[RowScores]:
    """From the best mean over seeds on; of equal ones those that tell examples apart first."""
    sign = -1 if measure.higher_is_better else 1

    def place(row: RowScores) -> tuple[float, bool]:
        mean = summaries[row.name].mean
        return math.inf if mean is None else round(sign * mean, 12), row.is_constant

    best, *others = sorted(rows, key=place)
    # Of those that answer alike throughout, what was learned stands before what is a reference.
    others.sort(key=lambda row: (*place(row), row.is_constant and not row.seeded))
    return [best, *others]


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, (McNemar, Improvement)):
        return _plain(value._asdict())
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _check(names: list[str], declared: list[tuple[str, str]] | None) -> None:
    if not names:
        raise ValueError("a comparison needs at least one row")
    if len(set(names)) != len(names):
        raise ValueError(f"two rows have the same name: {sorted(names)}")
    for pair in declared or []:
        for name in pair:
            if name not in names:
                raise ValueError(f"the family names a row that is not there: {name!r}")
        if pair[0] == pair[1]:
            raise ValueError(f"the family compares {pair[0]!r} with itself")


def _meeting(
    first: tuple[RowScores, SharedExamples],
    second: tuple[RowScores, SharedExamples],
    metric: Metric,
) -> Meeting | Pair:
    """Two rows over the same examples; where they answered others, all that can be said of them."""
    (row, group), (other, others) = first, second
    if group is not others:
        difference = float(group.scores(row).mean() - others.scores(other).mean())
        return unpaired(row, other, difference)
    return Meeting(row, other, group, metric)


def _pairs(
    meetings: Mapping[Key, Meeting | Pair],
    shown: Iterable[Key],
    counted: set[Key],
    terms: Terms,
    rng: np.random.Generator,
) -> list[Pair]:
    """The pairs to show; of all others the correction needs the p values, and nothing else."""
    pairs = {
        key: met if isinstance(met, Pair) else tested(met, terms, rng=rng)
        for key, met in meetings.items()
    }
    pairs = decided(pairs, counted, alpha=1 - terms.level)
    return [
        pairs[key] if isinstance(met, Pair) else described(pairs[key], met, terms)
        for key in shown
        if (met := meetings.get(key)) is not None
    ]


def decided(pairs: dict[Key, Pair], counted: set[Key], *, alpha: float) -> dict[Key, Pair]:
    """The pairs with adjusted p-values, and what they come to."""
    for claim in ("items", "method"):
        for inside in (True, False):
            keys = [
                key
                for key, pair in pairs.items()
                if (key in counted) == inside and getattr(pair, claim).p is not None
            ]
            adjust = holm if inside else benjamini_hochberg
            values = adjust([getattr(pairs[key], claim).p for key in keys]).tolist()
            for key, p in zip(keys, values, strict=True):
                adjusted = replace(getattr(pairs[key], claim), p_adjusted=p, separated=p < alpha)
                pairs[key] = replace(pairs[key], **{claim: adjusted})
    for key, pair in pairs.items():
        claims: dict[Decision, float | None]
        claims = {"method": pair.method.p_adjusted, "items": pair.items.p_adjusted}
        tested = [(p, name) for name, p in claims.items() if p is not None]
        pairs[key] = replace(
            pair,
            decided_by=max(tested)[1] if tested else "nothing",
            tied=pair.items.separated is False,
            correction="Holm" if key in counted else "Benjamini-Hochberg",
            confirmatory=key in counted,
        )
    return pairs
