"""The sentences of a verdict, each with its numbers."""

from __future__ import annotations

from tunewise.reports.plain import shown
from tunewise.reports.results import Results, Row
from tunewise.reports.words import (
    count,
    duration,
    listed,
    metric_said,
    percent,
    points,
    probability,
    size,
    split_name,
)
from tunewise.statistics.claims import Claim
from tunewise.statistics.pairs import Pair

BASELINES = {"tfidf": "TF-IDF", "majority": "Guessing the majority class"}


def headline(results: Results, best: Row, cheapest: Row, enough: Row | None) -> str:
    """What to remember of the study."""
    sentence = _leader(results, best)
    if enough:
        return f"{BASELINES.get(enough.method, shown(enough.name))} is enough. {sentence}"
    if not results.standing("tied"):
        return sentence
    if cheapest is best:
        return f"{sentence} {shown(best.name)} is also the cheapest of them."
    return f"{sentence} {shown(cheapest.name)} is the cheapest of them."


def _leader(results: Results, best: Row) -> str:
    name, where = shown(best.name), f"on {split_name(results.split)}"
    mean = best.scores(results.split)[results.metric].mean
    score = f"{percent(mean)} % {metric_said(results.metric)}"
    if not any(row.to_best for row in results.rows):
        return f"{name} reaches {score} {where}; there is nothing to compare it with."
    tied, as_method = _names(results, "tied"), _names(results, "behind-as-trained")
    if tied:
        return (
            f"{name} scores highest with {score} {where}, "
            f"but {listed(tied)} cannot be told apart from it."
        )
    if as_method:
        return (
            f"As trained, {name} is best with {score} {where}. As a method it is tied with "
            f"{listed(as_method)}: with other seeds the order could turn."
        )
    if results.standing("untested"):
        return f"{name} scores highest with {score} {where}."
    return f"{name} is best with {score} {where}, ahead of every other contender."


def certainty(results: Results, best: Row) -> tuple[str, ...]:
    """One sentence about these trained models, one about the methods, on the nearest rival."""
    nearest = next((row for row in results.rows if row.to_best), None)
    if nearest is None or nearest.to_best is None:
        return ()
    pair, name, other = nearest.to_best, shown(best.name), shown(nearest.name)
    lead = f"{points(-pair.difference).lstrip('+')} points ahead of"
    if round(pair.difference, 12) == 0:
        lead = "level with"
    models = (
        f"The trained models: on these {results.items:,} items of {split_name(results.split)}, "
        f"{name} is {lead} {other}"
        f"{_told(pair.items, results.pairs_counted)}: {_judged(pair.items)}."
    )
    if pair.method.interval is None:
        return (models, f"The methods: {pair.method.reason}.")
    low, high = pair.method.interval
    methods = (
        f"The methods: with other seeds and other items, the lead of {name} over {other} would "
        f"lie between {points(-high)} and {points(-low)} points (95 %; "
        f"{_p(pair.method)}, {pair.method.test}): {_judged(pair.method)}."
    )
    seeds = [len(row.seeds) for row in (best, nearest) if len(row.seeds) > 1]
    return (models, methods + why_narrower(pair, min(seeds)) if seeds else methods)


def why_narrower(pair: Pair, seeds: int) -> str:
    """A method's interval may come out narrower than the models', which looks like a mistake."""
    items, method = pair.items.interval, pair.method.interval
    if items is None or method is None or method.high - method.low >= items.high - items.low:
        return ""
    return (
        " This interval is narrower than that of the trained models although it covers more: the "
        f"spread over {seeds} seeds is itself only estimated, and came out small by chance. Rely "
        "on the wider one."
    )


def outlook(results: Results) -> str | None:
    """Who is behind, where that is not everybody, and what would settle the rest."""
    behind, tied = _names(results, "behind"), results.standing("tied")
    as_method = _names(results, "behind-as-trained")
    sentences = []
    if behind and (tied or as_method):
        sentences.append(f"{_are(behind)} behind by more than chance explains.")
    if as_method and tied:
        sentences.append(
            f"{_are(as_method)} behind as trained and tied as a method: with other seeds the "
            "order could turn."
        )
    for row in [*tied, *results.standing("behind-as-trained")][:1]:
        sentences += _settling(row.to_best)
    return " ".join(sentences) or None


def cost(best: Row, cheapest: Row, fastest: Row, leanest: Row) -> str | None:
    """What is saved by taking the cheapest, the fastest or the leanest in place of the best."""
    parts = []
    if cheapest is not best and best.parameters:
        ours, theirs = (
            row.parameters.trainable if row.parameters else 0 for row in (cheapest, best)
        )
        trained = f"trains {count(ours)} numbers" if ours else "trains no network"
        parts.append(
            f"{shown(cheapest.name)} {trained} where {shown(best.name)} trains {count(theirs)}"
        )
    if fastest is not best and fastest.measured.seconds is not None:
        parts.append(
            f"{shown(fastest.name)} takes {duration(fastest.measured.seconds)} a trial where "
            f"{shown(best.name)} takes {duration(best.measured.seconds)}"
        )
    if leanest is not best and leanest.measured.peak_bytes is not None:
        parts.append(
            f"{shown(leanest.name)} peaks at {size(leanest.measured.peak_bytes)} of memory where "
            f"{shown(best.name)} peaks at {size(best.measured.peak_bytes)}"
        )
    return "; ".join(parts) + "." if parts else None


def _settling(pair: Pair | None) -> list[str]:
    """What more would show a difference as large as the one seen."""
    ways = []
    if pair and pair.needed_items and not pair.items.separated:
        ways.append(f"{pair.needed_items:,} items")
    if pair and pair.needed_seeds and not pair.method.separated:
        ways.append(f"{pair.needed_seeds} seeds")
    if not pair or not ways:
        return []
    return [
        f"If the difference to {shown(pair.row)} is real and as large as seen, about "
        f"{' or '.join(ways)} would show it."
    ]


def _told(claim: Claim, pairs: int) -> str:
    """The interval and the test of a claim, in brackets, seen from the best."""
    if claim.interval is None:
        return f" ({claim.reason})"
    low, high = claim.interval
    over = f", corrected over {pairs} pairs" if pairs > 1 else ""
    test = f"; {_p(claim)}, {claim.test}{over}" if claim.test else ""
    return f" (95 % interval {points(-high)} to {points(-low)}{test})"


def _judged(claim: Claim) -> str:
    if claim.separated is None:
        return "this cannot be tested"
    return "more than chance explains" if claim.separated else "this could be chance"


def _p(claim: Claim) -> str:
    text = probability(claim.p_adjusted)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def _names(results: Results, standing: str) -> list[str]:
    return [shown(row.name) for row in results.standing(standing)]


def _are(names: list[str]) -> str:
    return f"{listed(names)} {'is' if len(names) == 1 else 'are'}"
