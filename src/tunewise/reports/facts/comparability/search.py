"""What the fairness lint says of the search: budgets, spaces, edges, and too small a validation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tunewise.core.format import listed
from tunewise.core.sanitize import shown
from tunewise.reports.facts.answers import Answers
from tunewise.reports.facts.comparability.finding import (
    Finding,
    Severity,
    differ,
    told,
    value_words,
)
from tunewise.reports.facts.evidence import Contender, Evidence, Point
from tunewise.reports.facts.searching import edges, learned_nothing
from tunewise.reports.facts.wording import setting_said
from tunewise.statistics.metrics import METRICS
from tunewise.statistics.power import detectable_difference
from tunewise.statistics.tuning import expected_optimism

SAME_SHAPE = 0.05  # grids are rounded to two digits, so that their ratios differ a little


def search_findings(evidence: Evidence) -> list[Finding]:
    """Everything unequal or doubtful about how points were chosen."""
    trained = [contender for contender in evidence.contenders if contender.training]
    found = [
        *(_budget(trained), _trials(trained), _spaces(trained)),
        *(_too_small(evidence), _no_direction(trained)),
    ]
    return [finding for finding in found if finding is not None] + _edges(evidence)


def _budget(trained: list[Contender]) -> Finding | None:
    """Search points a row; whoever tries more finds better values by luck alone."""
    points = {contender.name: len(contender.points) for contender in trained}
    if not differ(points):
        return None
    return Finding(
        "search.budget",
        "warning",
        f"Search points differ: {told(points)}.",
        "Give every row equally many points under search:; the best of more points looks better "
        "even where all are equally good.",
        tuple(points),
        points,
    )


def _trials(trained: list[Contender]) -> Finding | None:
    """Trials that ended, where the plan gave each row equally many."""
    planned = {c.name: len(c.points) + c.seeds_planned - 1 for c in trained}
    ended = {c.name: len(c.trials) for c in trained}
    if differ(planned) or not differ(ended):
        return None
    return Finding(
        "search.trials",
        "notice",
        f"Trials that have ended differ: {told(ended)}.",
        "Let the study finish: the same command resumes it.",
        tuple(ended),
        ended,
    )


def _spaces(trained: list[Contender]) -> Finding | None:
    """Other settings searched, or ranges that are not the same shape around their own centre."""
    spaces = {c.name: _space(c) for c in trained if c.searched}
    names = {name: sorted(space) for name, space in spaces.items()}
    words = {
        name: ", ".join(
            f"{shown(key.rpartition('.')[2])} {value_words(values)}"
            for key, values in space.items()
        )
        for name, space in spaces.items()
    }
    if differ(names):
        severity: Severity = "warning"
    elif not all(_alike(space, other) for space in spaces.values() for other in spaces.values()):
        severity = "notice"
    else:
        return None
    return Finding(
        "search.space",
        severity,
        f"Search spaces differ: {told(words)}.",
        "Search the same settings for every row, over ranges of the same width around each "
        "method's own default (search: {learning_rate: auto} does).",
        tuple(spaces),
        spaces,
    )


def _space(contender: Contender) -> dict[str, list[Any]]:
    """The values tried for each searched setting, in the order of the study."""
    return {
        setting: list({repr(v): v for p in contender.points for v in [p.values[setting]]}.values())
        for setting in contender.searched
    }


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


def _edges(evidence: Evidence) -> list[Finding]:
    """Values shown to be best at an end of their range: a better one may lie beyond."""
    found: dict[tuple[str, str, float, tuple[float, ...], float], list[str]] = {}
    for contender in evidence.contenders:
        for e in edges(contender, evidence.headline):
            key = (e.setting, e.side, e.value, e.tried, e.try_next)
            found.setdefault(key, []).append(contender.name)
    return [
        Finding(
            "search.edge",
            # Of two values one end is always chosen; that says little.
            "notice" if len(values) == 2 else "warning",
            f"The best {shown(setting.rpartition('.')[2])} of {listed(list(map(shown, names)))}, "
            f"{value_words(value)}, is the {side} of those tried {value_words(values)}.",
            f"Search again with {value_words(beyond)} added: the best value may lie beyond the "
            "range, and the row may be better than it looks.",
            tuple(names),
            {name: {"setting": setting, "chosen": value, "try_next": beyond} for name in names},
        )
        for (setting, side, value, values, beyond), names in found.items()
    ]


def _no_direction(trained: list[Contender]) -> Finding | None:
    """Searches in which no point learned anything: which way to go on cannot be told."""
    found = {c.name: _space(c) for c in trained if learned_nothing(c)}
    if not found:
        return None
    words = {
        name: ", ".join(
            f"{setting_said(shown(key))} {value_words(values)}" for key, values in space.items()
        )
        for name, space in found.items()
    }
    return Finding(
        "search.nothing_learned",
        "warning",
        "At every point of the search a training fell into one answer for all, or its loss did "
        f"not fall: {told(words)}. Which way to search on, it does not say.",
        "Such a row says nothing about its method. See with tunewise sanity whether it can learn "
        "ten examples by heart, and look at the labels.",
        tuple(found),
        found,
    )


@dataclass(frozen=True)
class Choice:
    """How well validation could choose among a row's points. Scores are fractions."""

    points: int
    items: int
    standard_error: float  # of the chosen point's score, from the items
    lead: float  # of the chosen point over the next
    detectable: float | None  # the smallest lead that would show, 80 % of the time
    optimism: float  # what the best of equally good points gains by looks

    @property
    def blind(self) -> bool:
        return self.detectable is None or self.lead < self.detectable


