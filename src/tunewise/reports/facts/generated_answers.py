"""Written answers as stored: every way of decoding, every sample, with what they are worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import pyarrow.parquet as pq

from tunewise.core.canonical import JSONObject
from tunewise.reports.facts.evidence import Contender, Evidence
from tunewise.statistics.diversity import distinct, self_f1, unique_fraction
from tunewise.statistics.failures import KINDS, failure

EXAMPLES = 3  # shown of each kind of failure

Stored = list[JSONObject]


@dataclass(frozen=True)
class Decoded:
    """What one way of decoding gave for one contender: means over questions and seeds.

    Values are fractions. `best_f1` takes the best sample of each question, as if one could pick
    it. `distinct_1` and `distinct_2` are over the first sample of every question.
    """

    contender: str
    position: int
    strategy: str
    samples: int
    exact_match: float
    f1: float
    best_exact_match: float
    best_f1: float
    distinct_1: float | None
    distinct_2: float | None
    unique: float
    self_f1: float | None
    words: float
    cut: float  # fraction that ended at the limit or in a loop

    @property
    def diversity(self) -> float | None:
        """How little two samples of one question agree; None for a single one."""
        return None if self.self_f1 is None else 1 - self.self_f1


@dataclass(frozen=True)
class FailedAnswer:
    """A question that was answered wrongly."""

    id: str
    question: str
    references: tuple[str, ...]
    answer: str


@dataclass(frozen=True)
class Failures:
    """How a contender's answers fail: counts of each kind over all its seeds."""

    contender: str
    position: int
    answers: int
    counts: dict[str, int]
    examples: dict[str, tuple[FailedAnswer, ...]]  # of its first seed

    def fraction(self, kind: str) -> float:
        return self.counts.get(kind, 0) / self.answers


def decoded(evidence: Evidence) -> list[Decoded]:
    """Every contender with every way of decoding, on the deciding split."""
    found = []
    for contender in evidence.contenders:
        runs = _runs(contender, evidence.split)
        ways = dict.fromkeys(row["strategy"] for run in runs for row in run)
        found += [_decoded(contender, way, runs) for way in ways]
    return found


def failures(evidence: Evidence) -> list[Failures]:
    """Every contender that has written answers, by the answers that count."""
    column = evidence.question_column
    texts = evidence.texts(evidence.split)
    asked = {id: columns.get(column, "") for id, columns in texts.items()}
    found = []
    for contender in evidence.contenders:
        runs = [_headline(run) for run in _runs(contender, evidence.split)]
        if not runs:
            continue
        kinds = [[_kind(row, asked) for row in run] for run in runs]
        found.append(
            Failures(
                contender.name,
                contender.position,
                sum(map(len, runs)),
                dict(Counter(kind for run in kinds for kind in run if kind)),
                _examples(runs[0], kinds[0], asked),
            )
        )
    return found


def _runs(contender: Contender, split: str) -> list[Stored]:
    """The stored answers of each seed; none where the task is no writing."""
    runs = []
    for trial in contender.finished:
        path = trial.predictions(split)
        if path is not None and "references" in pq.read_schema(path).names:
            runs.append(pq.read_table(path).to_pylist())
    return runs


def _headline(run: Stored) -> Stored:
    return [row for row in run if row["strategy"] == run[0]["strategy"] and row["sample"] == 0]


def _kind(row: JSONObject, asked: dict[str, str]) -> str | None:
    question = asked.get(row["id"], "")
    return failure(question, row["answer"], row["references"], stopped=row["stopped"])


def _examples(
    run: Stored, kinds: Sequence[str | None], asked: dict[str, str]
) -> dict[str, tuple[FailedAnswer, ...]]:
    shown: dict[str, list[FailedAnswer]] = {kind: [] for kind in KINDS}
    for row, kind in zip(run, kinds, strict=True):
        if kind and len(shown[kind]) < EXAMPLES:
            references = tuple(dict.fromkeys(row["references"]))
            question = asked.get(row["id"], "")
            shown[kind].append(FailedAnswer(row["id"], question, references, row["answer"]))
    return {kind: tuple(rows) for kind, rows in shown.items() if rows}


def _decoded(contender: Contender, way: str, runs: Sequence[Stored]) -> Decoded:
    by_question: list[Stored] = []  # of every seed
    firsts: list[list[str]] = []
    for run in runs:
        groups: dict[str, Stored] = {}
        for row in run:
            if row["strategy"] == way:
                groups.setdefault(row["id"], []).append(row)
        by_question += groups.values()
        firsts.append([group[0]["answer"] for group in groups.values()])
    rows = [row for group in by_question for row in group]
    samples = [[row["answer"] for row in group] for group in by_question]
    agreeing = [agreed for group in samples if (agreed := self_f1(group)) is not None]
    return Decoded(
        contender=contender.name,
        position=contender.position,
        strategy=way,
        samples=max(map(len, by_question)),
        exact_match=fmean(row["exact_match"] for row in rows),
        f1=fmean(row["f1"] for row in rows),
        best_exact_match=fmean(max(row["exact_match"] for row in group) for group in by_question),
        best_f1=fmean(max(row["f1"] for row in group) for group in by_question),
        distinct_1=_mean([distinct(texts, 1) for texts in firsts]),
        distinct_2=_mean([distinct(texts, 2) for texts in firsts]),
        unique=fmean(map(unique_fraction, samples)),
        self_f1=fmean(agreeing) if agreeing else None,
        words=fmean(len(row["answer"].split()) for row in rows),
        cut=fmean(row["stopped"] in ("length", "loop") for row in rows),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
