"""Two contenders side by side: what each scores, where they differ, what tells them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tunewise.analysis.comparisons import LEVEL, answered
from tunewise.analysis.disagreements import Answered, majority_answer, truth_of
from tunewise.analysis.evidence import Contender, Evidence
from tunewise.analysis.results import Results, Row
from tunewise.analysis.setting_differences import differing, flat_settings
from tunewise.analysis.wording import value_words
from tunewise.core.canonical import JSONObject
from tunewise.core.errors import InputError, Problem, unknown
from tunewise.core.lazy import Later
from tunewise.statistics.claims import Claim, Terms
from tunewise.statistics.metrics import METRICS
from tunewise.statistics.paired import McNemar
from tunewise.statistics.pairs import Pair, compare_pair
from tunewise.statistics.resampling import RESAMPLES
from tunewise.statistics.score_matrix import RowScores, group_by_examples

if TYPE_CHECKING:
    from tunewise.reports.outputs import notebook
else:  # what shows a fact lies above it, and is loaded when a notebook asks
    notebook = Later("tunewise.reports.outputs.notebook")

NAMED = 5  # examples that an error names
WHO = ("first", "second", "neither", "both")  # is right; what one of the two knows comes first

Cell = str | int | float | None
Sides = tuple[str, Cell, Cell]  # a name, the first's value, the second's


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
    """An example with the two's answers, each by the answer of most seeds."""

    id: str
    texts: dict[str, str]
    truth: tuple[str, ...]  # every answer that counts as right
    first: Answered
    second: Answered

    @property
    def right(self) -> str:
        """Who is right: ``both``, ``first``, ``second``, or ``neither``."""
        if self.first.right:
            return "both" if self.second.right else "first"
        return "second" if self.second.right else "neither"


@dataclass(frozen=True)
class Contest:
    """Two contenders on the examples that both answered.

    `counts` tell the examples by who answers them right, each contender speaking with the answer
    of most of its seeds. `settings` hold what differs, `costs` what each cost.
    """

    first: str
    second: str
    split: str
    items: int
    measures: tuple[Measure, ...]
    counts: dict[str, int]
    differing: tuple[Differing, ...]
    settings: tuple[Sides, ...]
    costs: tuple[Sides, ...]

    def _repr_html_(self) -> str:
        return notebook.contest_cell(self)


def contest(evidence: Evidence, results: Results, first: str, second: str) -> Contest:
    """Compare two contenders on the split that the verdict rests on.

    Raises:
        InputError: no such contender, twice the same, one without answers, or answers about
            other examples, which no paired test can speak about.
    """
    one, other = _pick(evidence, first, second)
    row, against = _asked_alike(evidence, one, other)
    examples = _examples(evidence, one, other)
    rights = Counter(example.right for example in examples)
    differing_ones = [one for one in examples if one.first.answer != one.second.answer]
    ours, theirs = flat_settings(one), flat_settings(other)
    rows = {row.name: _costs(row) for row in results.rows}
    return Contest(
        first=first,
        second=second,
        split=evidence.split,
        items=len(row.ids),
        measures=_measures(evidence, results, row, against, evidence.metrics),
        counts={who: rights[who] for who in ("both", "first", "second", "neither")},
        differing=tuple(sorted(differing_ones, key=lambda one: WHO.index(one.right))),
        settings=tuple(
            (path, _cell(ours.get(path)), _cell(theirs.get(path)))
            for path in differing([ours, theirs])
        ),
        costs=tuple((name, cost, rows[second][name]) for name, cost in rows[first].items()),
    )


def headline_measure(evidence: Evidence, results: Results, first: str, second: str) -> Measure:
    """The headline metric of two contenders, as their contest has it.

    Raises:
        InputError: as for `contest`.
    """
    row, against = _asked_alike(evidence, *_pick(evidence, first, second))
    return _measures(evidence, results, row, against, evidence.metrics[:1])[0]


def contest_record(found: Contest) -> JSONObject:
    """Everything as JSON values, every differing example included."""
    return {
        "first": found.first,
        "second": found.second,
        "split": found.split,
        "items": found.items,
        "metrics": [
            asdict(one) | {"mcnemar": {seed: test._asdict() for seed, test in one.mcnemar.items()}}
            for one in found.measures
        ],
        "right": found.counts,
        "settings": [_sides(row) for row in found.settings],
        "measured": [_sides(row) for row in found.costs],
        "differing": [
            {
                "id": example.id,
                **example.texts,
                "label": " | ".join(example.truth),
                "first": example.first.answer,
                "second": example.second.answer,
                "right": example.right,
            }
            for example in found.differing
        ],
    }


def _sides(row: Sides) -> JSONObject:
    return dict(zip(("name", "first", "second"), row, strict=True))


