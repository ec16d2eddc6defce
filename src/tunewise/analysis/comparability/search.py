"""What the comparability checks say of the search: budgets, spaces, edges, small validations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from tunewise.analysis.comparability.finding import Finding, by_rows, differ, finding
from tunewise.analysis.evidence import Contender, Evidence
from tunewise.analysis.tuning.searching import Edge, edges, learned_nothing
from tunewise.analysis.wording import setting_name, setting_words, value_words
from tunewise.core.format import listed
from tunewise.core.sanitize import shown
from tunewise.statistics.metrics import METRICS
from tunewise.statistics.power import detectable_difference
from tunewise.statistics.tuning import expected_optimism

SAME_SHAPE = 0.05  # grids are rounded to two digits, so that their ratios differ a little


def search_findings(evidence: Evidence) -> Iterator[Finding]:
    """Everything unequal or doubtful about how points were chosen.

    Budgets and spaces are compared among the rows that the loop trains: one that is solved has no
    rate to search.
    """
    trained = [contender for contender in evidence.contenders if contender.described.trained]
    yield from _budget(trained)
    # Other settings searched, or ranges that are not the same shape around their own center.
    spaces = {one.name: _space(one) for one in trained if one.searched and not one.described.rates}
    others = differ({name: sorted(space) for name, space in spaces.items()})
    if others or not all(
        _alike(one, other) for one in spaces.values() for other in spaces.values()
    ):
        shapes = {name: _words(space, setting_name) for name, space in spaces.items()}
        yield finding(
            "search.space",
            f"Search spaces differ: {by_rows(shapes)}.",
            "Search the same settings for every row, over ranges of the same width around each "
            "method's own default (learning_rate: auto does).",
            spaces,
            severity="warning" if others else "notice",
        )
    yield from _too_small(evidence)
    # Searches in which no point learned anything: which way to search on is unknown.
    found = {one.name: _space(one) for one in trained if learned_nothing(one)}
    if found:
        words = {name: _words(space, setting_words) for name, space in found.items()}
        yield finding(
            "search.nothing_learned",
            "At every point of the search a training fell into one answer for all, or its loss did "
            f"not fall: {by_rows(words)}. Which way to search on, it does not say.",
            "Such a row says nothing about its method. See with tunewise sanity whether it can "
            "learn ten examples by heart, and look at the labels.",
            found,
        )
    yield from _edges(evidence)


def _budget(trained: list[Contender]) -> Iterator[Finding]:
    """Search points a row, and trials that ended where each row was to have equally many."""
    points = {contender.name: len(contender.points) for contender in trained}
    if differ(points):
        yield finding(
            "search.budget",
            f"Search points differ: {by_rows(points)}.",
            "Give every row equally many points under search:; the best of more points looks "
            "better even where all are equally good.",
            points,
        )
    planned = {one.name: len(one.points) + one.seeds_planned - 1 for one in trained}
    ended = {one.name: len(one.trials) for one in trained}
    if differ(ended) and not differ(planned):
        yield finding(
            "search.trials",
            f"Trials that have ended differ: {by_rows(ended)}.",
            "Let the study finish: the same command resumes it.",
            ended,
            severity="notice",
        )


def _space(contender: Contender) -> dict[str, list[Any]]:
    """The values tried for each searched setting, in the order of the study."""
    return {
        setting: list({repr(v): v for p in contender.points for v in [p.values[setting]]}.values())
        for setting in contender.searched
    }


def _words(space: dict[str, list[Any]], name: Callable[[str], str]) -> str:
    return ", ".join(f"{shown(name(key))} {value_words(space[key])}" for key in space)


def _alike(space: dict[str, list[Any]], other: dict[str, list[Any]]) -> bool:
    """Whether the same settings take the same values; learning rates up to a common factor."""
    for setting, values in space.items():
        theirs = other[setting]
        if setting.endswith("learning_rate") and len(values) == len(theirs):
            shifts = [math.log(a / b) for a, b in zip(values, theirs, strict=True) if a and b]
            if shifts and max(shifts) - min(shifts) <= SAME_SHAPE:
                continue
        if values != theirs:
            return False
    return True


def _edges(evidence: Evidence) -> Iterator[Finding]:
    """Values shown to be best at an end of their range: a better one may lie beyond."""
    found: dict[Edge, list[str]] = {}
    for contender in evidence.contenders:
        for edge in edges(contender, evidence.headline):
            found.setdefault(edge, []).append(contender.name)
    for edge, names in found.items():
        of_whom = listed([shown(name) for name in names])
        yield finding(
            "search.edge",
            f"The best {shown(setting_name(edge.setting))} of {of_whom}, "
            f"{value_words(edge.value)}, is the {edge.side} of those tried "
            f"{value_words(edge.tried)}.",
            f"Search again with {value_words(edge.try_next)} added: the best value may lie beyond "
            "the range, and the row may be better than it looks.",
            {
                name: {"setting": edge.setting, "chosen": edge.value, "try_next": edge.try_next}
                for name in names
            },
            # Of two values one end is always chosen; that says little.
            severity="notice" if len(edge.tried) == 2 else "warning",
        )


@dataclass(frozen=True)
class Choice:
    """How well validation could choose among a row's points. Scores are fractions."""

    points: int
    items: int
    standard_error: float  # of the chosen point's score, from the examples
    lead: float  # of the chosen point over the next
    detectable: float | None  # the smallest lead that would show, 80 % of the time
    optimism: float  # what the best of equally good points gains by looks

    @property
    def blind(self) -> bool:
        return self.detectable is None or self.lead < self.detectable


