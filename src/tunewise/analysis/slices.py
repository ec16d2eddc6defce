"""Scores by slice of the data: where the order of contenders holds, and where it does not.

The two rows that are compared in every slice are the best and the second of the whole study,
named before any slice was looked at, so that no slice picks its own winner. Where questions about
images are answered with several pairs of encoders, they are two pairs under one method: the best
row that reads both, and the best of its method with another pair. Holm counts every slice of every
column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tunewise.analysis.comparisons import LEVEL, RESAMPLES_BESIDE, answered
from tunewise.analysis.evidence import Contender, Evidence
from tunewise.analysis.results import Results
from tunewise.statistics.claims import Claim, Meeting, Terms, examples_claim
from tunewise.statistics.corrections import holm
from tunewise.statistics.intervals import Interval
from tunewise.statistics.metrics import METRICS, Metric
from tunewise.statistics.score_matrix import RowScores, group_by_examples
from tunewise.statistics.summary import summarize

KIND = "question_type"  # questions about images are always sliced by it
LENGTH = "length"  # of all texts, or context_length and the like: quartiles, in characters
MOST_SLICES = 12  # of one column; the rarest values are put together
MOST_VALUES = 12  # numbers with more values than these are cut at their quartiles
OF_THEMSELVES = ("question_word",)  # columns that a task adds to its prepared data
MISSING, EMPTY = "(missing)", "(empty)"


@dataclass(frozen=True)
class SliceScore:
    """A row within a slice. `mean` is None where the metric is not defined there."""

    name: str
    mean: float | None
    interval: Interval | None


@dataclass(frozen=True)
class Slice:
    """The examples that share a value of a column, and what every row scored on them."""

    column: str
    value: str
    items: int
    scores: tuple[SliceScore, ...]  # in the order of the results
    difference: float | None  # of the two that are compared, the first minus the other
    test: Claim | None  # of that difference, corrected over all slices

    def score(self, name: str) -> SliceScore | None:
        return next((one for one in self.scores if one.name == name), None)


@dataclass(frozen=True)
class Sliced:
    """Every slice of a study. `counted` slices were tested, and p-values count them all.

    `best` is compared with `second`; they are the study's, or `of_pairs` of encoders.
    """

    metric: str
    split: str
    best: str | None
    second: str | None
    of_pairs: bool
    counted: int
    slices: tuple[Slice, ...]

    @property
    def columns(self) -> dict[str, list[Slice]]:
        found: dict[str, list[Slice]] = {}
        for one in self.slices:
            found.setdefault(one.column, []).append(one)
        return found


def sliced(evidence: Evidence, results: Results) -> Sliced | None:
    """The scores by slice; None where there are no slices or nothing has been answered.

    Where a study of questions names none, its prepared data still say what word each asks with.
    """
    order = [row.name for row in results.rows if row.standing != "unscored"]
    answers = {row.name: row for row in answered(evidence.contenders, evidence.split)}
    rows = [answers[name] for name in order if name in answers]
    names = list(evidence.study.slices)
    audited = evidence.data.audit.facts.get("splits", {})
    if KIND not in names and any("question_types" in facts for facts in audited.values()):
        names.append(KIND)
    names = names or list(OF_THEMSELVES)
    if not names or not rows:
        return None
    metric = METRICS[evidence.headline]
    values = slice_values(evidence, evidence.split, names)
    pairs = _two_pairs(evidence, [row.name for row in rows]) if KIND in names else None
    compared = pairs or tuple(row.name for row in rows[:2])
    slices = [
        found
        for column in names
        for value, ids in _groups(values.get(column, {}), cut=column.endswith(LENGTH))
        if (found := _slice(column, value, ids, rows, metric, compared=compared))
    ]
    if not slices:
        return None
    tested = [(n, one.test) for n, one in enumerate(slices) if one.test and one.test.p is not None]
    adjusted = holm([test.p or 0.0 for _, test in tested]).tolist() if tested else []
    for (n, test), p in zip(tested, adjusted, strict=True):
        summary = replace(test, p_adjusted=p, separated=p < 1 - LEVEL)
        slices[n] = replace(slices[n], test=summary)
    return Sliced(
        metric.name,
        evidence.split,
        compared[0],
        compared[1] if len(compared) > 1 else None,
        pairs is not None,
        len(tested),
        tuple(slices),
    )


def _two_pairs(evidence: Evidence, order: Sequence[str]) -> tuple[str, str] | None:
    """The best row that reads images and questions, and the best like it with other encoders."""
    known = [evidence.by_name[name] for name in order]
    reading = [one for one in known if one.model and not one.described.reads_only]
    for first in reading:
        for other in reading:
            if other.model != first.model and _alike(first) == _alike(other):
                return first.name, other.name
    return None


def _alike(one: Contender) -> object:
    """What two rows have in common that differ in their model alone."""
    return one.method, one.settings, one.described.own_training


def slice_values(
    evidence: Evidence, split: str, names: Iterable[str]
) -> dict[str, dict[str, str | None]]:
    """For each column its value by example id.

    `length` is that of the texts in characters, `context_length` that of one column; of a written
    answer, the first reference's. A column that the prepared data do not hold is left out.
    """
    path = evidence.examples(split)
    if path is None:
        return {}
    table = pq.read_table(path)
    ids, found = table["id"].to_pylist(), {name: _values(evidence, table, name) for name in names}
    return {name: dict(zip(ids, values, strict=True)) for name, values in found.items() if values}


def _values(evidence: Evidence, table: pa.Table, name: str) -> list[str | None]:
    if name == LENGTH:
        texts = zip(*(table[column].to_pylist() for column in evidence.text_columns), strict=True)
        return [str(sum(len(str(text)) for text in row)) for row in texts]
    if name in table.column_names:
        values, labels = table[name].to_pylist(), evidence.labels
        if labels and name == (evidence.study.answer or "label"):
            return [labels[value] for value in values]
        return [None if value is None else str(value) for value in values]
    column = name.removesuffix(f"_{LENGTH}")
    if column == name or column not in table.column_names:
        return []
    values = table[column].to_pylist()
    written = ("".join(one["text"][:1]) if isinstance(one, dict) else str(one) for one in values)
    return [str(len(text)) for text in written]


def _slice(
    column: str,
    value: str,
    ids: set[str],
    rows: Sequence[RowScores],
    metric: Metric,
    *,
    compared: Sequence[str],
) -> Slice | None:
    """What the rows scored on these examples; None where none of them answered any."""
    kept = [(row, [id for id in row.ids if id in ids]) for row in rows]
    inside = [row.in_order_of(mine) for row, mine in kept if mine]
    if not inside:
        return None
    rng = np.random.default_rng(0)
    scores: dict[str, SliceScore] = {}
    test, difference = None, None
    for group in group_by_examples(inside, metric, rng=rng, resamples=RESAMPLES_BESIDE):
        by_name = {row.name: row for row in group.rows}
        for name, row in by_name.items():
            summary = summarize(row, group, metric, level=LEVEL)
            scores[name] = SliceScore(name, summary.mean, summary.items_interval)
        two = [by_name[name] for name in compared if name in by_name]
        if len(two) == 2:
            meeting = Meeting(two[0], two[1], group, metric)
            terms = Terms(metric, LEVEL, 1, None, RESAMPLES_BESIDE)
            if np.isfinite(meeting.difference):
                difference = meeting.difference
                test = examples_claim(meeting, terms, rng=rng)
    ordered = tuple(scores[row.name] for row in rows if row.name in scores)
    return Slice(column, value, len(inside[0].ids), ordered, difference, test)


def _groups(values: Mapping[str, str | None], *, cut: bool) -> list[tuple[str, set[str]]]:
    """The ids of every slice of a column, in the order of its values or of its quartiles."""
    floats: dict[str, float] = {}
    with suppress(ValueError):  # where one of them is no number
        floats = {id: float(value or "nan") for id, value in values.items()}
    if (
        floats
        and all(map(np.isfinite, floats.values()))
        and (cut or len(set(floats.values())) > MOST_VALUES)
    ):
        return _quartiles(floats)
    groups: dict[str, set[str]] = {}
    for id, value in values.items():
        name = MISSING if value is None else value or EMPTY
        groups.setdefault(name, set()).add(id)
    by_size = sorted(groups, key=lambda name: (-len(groups[name]), name))
    if len(by_size) <= MOST_SLICES:
        return [(name, groups[name]) for name in sorted(groups)]
    kept, rest = sorted(by_size[: MOST_SLICES - 1]), by_size[MOST_SLICES - 1 :]
    others = set().union(*(groups[name] for name in rest))
    return [*((name, groups[name]) for name in kept), (f"({len(rest)} rarer values)", others)]


def _quartiles(floats: Mapping[str, float]) -> list[tuple[str, set[str]]]:
    """Four groups of about equal size; equal numbers are never parted.

    >>> [(name, sorted(ids)) for name, ids in _quartiles({"a": 1, "b": 2, "c": 3, "d": 4})]
    [('1', ['a']), ('2', ['b']), ('3', ['c']), ('4', ['d'])]
    """
    values: NDArray[np.float64] = np.array(list(floats.values()))
    bounds = np.quantile(values, [0.25, 0.5, 0.75], method="inverted_cdf")
    place = dict(zip(floats, np.searchsorted(bounds, values).tolist(), strict=True))
    groups = []
    for quarter in range(4):
        inside = {id for id, where in place.items() if where == quarter}
        if inside:
            span = sorted(floats[id] for id in inside)
            low, high = f"{span[0]:g}", f"{span[-1]:g}"
            groups.append((low if low == high else f"{low} to {high}", inside))
    return groups
