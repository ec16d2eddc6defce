"""Two contenders side by side: what each scores, where they differ, what tells them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tunewise.core.canonical import JSONObject
from tunewise.core.errors import InputError, Problem, unknown
from tunewise.reports.facts.answers import Answers
from tunewise.reports.facts.comparability.finding import value_words
from tunewise.reports.facts.comparisons import LEVEL, answered
from tunewise.reports.facts.disagreements import Answered, majority_answer, truth_of
from tunewise.reports.facts.evidence import Contender, Evidence
from tunewise.reports.facts.results import Results, Row
from tunewise.reports.facts.setting_differences import differing, flat_settings
from tunewise.statistics.claims import Claim, Terms
from tunewise.statistics.intervals import Interval
from tunewise.statistics.metrics import METRICS
from tunewise.statistics.paired import McNemar
from tunewise.statistics.pairs import Pair, compare_pair
from tunewise.statistics.resampling import RESAMPLES
from tunewise.statistics.score_matrix import RowScores, share_items

NAMED = 5  # items that an error names

Cell = str | int | float | None


@dataclass(frozen=True)
class Measure:
    """One metric of both, as means over seeds, and first minus second with both claims.

    Each claim's `p` counts this pair alone. `mcnemar` holds a test for each seed that both
    ran, where the metric counts right answers. A mean is None where it is not defined.
    """

    metric: str
    first: float | None
    second: float | None
    difference: float | None
    items: Claim
    method: Claim
    mcnemar: dict[int, McNemar]


@dataclass(frozen=True)
class Differing:
    """An item to which the two give different answers, by the answer of most seeds."""

    id: str
    texts: dict[str, str]
    truth: tuple[str, ...]  # every answer that counts as right
    first: Answered
    second: Answered

    @property
    def right(self) -> str:
        """Who is right: ``both``, ``first``, ``second``, or ``neither``."""
        if self.first.right and self.second.right:
            return "both"
        if self.first.right:
            return "first"
        return "second" if self.second.right else "neither"


@dataclass(frozen=True)
class Contest:
    """Two contenders on the items that both answered.

    `counts` tell the items by who answers them right (``both``, ``first``, ``second``,
    ``neither``), each contender speaking with the answer of most of its seeds. `settings` and
    `costs` hold what differs and what each cost: a name, the first's value, the second's.
    """

    first: str
    second: str
    split: str
    items: int
    measures: tuple[Measure, ...]
    counts: dict[str, int]
    differing: tuple[Differing, ...]
    settings: tuple[tuple[str, Cell, Cell], ...]
    costs: tuple[tuple[str, Cell, Cell], ...]


def contest(evidence: Evidence, results: Results, first: str, second: str) -> Contest:
    """Compare two contenders on the split that the verdict rests on.

    Raises:
        InputError: no such contender, twice the same, one without answers, or answers about
            other items, which no paired test can speak about.
    """
    one, other = _pick(evidence, first, second)
    row, against = _answers_of(evidence, one), _answers_of(evidence, other)
    _refuse_other_items(row, against)
    pairs = _items(evidence, one, other)
    rows = {row.name: row for row in results.rows}
    return Contest(
        first=first,
        second=second,
        split=evidence.split,
        items=len(row.ids),
        measures=_measures(evidence, results, row, against),
        counts=_counts(pairs),
        differing=_with_texts(evidence, pairs),
        settings=_settings(one, other),
        costs=_costs(rows[first], rows[second]),
    )


def headline_measure(evidence: Evidence, results: Results, first: str, second: str) -> Measure:
    """The headline metric of two contenders, as their contest has it.

    Raises:
        InputError: as for `contest`.
    """
    one, other = _pick(evidence, first, second)
    row, against = _answers_of(evidence, one), _answers_of(evidence, other)
    _refuse_other_items(row, against)
    known = _known(results, first, second)
    return _measure(evidence.headline, row, against, known)


def contest_record(found: Contest) -> JSONObject:
    """Everything as JSON values, every differing item included."""
    return {
        "first": found.first,
        "second": found.second,
        "split": found.split,
        "items": found.items,
        "metrics": [
            {
                **asdict(measure),
                "mcnemar": {seed: test._asdict() for seed, test in measure.mcnemar.items()},
            }
            for measure in found.measures
        ],
        "right": found.counts,
        "settings": [
            dict(zip(("name", "first", "second"), row, strict=True)) for row in found.settings
        ],
        "measured": [
            dict(zip(("name", "first", "second"), row, strict=True)) for row in found.costs
        ],
        "differing": [
            {
                "id": item.id,
                **item.texts,
                "label": " | ".join(item.truth),
                "first": item.first.answer,
                "second": item.second.answer,
                "right": item.right,
            }
            for item in found.differing
        ],
    }


def _pick(evidence: Evidence, first: str, second: str) -> tuple[Contender, Contender]:
    by_name = {contender.name: contender for contender in evidence.contenders}
    wrong = [name for name in dict.fromkeys((first, second)) if name not in by_name]
    if wrong:
        where = str(evidence.path)
        raise InputError([Problem(where, unknown("contender", name, by_name)) for name in wrong])
    if first == second:
        raise InputError(f"'{first}' is compared with itself; name two contenders.")
    return by_name[first], by_name[second]


def _answers_of(evidence: Evidence, contender: Contender) -> RowScores:
    rows = answered([contender], evidence.split)
    if not rows:
        message = (
            f"'{contender.name}' ({contender.status}) has no answers on the {evidence.split} "
            f"split, which the others are judged by. See: tunewise status {evidence.path}"
        )
        raise InputError([Problem(str(evidence.path), message)])
    return rows[0]


def _refuse_other_items(row: RowScores, other: RowScores) -> None:
    ours = dict(zip(row.ids, np.asarray(row.labels).tolist(), strict=True))
    theirs = dict(zip(other.ids, np.asarray(other.labels).tolist(), strict=True))
    only, missing = [i for i in ours if i not in theirs], [i for i in theirs if i not in ours]
    relabelled = [id for id in ours if id in theirs and ours[id] != theirs[id]]
    if not only and not missing and not relabelled:
        return
    parts = [
        f"{len(ids):,} {what} ({', '.join(ids[:NAMED])}{', ...' if len(ids) > NAMED else ''})"
        for ids, what in (
            (only, f"only '{row.name}' answered"),
            (missing, f"only '{other.name}' answered"),
            (relabelled, "with different labels"),
        )
        if ids
    ]
    raise InputError(
        f"'{row.name}' and '{other.name}' were not asked the same examples: {'; '.join(parts)}. "
        "A paired comparison needs the same examples with the same labels."
    )


def _measures(
    evidence: Evidence, results: Results, row: RowScores, other: RowScores
) -> tuple[Measure, ...]:
    known = {evidence.headline: _known(results, row.name, other.name)}
    return tuple(_measure(name, row, other, known.get(name)) for name in evidence.metrics)


def _known(results: Results, first: str, second: str) -> Pair | None:
    """The pair as the table of results has it, so that both say the same to the last digit."""
    for one in results.rows:
        if one.to_best and {one.name, one.to_best.other} == {first, second}:
            return one.to_best
    return None


def _measure(name: str, row: RowScores, other: RowScores, known: Pair | None) -> Measure:
    """Both claims on one metric. The draws start from a fixed seed, as in every report."""
    metric, rng = METRICS[name], np.random.default_rng(0)
    resamples = 0 if known else RESAMPLES  # what is known needs the scores alone
    groups = share_items([row, other], metric, rng=rng, resamples=resamples)
    one, two = groups[0].rows
    terms = Terms(metric, LEVEL, 1, None, RESAMPLES)
    first, second = (
        float(scores.mean()) if np.isfinite(scores).all() else None
        for scores in (groups[0].scores(one), groups[0].scores(two))
    )
    if first is None or second is None:
        claim = Claim(reason=f"not testable: {name} is undefined on these answers")
        return Measure(name, first, second, None, claim, claim, {})
    pair = known or compare_pair(one, two, groups[0], terms, rng=rng)
    if pair.row == row.name:
        return Measure(name, first, second, pair.difference, pair.items, pair.method, pair.mcnemar)
    tests = {seed: _turned_test(test) for seed, test in pair.mcnemar.items()}
    sides = (_turned(pair.items), _turned(pair.method))
    return Measure(name, first, second, -pair.difference, *sides, tests)


def _turned(claim: Claim) -> Claim:
    """The same claim seen from the other side."""
    if claim.interval is None:
        return claim
    low, high = claim.interval
    return replace(claim, interval=Interval(-high, -low))


def _turned_test(test: McNemar) -> McNemar:
    return test._replace(first_only=test.second_only, second_only=test.first_only)


def _items(evidence: Evidence, one: Contender, other: Contender) -> list[Differing]:
    """Every item with the answer of most seeds of each; texts are read later."""
    runs = [_runs(contender, evidence.split) for contender in (one, other)]
    places = [[{id: n for n, id in enumerate(run.ids)} for run in mine] for mine in runs]
    reference = runs[0][0]
    return [
        Differing(
            id,
            {},
            truth_of(evidence, reference, place),
            majority_answer(evidence, one, runs[0], places[0], id),
            majority_answer(evidence, other, runs[1], places[1], id),
        )
        for place, id in enumerate(reference.ids)
    ]


def _runs(contender: Contender, split: str) -> list[Answers]:
    read = (trial.answers(split) for trial in contender.finished)
    return [answers for answers in read if answers is not None]


def _counts(items: Sequence[Differing]) -> dict[str, int]:
    found = Counter(item.right for item in items)
    return {who: found[who] for who in ("both", "first", "second", "neither")}


def _with_texts(evidence: Evidence, items: Sequence[Differing]) -> tuple[Differing, ...]:
    """The items answered differently: those one of the two gets right first."""
    order = {"first": 0, "second": 1, "neither": 2, "both": 3}
    split = [item for item in items if item.first.answer != item.second.answer]
    split.sort(key=lambda item: order[item.right])
    texts = evidence.texts(evidence.split) if split else {}
    return tuple(
        Differing(item.id, texts.get(item.id, {}), item.truth, item.first, item.second)
        for item in split
    )


def _settings(one: Contender, other: Contender) -> tuple[tuple[str, Cell, Cell], ...]:
    ours, theirs = flat_settings(one), flat_settings(other)
    return tuple(
        (path, _cell(ours.get(path)), _cell(theirs.get(path))) for path in differing([ours, theirs])
    )


def _cell(value: Any) -> Cell:
    return value if isinstance(value, Cell) else value_words(value)


def _costs(row: Row, other: Row) -> tuple[tuple[str, Cell, Cell], ...]:
    def told(one: Row) -> dict[str, Cell]:
        return {
            "parameters": one.parameters.total if one.parameters else None,
            "trained": one.parameters.trainable if one.parameters else None,
            "seconds a trial": one.measured.seconds,
            "seconds in all": one.measured.seconds_all,
            "peak bytes": one.measured.peak_bytes,
            "artefact bytes": one.measured.artefact_bytes,
        }

    theirs = told(other)
    return tuple((name, value, theirs[name]) for name, value in told(row).items())