def _pick(evidence: Evidence, first: str, second: str) -> tuple[Contender, Contender]:
    known = evidence.by_name
    wrong = [name for name in dict.fromkeys((first, second)) if name not in known]
    if wrong:
        where = str(evidence.path)
        raise InputError([Problem(where, unknown("contender", name, known)) for name in wrong])
    if first == second:
        raise InputError(f"'{first}' is compared with itself; name two contenders.")
    return known[first], known[second]


def _answers_of(evidence: Evidence, contender: Contender) -> RowScores:
    rows = answered([contender], evidence.split)
    if not rows:
        message = (
            f"'{contender.name}' ({contender.status}) has no answers on the {evidence.split} "
            f"split, which the others are judged by. See: tunewise status {evidence.path}"
        )
        raise InputError([Problem(str(evidence.path), message)])
    return rows[0]


def _asked_alike(
    evidence: Evidence, first: Contender, second: Contender
) -> tuple[RowScores, RowScores]:
    """The answers of both, refused where they are about other examples."""
    row, other = _answers_of(evidence, first), _answers_of(evidence, second)
    ours = dict(zip(row.ids, np.asarray(row.labels).tolist(), strict=True))
    theirs = dict(zip(other.ids, np.asarray(other.labels).tolist(), strict=True))
    found = (
        ([id for id in ours if id not in theirs], f"only '{row.name}' answered"),
        ([id for id in theirs if id not in ours], f"only '{other.name}' answered"),
        ([id for id in ours if theirs.get(id, ours[id]) != ours[id]], "with different labels"),
    )
    parts = [
        f"{len(ids):,} {what} ({', '.join(ids[:NAMED])}{', ...' if len(ids) > NAMED else ''})"
        for ids, what in found
        if ids
    ]
    if parts:
        raise InputError(
            f"'{row.name}' and '{other.name}' were not asked the same examples: "
            f"{'; '.join(parts)}. A paired comparison needs the same examples with the same labels."
        )
    return row, other


def _measures(
    evidence: Evidence, results: Results, row: RowScores, other: RowScores, names: Sequence[str]
) -> tuple[Measure, ...]:
    """By each of these metrics; the headline as the table of results has it."""
    to_best = (one.to_best for one in results.rows if one.to_best)
    known = next((one for one in to_best if {one.row, one.other} == {row.name, other.name}), None)
    asked = set(row.ids)
    rows = [one for one in answered(evidence.contenders, evidence.split) if set(one.ids) == asked]
    return tuple(
        _measure(name, row, other, rows, known if name == evidence.headline else None)
        for name in names
    )


def _measure(
    name: str, row: RowScores, other: RowScores, rows: Sequence[RowScores], known: Pair | None
) -> Measure:
    """Both claims on one metric, with what the seeds of all `rows` tell of theirs.

    The draws start from a fixed seed, as in every report.
    """
    metric, rng = METRICS[name], np.random.default_rng(0)
    resamples = 0 if known else RESAMPLES  # what is known needs the scores alone
    group = group_by_examples([row, other], metric, rng=rng, resamples=resamples)[0]
    group = replace(group, beside=rows)
    one, two = group.rows
    first, second = (
        float(scores.mean()) if np.isfinite(scores).all() else None
        for scores in (group.scores(one), group.scores(two))
    )
    if first is None or second is None:
        claim = Claim(reason=f"not testable: {name} is undefined on these answers")
        return Measure(name, first, second, None, claim, claim, {})
    terms = Terms(metric, LEVEL, 1, None, RESAMPLES)
    pair = known or compare_pair(one, two, group, terms, rng=rng)
    if pair.row != row.name:
        pair = pair.turned()
    return Measure(name, first, second, pair.difference, pair.items, pair.method, pair.mcnemar)


def _examples(evidence: Evidence, one: Contender, other: Contender) -> list[Differing]:
    """Every example with each contender's answer of most seeds."""
    texts = evidence.texts(evidence.split)
    ours, theirs = (list(side.answers(evidence.split).values()) for side in (one, other))
    return [
        Differing(
            id,
            texts.get(id, {}),
            truth_of(evidence, ours[0], id),
            majority_answer(evidence, one, ours, id),
            majority_answer(evidence, other, theirs, id),
        )
        for id in ours[0].ids
    ]


def _cell(value: object) -> Cell:
    return value if isinstance(value, Cell) else value_words(value)


def _costs(row: Row) -> dict[str, Cell]:
    return {
        "parameters": row.parameters.total if row.parameters else None,
        "trained": row.trainable,
        "seconds a trial": row.measured.seconds,
        "seconds in all": row.measured.seconds_all,
        "peak bytes": row.measured.peak_bytes,
        "artefact bytes": row.measured.artefact_bytes,
        "latency seconds": row.measured.latency_seconds,
    }
