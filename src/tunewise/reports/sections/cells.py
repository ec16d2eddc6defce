"""Cells and columns that several sections share, so that each fact is shown alike everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tunewise.analysis.evidence import Contender
from tunewise.analysis.results import Row, Spread
from tunewise.analysis.wording import between, p_words
from tunewise.core.format import count, duration, milliseconds, percent, score, size
from tunewise.core.sanitize import shortened, shown
from tunewise.reports.document.model import NOTHING, PAGE, Badge, Column, Named, Outputs
from tunewise.statistics.intervals import Interval


def named(row: Row | Contender, *badges: Badge, detail: str = "") -> Named:
    """A contender by its name; how it failed, where it did, follows in brackets."""
    failed = [Badge(row.status, "bad")] if row.status != "done" else []
    return Named(row.name, row.position, (*badges, *failed), detail)


def called(one: Any) -> Named:
    """A name with its color, and nothing else."""
    return Named(one.name, one.position)


def whose(fact: Any) -> Named:
    """The contender that a fact is about."""
    return Named(fact.contender, fact.position)


number = "{:,}".format  # a count in full
decimal = "{:.1f}".format  # a mean of counts

CONTENDER = Column("Contender", "contender", of=named, number=False)
WHOSE = Column("Contender", "contender", of=whose, number=False)
TRAINABLE = Column("Trainable", "trained", count, "trainable")
SECONDS = Column("Time per trial", "seconds a trial", duration, "measured.seconds")
PEAK = Column("Peak memory", "peak bytes", size, "measured.peak_bytes")
LATENCY = Column("Latency, ms", "latency seconds", milliseconds, "measured.latency_seconds")
ARTIFACT = Column("Artifact", "artefact bytes", size, "measured.artefact_bytes")


def mean_and_sd(metric: str, spread: Spread | None) -> str:
    """The mean over seeds and, where there are several, their standard deviation."""
    if spread is None:
        return NOTHING
    mean = score(metric, spread.mean)
    return mean if spread.sd is None else f"{mean} ± {score(metric, spread.sd)}"


def ends(metric: str, interval: Interval | None, joint: str = "–") -> str:
    """Both ends of an interval of scores."""
    return joint.join(score(metric, end) for end in interval) if interval else NOTHING


def p_value(p: float | None) -> str:
    """A p value with its sign, as small print has it."""
    return "not testable" if p is None else p_words(p)


def short(text: str, most: int = 40) -> str:
    """The beginning of a text, fit to be shown."""
    return shortened(shown(text), most)


def from_to(*values: Any) -> str:
    """The smallest and the largest, or the one that there is."""
    low, high = str(min(values)), str(max(values))
    return low if low == high else f"{low} to {high}"


def percents(title: str, key: str | None = None, of: str | Callable[[Any], Any] = "") -> Column:
    """A column of fractions in percent."""
    return Column(title, key, percent, of)


def texts(*titles: str) -> list[Column]:
    """Columns of words for people."""
    return [Column(title, number=False) for title in titles]


def in_files(**of: str) -> list[Column]:
    """Columns for programs alone: their keys, and the attribute that each shows."""
    return [Column("", key.replace("_", " "), of=path) for key, path in of.items()]


def claim(title: str, key: str, of: str, metric: str = "accuracy") -> Sequence[Column]:
    """An interval of a difference for people, with its ends for programs."""
    return (
        Column(title, None, partial(between, metric), of),
        Column("", f"{key} low", of=f"{of}.low"),
        Column("", f"{key} high", of=f"{of}.high"),
    )


def only(column: Column, outputs: Outputs = PAGE) -> Column:
    """The same column for some outputs alone, and no file."""
    return Column(column.title, None, column.show, column.of, column.number, outputs=outputs)