def choice(contender: Contender, metric: str) -> Choice | None:
    """None where nothing was searched or learned, or the metric is no fraction of right answers."""
    scored = [p for p in contender.points if p.score(metric) is not None]
    chosen = contender.chosen
    if len(scored) < 2 or chosen is None or learned_nothing(contender):
        return None
    if METRICS[metric].kind != "proportion":
        return None
    rest = [p for p in scored if p is not chosen]
    following = max(rest, key=lambda point: point.score(metric) or 0.0)
    ours, theirs = (point.answers("validation") for point in (chosen, following))
    if ours is None or theirs is None or ours.ids != theirs.ids:
        return None
    right, other = ours.choices == ours.labels, theirs.choices == theirs.labels
    if (right == other).all():
        return None  # more examples need not tell apart what nothing tells apart here
    examples, fraction = len(right), float(right.mean())
    error = math.sqrt(fraction * (1 - fraction) / examples)
    return Choice(
        points=len(scored),
        items=examples,
        standard_error=error,
        lead=fraction - float(other.mean()),
        detectable=detectable_difference(examples, float((right != other).mean())),
        optimism=expected_optimism(len(scored), error),
    )


def _too_small(evidence: Evidence) -> Iterator[Finding]:
    """Rows whose chosen point leads the next by less than validation can show."""
    found = {one.name: choice(one, evidence.headline) for one in evidence.contenders}
    blind = {name: one for name, one in found.items() if one is not None and one.blind}
    if not blind:
        return
    worst = max(blind.values(), key=lambda one: one.optimism)
    parts = [
        f"{shown(name)}'s best of {one.points} leads by {100 * one.lead:.1f} points where "
        f"{'no lead' if one.detectable is None else f'{100 * one.detectable:.1f}'} would show"
        for name, one in blind.items()
    ]
    yield finding(
        "search.validation",
        f"Validation is too small to choose among that many points: {'; '.join(parts)}. With "
        f"{worst.items:,} examples one score is uncertain by ± {100 * worst.standard_error:.1f} "
        f"points, and the best of {worst.points} equally good points would look up to "
        f"{100 * worst.optimism:.1f} points better than it is.",
        "Read the choice as one of several that are as good, and judge by the test split. More "
        "validation examples or fewer points would make it sharper.",
        {name: asdict(one) for name, one in blind.items()},
        severity="notice",
    )
