"""Generated texts as stored: what each way of decoding gives, how answers fail, what never ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import pyarrow.parquet as pq

from tunewise.analysis.evidence import Contender, Evidence
from tunewise.core.canonical import JSONObject
from tunewise.core.format import percent
from tunewise.core.sanitize import shown
from tunewise.statistics.diversity import distinct, self_f1, unique_fraction
from tunewise.statistics.failures import KINDS, failure
from tunewise.statistics.summary import mean_known

EXAMPLES = 3  # shown of each kind of failure
MOST = 0.5  # a fraction of the texts from which on it is a fault of asking, not of an answer
UNENDED = ("length", "loop")

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


@dataclass(frozen=True)
class Unfinished:
    """Fractions of a contender's texts, those that count, over all seeds."""

    contender: str
    position: int
    texts: int
    empty: float
    unended: float  # that ended at the limit or in a loop

    @property
    def sentence(self) -> str:
        parts = []
        if self.empty > MOST:
            parts.append(f"{percent(self.empty)} % are empty")
        if self.unended > MOST:
            parts.append(f"{percent(self.unended)} % never stop")
        return (
            f"Of the {self.texts:,} texts that {shown(self.contender)} generated "
            f"{' and '.join(parts)}: is the model asked in the form that it was trained on, with "
            "room for an answer?"
        )


def decoded(evidence: Evidence) -> list[Decoded]:
    """Every contender with every way of decoding, on the deciding split."""
    found = []
    for contender in evidence.contenders:
        runs = _runs(contender, evidence.split)
        ways = dict.fromkeys(row["strategy"] for run in runs for row in run)
        for way in ways:
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
            found.append(
                Decoded(
                    contender=contender.name,
                    position=contender.position,
                    strategy=way,
                    samples=max(map(len, by_question)),
                    exact_match=fmean(row["exact_match"] for row in rows),
                    f1=fmean(row["f1"] for row in rows),
                    best_exact_match=fmean(
                        max(row["exact_match"] for row in group) for group in by_question
                    ),
                    best_f1=fmean(max(row["f1"] for row in group) for group in by_question),
                    distinct_1=mean_known(distinct(texts, 1) for texts in firsts),
                    distinct_2=mean_known(distinct(texts, 2) for texts in firsts),
                    unique=fmean(map(unique_fraction, samples)),
                    self_f1=mean_known(map(self_f1, samples)),
                    words=fmean(len(row["answer"].split()) for row in rows),
                    cut=fmean(row["stopped"] in UNENDED for row in rows),
                )
            )
    return found


def failures(evidence: Evidence) -> list[Failures]:
    """Every contender that has written answers, by the answers that count."""
    texts = evidence.texts(evidence.split)
    asked = {id: next(iter(columns.values()), "") for id, columns in texts.items()}
    found = []
    for contender in evidence.contenders:
        runs = [_headline(run) for run in _runs(contender, evidence.split)]
        if not runs:
            continue
        counts: Counter[str] = Counter()
        examples: dict[str, list[FailedAnswer]] = {kind: [] for kind in KINDS}
        for number, run in enumerate(runs):
            for row in run:
                question = asked.get(row["id"], "")
                references = row["references"]
                kind = failure(question, row["answer"], references, stopped=row["stopped"])
                if kind is None:
                    continue
                counts[kind] += 1
                if number == 0 and len(examples[kind]) < EXAMPLES:
                    right = tuple(dict.fromkeys(references))
                    examples[kind].append(FailedAnswer(row["id"], question, right, row["answer"]))
        kept = {kind: tuple(rows) for kind, rows in examples.items() if rows}
        answers = sum(map(len, runs))
        found.append(Failures(contender.name, contender.position, answers, dict(counts), kept))
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


def unfinished(evidence: Evidence) -> list[Unfinished]:
    """The contenders most of whose texts are empty or do not end, on the deciding split."""
    found = []
    for one in evidence.contenders:
        texts = [text for t in one.finished for text in _texts(t.predictions(evidence.split))]
        if texts:
            empty = fmean(not text.strip() for text, _ in texts)
            unended = fmean(stopped in UNENDED for _, stopped in texts)
            found.append(Unfinished(one.name, one.position, len(texts), empty, unended))
    return [one for one in found if max(one.empty, one.unended) > MOST]


def _texts(path: Path | None) -> list[tuple[str, str]]:
    """The generated texts that count and to which an answer is known, with how each ended.

    Prompts that were only weighed have none.
    """
    names = pq.read_schema(path).names if path is not None else []
    if "stopped" not in names:
        return []
    if "references" in names:
        columns = ["strategy", "sample", "references", "answer", "stopped"]
        rows = _headline(pq.read_table(path, columns=columns).to_pylist())
        return [(row["answer"], row["stopped"]) for row in rows if any(row["references"] or ())]
    rows = pq.read_table(path, columns=["text", "stopped"]).to_pylist()
    return [(row["text"] or "", row["stopped"]) for row in rows if row["stopped"]]