def choice(contender: Contender, metric: str) -> Choice | None:
    """None where nothing was searched or learned, or the metric is no share of right answers."""
    scored = [p for p in contender.points if p.score(metric) is not None]
    chosen = contender.chosen
    if len(scored) < 2 or chosen is None or learned_nothing(contender):
        return None
    if METRICS[metric].kind != "proportion":
        return None
    rest = [p for p in scored if p is not chosen]
    following = max(rest, key=lambda point: point.score(metric) or 0.0)
    ours, theirs = _first_answers(chosen), _first_answers(following)
    if ours is None or theirs is None or ours.ids != theirs.ids:
        return None
    right, other = ours.choices == ours.labels, theirs.choices == theirs.labels
    if (right == other).all():
        return None  # more items need not tell apart what nothing tells apart here
    items, share = len(right), float(right.mean())
    error = math.sqrt(share * (1 - share) / items)
    return Choice(
        points=len(scored),
        items=items,
        standard_error=error,
        lead=share - float(other.mean()),
        detectable=detectable_difference(items, float((right != other).mean())),
        optimism=expected_optimism(len(scored), error),
    )


def _first_answers(point: Point) -> Answers | None:
    return point.trials[0].answers("validation") if point.trials else None


def _too_small(evidence: Evidence) -> Finding | None:
    """Rows whose chosen point leads the next by less than validation can show."""
    found = {c.name: choice(c, evidence.headline) for c in evidence.contenders}
    blind = {name: one for name, one in found.items() if one is not None and one.blind}
    if not blind:
        return None
    worst = max(blind.values(), key=lambda one: one.optimism)
    parts = [
        f"{shown(name)}'s best of {one.points} leads by {100 * one.lead:.1f} points where "
        + (
            f"{100 * one.detectable:.1f} would show"
            if one.detectable is not None
            else "no lead would show"
        )
        for name, one in blind.items()
    ]
    return Finding(
        "search.validation",
        "notice",
        f"Validation is too small to choose among that many points: {'; '.join(parts)}. With "
        f"{worst.items:,} examples one score is uncertain by ± {100 * worst.standard_error:.1f} "
        f"points, and the best of {worst.points} equally good points would look up to "
        f"{100 * worst.optimism:.1f} points better than it is.",
        "Read the choice as one of several that are as good, and judge by the test split. More "
        "validation examples or fewer points would make it sharper.",
        tuple(blind),
        {
            name: {
                "points": one.points,
                "items": one.items,
                "standard_error": one.standard_error,
                "lead": one.lead,
                "detectable": one.detectable,
                "optimism": one.optimism,
            }
            for name, one in blind.items()
        },
    )
