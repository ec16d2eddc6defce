"""What a race under a budget decided: how it ended, who was dropped, what more time would bring."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tunewise.analysis.evidence import Evidence
from tunewise.analysis.results import Spread
from tunewise.analysis.wording import gap_unit
from tunewise.core.format import duration, gap, listed, plural, probability
from tunewise.core.sanitize import shown
from tunewise.store.race import Left, RaceRecord

ADVANCES = {"behind": "dropped", "equivalent": "level", "open": "open", "failed": "failed"}


@dataclass(frozen=True)
class Racer:
    """A contender of the race: its seeds, its validation scores, and what became of it."""

    name: str
    position: int
    seeds: int
    validation: Spread | None
    state: str  # racing, dropped, level, open or failed
    why: str  # in a sentence; empty for who is still racing
    chance: float | None  # of the difference, were it as good as the best


@dataclass(frozen=True)
class Race:
    """A race as reports tell it."""

    ended: str | None
    says: tuple[str, ...]  # how it ended, and what more time would bring
    racers: tuple[Racer, ...]
    spent: float  # predicted seconds
    budget: float


def race_facts(evidence: Evidence) -> Race | None:
    """None for a study without a budget."""
    race = evidence.race
    if race is None:
        return None
    metric = evidence.headline
    racers = []
    for one in evidence.contenders:
        if one.described.seeded:
            values = [trial.metrics("validation").get(metric) for trial in one.finished]
            scores = tuple(float(value) for value in values if value is not None)
            left = one.left
            racers.append(
                Racer(
                    one.name,
                    one.position,
                    len(one.finished),
                    Spread(scores) if scores else None,
                    ADVANCES[left.why] if left else "racing" if scores else one.status,
                    why_left(left, metric) if left else "",
                    left.against.chance if left and left.against else None,
                )
            )
    says = (_ending(race), *_more(evidence, race)) if race.ended else ()
    return Race(race.ended, tuple(filter(None, says)), tuple(racers), race.spent, race.budget)


def why_left(left: Left, metric: str) -> str:
    """Why a contender got no further seeds: when, beside whom, and with which chance."""
    after = f"after {plural(left.seeds, 'seed')}"
    one = left.against
    if left.why == "failed":
        return f"its training failed {after}"
    if one is None:
        return f"{after}: the budget was not enough for all"
    other = one.best if one.contender == left.contender else one.contender
    if left.why == "behind":
        points = gap(metric, abs(one.difference)).lstrip("+−")
        chance = probability(one.chance)
        chance = chance if chance.startswith("<") else f"= {chance}"
        return (
            f"{after}: {points} {gap_unit(metric)} behind {shown(other)} on validation "
            f"(chance of that if it were as good {chance}, below {one.level:.2g})"
        )
    if left.why == "equivalent":
        return f"{after}: level with {shown(other)} within the margin, which is the cheaper"
    return f"{after}: further seeds would hardly tell it from {shown(other)}"


def _ending(race: RaceRecord) -> str:
    took = f"about {duration(race.spent)} of {duration(race.budget)}"
    looks = plural(race.looks, "look")
    if race.ended == "decided":
        return f"The race is decided after {looks} at validation, in {took}: no pair is left open."
    if race.ended == "learned":
        return (
            f"Further seeds would teach nothing more: the race ended after {looks} at validation, "
            f"in {took}."
        )
    if race.by_clock:
        return (
            f"The clock ended the race: the budget of {duration(race.budget)} was spent before "
            "the trainings that were planned."
        )
    return f"The budget of {duration(race.budget)} is spent after {looks} at validation."


def _more(evidence: Evidence, race: RaceRecord) -> list[str]:
    """What more time would bring."""
    budget = evidence.study.budget
    if race.ended == "decided" or budget is None:
        return []
    if race.looks == 0:
        cost = sum(race.seed_seconds.values()) / budget.workers
        return [f"A second seed of each contender, about {duration(cost)}, would make it testable."]
    left = (one.against for one in race.left if one.why == "open")
    pairs = [*race.open, *(one for one in left if one is not None)]
    known = [(one.needed, one) for one in pairs if one.needed is not None]
    if not pairs:
        return []
    if not known:
        names = list(dict.fromkeys(shown(one.contender) for one in pairs))
        return [
            f"More seeds would not tell {listed(names)} from {shown(pairs[0].best)}: on so few "
            "examples their difference is too small. More examples would, or a margin within which "
            "a difference does not matter (equivalence_margin)."
        ]
    # How many more seeds of two would tell them apart, how long that takes, and how to ask.
    needed, one = min(known, key=lambda pair: pair[0])
    pair = [name for name in (one.contender, one.best) if name in race.seed_seconds]
    more = max(1, needed - min(len(race.seeds[name]) for name in pair))
    costs = [race.seed_seconds[name] for name in pair]
    seconds = more * max(sum(costs) / budget.workers, *costs)
    minutes = math.ceil(seconds / 60) + 1
    return [
        f"{plural(more, 'more seed')}, about {duration(seconds)}, would decide between "
        f"{shown(one.contender)} and {shown(one.best)} with 80 % power, were the difference as "
        f"large as seen (tunewise run STUDY --budget +{minutes}min)."
    ]
