"""The verdict: which contender, how sure, at what cost, in words and as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunewise.reports.evidence import UNFINISHED, Evidence
from tunewise.reports.plain import shown
from tunewise.reports.results import Results, Row
from tunewise.reports.words import (
    count,
    duration,
    listed,
    metric_name,
    percent,
    points,
    probability,
    split_name,
)
from tunewise.statistics.claims import Claim
from tunewise.statistics.pairs import Pair


@dataclass(frozen=True)
class Verdict:
    """What to do, and why it may be believed.

    `headline`, `certainty` and `notes` are computed; `cost` rests on measured times.
    """

    headline: str
    best: str | None
    tied: tuple[str, ...]
    cheapest: str | None  # fewest trained numbers among the best and those tied with it
    fastest: str | None  # least time among them
    enough: str | None  # a baseline that nothing beat beyond doubt
    certainty: tuple[str, ...]  # about these trained models, then about the methods
    beyond: str | None  # who is behind, and what would settle the ties
    cost: str | None
    notes: tuple[str, ...]


def verdict(evidence: Evidence, results: Results) -> Verdict:
    """Judge a study as far as it has come."""
    best = results.best
    if best is None:
        return Verdict(
            headline="No contender has a result yet.",
            best=None,
            tied=(),
            cheapest=None,
            fastest=None,
            enough=None,
            certainty=(),
            beyond=None,
            cost=None,
            notes=_notes(evidence, results),
        )
    leaders = [best, *results.tied]
    cheapest = min(leaders, key=_trained_numbers)
    fastest = min(leaders, key=_seconds)
    enough = _enough(leaders)
    return Verdict(
        headline=_headline(results, best, cheapest, enough),
        best=best.name,
        tied=tuple(row.name for row in results.tied),
        cheapest=cheapest.name,
        fastest=fastest.name if fastest.measured.seconds is not None else None,
        enough=enough,
        certainty=_certainty(results, best),
        beyond=_beyond(results),
        cost=_cost(best, leaders, cheapest, fastest),
        notes=_notes(evidence, results),
    )


def _headline(results: Results, best: Row, cheapest: Row, enough: str | None) -> str:
    name = shown(best.name)
    spread = best.scores(results.split)[results.metric]
    score = f"{percent(spread.mean)} % {metric_name(results.metric).lower()}"
    where = f"on {split_name(results.split)}"
    rivals = [row for row in results.rows if row.to_best]
    if not rivals:
        return f"{name} reaches {score} {where}; there is nothing to compare it with."
    if not results.tied:
        return f"{name} is best with {score} {where}, ahead of every other contender."
    tied = listed([shown(row.name) for row in results.tied])
    leads = f"{name} scores highest with {score} {where}, but {tied} cannot be told apart from it"
    if enough:
        return f"{_baseline(cheapest)} is enough. {leads}."
    if cheapest is best:
        return f"{leads}. {name} is also the cheapest of them."
    return f"{leads}. {shown(cheapest.name)} is the cheapest of them."


def _baseline(row: Row) -> str:
    return {"tfidf": "TF-IDF", "majority": "Guessing the majority class"}.get(
        row.method, shown(row.name)
    )


def _enough(leaders: Sequence[Row]) -> str | None:
    """A contender without a model, where contenders with one are no better beyond doubt."""
    plain = [row for row in leaders if row.model is None]
    if not plain or all(row.model is None for row in leaders):
        return None
    return min(plain, key=lambda row: row.position).name


def _certainty(results: Results, best: Row) -> tuple[str, ...]:
    """One sentence about these trained models, one about the method, against the nearest rival."""
    nearest = next((row for row in results.rows if row.to_best), None)
    if nearest is None or nearest.to_best is None:
        return ()
    pair, other = nearest.to_best, shown(nearest.name)
    lead = f"{points(-pair.difference).lstrip('+')} points ahead of {other}"
    where = f"on these {results.items:,} items of {split_name(results.split)}"
    over = f", corrected over {results.pairs_counted} pairs" if results.pairs_counted > 1 else ""
    items = (
        f"The trained models: {where}, {shown(best.name)} is {lead}"
        f"{_told(pair.items, over)}: {_judged(pair.items)}."
    )
    if pair.method.interval is None:
        return (items, f"The methods: {pair.method.reason}.")
    low, high = pair.method.interval
    seeds = (
        f"The methods: with other seeds and other items, the lead of {shown(best.name)} over "
        f"{other} would lie between {points(-high)} and {points(-low)} points (95 %; "
        f"p {_equals(pair.method.p_adjusted)}, {pair.method.test}): {_judged(pair.method)}."
    )
    return (items, seeds)


def _told(claim: Claim, over: str) -> str:
    """The interval and the test of a claim, in brackets, turned to the side of the best."""
    if claim.interval is None:
        return f" ({claim.reason})"
    low, high = claim.interval
    test = f"; p {_equals(claim.p_adjusted)}, {claim.test}{over}" if claim.test else ""
    return f" (95 % interval {points(-high)} to {points(-low)}{test})"


def _equals(p: float | None) -> str:
    text = probability(p)
    return text if text.startswith("<") else f"= {text}"


def _judged(claim: Claim) -> str:
    if claim.separated is None:
        return "this cannot be tested"
    return "more than chance explains" if claim.separated else "this could be chance"


def _beyond(results: Results) -> str | None:
    """Who is behind, and what would settle the ties."""
    behind = [shown(row.name) for row in results.rows if row.to_best and not row.tied]
    tied = [row.to_best for row in results.tied if row.to_best]
    sentences = []
    if behind and tied:
        verb = "is" if len(behind) == 1 else "are"
        sentences.append(f"{listed(behind)} {verb} behind by more than chance explains.")
    if tied:
        sentences += _settling(tied[0])
    return " ".join(sentences) or None


def _settling(pair: Pair) -> list[str]:
    """What more would show a difference as large as the one seen."""
    ways = []
    if pair.needed_items:
        ways.append(f"{pair.needed_items:,} items")
    if pair.needed_seeds:
        ways.append(f"{pair.needed_seeds} seeds")
    if not ways:
        return []
    return [
        f"If the difference to {shown(pair.row)} is real and as large as seen, about "
        f"{' or '.join(ways)} would show it."
    ]


def _cost(best: Row, leaders: Sequence[Row], cheapest: Row, fastest: Row) -> str | None:
    """What the cheapest leader saves against the best."""
    if len(leaders) == 1:
        return None
    parts = []
    if cheapest is not best:
        ours, theirs = _trained_numbers(cheapest)[0], _trained_numbers(best)[0]
        parts.append(
            f"{shown(cheapest.name)} trains {count(ours)} numbers where {shown(best.name)} "
            f"trains {count(theirs)}"
        )
    if fastest is not best and fastest.measured.seconds is not None:
        parts.append(
            f"{shown(fastest.name)} takes {duration(fastest.measured.seconds)} a trial where "
            f"{shown(best.name)} takes {duration(best.measured.seconds)}"
        )
    return "; ".join(parts) + "." if parts else None


def _notes(evidence: Evidence, results: Results) -> tuple[str, ...]:
    """What a reader must know before believing the rest."""
    notes = []
    if results.best and results.split == "validation":
        why = "has not been opened yet" if evidence.data.get("has_test") else "does not exist"
        notes.append(
            f"This rests on the validation split, by which search points were also chosen, "
            f"because a test split {why}. It flatters whoever was searched most."
        )
    reason = evidence.data.get("accept_leakage")
    if reason:
        notes.append(
            "The splits share texts, and the study accepts that: "
            f"“{shown(str(reason))}”. Scores may be too high."
        )
    for row in results.failed:
        kept = f"; {len(row.seeds)} of its seeds ended well" if row.seeds else ""
        notes.append(f"{shown(row.name)} failed ({row.status}){kept}.")
    unfinished = [shown(row.name) for row in results.rows if row.status == UNFINISHED]
    if unfinished:
        notes.append(f"Not finished: {listed(unfinished)}.")
    return tuple(notes)


def _trained_numbers(row: Row) -> tuple[int, int]:
    """Trained numbers of the network; what uses no network counts as none. Then study order."""
    return (row.parameters.trainable if row.parameters else 0, row.position)


def _seconds(row: Row) -> float:
    return float("inf") if row.measured.seconds is None else row.measured.seconds
