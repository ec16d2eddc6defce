"""How even the classes are, and who comes first where each class counts alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tunewise.analysis.evidence import Evidence
from tunewise.analysis.results import Results
from tunewise.analysis.wording import split_name
from tunewise.core.balance import uneven
from tunewise.core.format import percent, plural
from tunewise.core.sanitize import shortened, shown
from tunewise.statistics.metrics import METRICS
from tunewise.statistics.summary import mean_known

BALANCED = "balanced_accuracy"
MOST = 40  # characters of a class in a sentence


@dataclass(frozen=True)
class Balance:
    """The classes of the deciding split, and the balanced accuracy of each contender.

    `balanced` holds means over seeds, as fractions: of each class the part that was found, all
    classes alike.
    """

    split: str
    counts: Mapping[str, int]
    balanced: Mapping[str, float]
    best: str | None
    metric: str

    @property
    def uneven(self) -> bool:
        return uneven(self.counts.values())

    def sentence(self) -> str:
        """What somebody has to know before reading an accuracy."""
        ordered = sorted(self.counts.items(), key=lambda one: -one[1])
        total = sum(self.counts.values())
        (most, many), (least, few) = ordered[0], ordered[-1]
        where = split_name(self.split)
        if not self.uneven:
            low, high = (percent(count / total, digits=0) for count in (few, many))
            shares = low if low == high else f"{low} to {high}"
            return f"The {len(ordered)} classes are about even: {shares} % of {where} each."
        text = (
            f"The {len(ordered)} classes are uneven: “{_short(most)}” makes up "
            f"{percent(many / total)} % of {where}, “{_short(least)}” {plural(few, 'example')}. "
            f"Guessing “{_short(most)}” throughout scores {percent(many / total)} % accuracy and "
            f"{percent(1 / len(ordered))} % balanced accuracy."
        )
        return f"{text}{self._first()}"

    def _first(self) -> str:
        """Who leads where each class counts alike."""
        if not self.balanced:
            return ""
        first = max(self.balanced, key=lambda name: self.balanced[name])
        score = percent(self.balanced[first])
        by = "By balanced accuracy, where each class counts alike,"
        if self.best is None or first == self.best or self.best not in self.balanced:
            return f" {by} {shown(first)} comes first as well ({score} %)."
        own = percent(self.balanced[self.best])
        advice = ""
        if self.metric != BALANCED:
            advice = f" To choose by it, name it first: task.metrics: [{BALANCED}]."
        return (
            f" {by} {shown(first)} comes first ({score} %, against {own} % of "
            f"{shown(self.best)}).{advice}"
        )


def balance(evidence: Evidence, results: Results) -> Balance | None:
    """None where one of several classes is not what is asked, or nobody counted them."""
    counts = evidence.data.label_counts.get(evidence.split, {})
    known = {name: int(counts.get(name, 0)) for name in evidence.labels}
    if len(known) < 2 or not any(known.values()):
        return None
    best = results.best.name if results.best else None
    metric, found = METRICS[BALANCED], {}
    for one, runs in evidence.answered:
        score = mean_known(
            metric.of(run.columns) for run in runs if len(run.ids) and not run.written
        )
        if score is not None:
            found[one.name] = score
    return Balance(evidence.split, known, found, best, results.metric)


def _short(name: str) -> str:
    return shortened(shown(name), MOST)
