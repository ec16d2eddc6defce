"""The sentences of a verdict, each with its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tunewise.analysis.results import Results, Row, examples_words
from tunewise.analysis.verdict.enough import (
    Plain,
    amount,
    as_good_within,
    lead_of,
    plain_sentence,
)
from tunewise.analysis.wording import between, gap_unit, p_words, score_words, split_name
from tunewise.core.format import count, duration, gap, listed, plural, size
from tunewise.core.sanitize import shown
from tunewise.statistics.claims import Claim
from tunewise.statistics.pairs import Pair


def headline(results: Results, best: Row, cheapest: Row | None, plain: Plain | None) -> str:
    """What to remember of a study that has finished; `cheapest` is None where nobody knows."""
    sentence = _leader(results, best)
    about = plain_sentence(plain, results) if plain else None
    if plain and about and plain.shown:
        return f"{about} {sentence}"
    if about or cheapest is None or not results.standing("tied"):
        return f"{sentence} {about}" if about else sentence
    if cheapest is best:
        return f"{sentence} {shown(best.name)} is also the cheapest of them."
    return (
        f"{sentence} {shown(cheapest.name)} is the cheapest of them; "
        f"{as_good_within(cheapest, results)}."
    )


def nothing_beats(results: Results, best: Row) -> str:
    """What to remember where the best answers every example alike."""
    whom = shown(best.spoken or best.name)
    if not any(row.to_best for row in results.rows):
        return _leader(results, best)
    return f"Nothing is shown to be better than {whom}, which reaches {_score(results, best)}."


def so_far(results: Results, best: Row | None) -> str:
    """Who leads in a study that has not finished: nobody is the best yet."""
    if best is None:
        return f"No contender has a {'score' if results.finished else 'result yet'}."
    return f"So far {_scores_best(results, best)}; what is to come may turn the order."


def waiting(to_come: Mapping[str, tuple[int, int]]) -> str:
    """What an unfinished study still waits for; empty where it has finished.

    >>> waiting({"head": (2, 3), "full": (0, 1)})
    'Not finished: 2 trainings and 4 tests of head and full are still to come.'
    >>> waiting({"head": (0, 1)}), waiting({})
    ('Not finished: 1 test of head is still to come.', '')
    """
    if not to_come:
        return ""
    sums = [sum(counts) for counts in zip(*to_come.values(), strict=True)]
    waiting_for = [plural(n, what) for n, what in zip(sums, ("training", "test"), strict=True) if n]
    are = "is" if sum(sums) == 1 else "are"
    names = listed([shown(name) for name in to_come])
    return f"Not finished: {listed(waiting_for)} of {names} {are} still to come."


def _leader(results: Results, best: Row) -> str:
    scores = _scores_best(results, best)
    reached = _score(results, best)
    tied, unproven = _names(results, "tied"), results.standing("not-shown-over-seeds")
    if not any(row.to_best for row in results.rows):
        return f"{shown(best.name)} reaches {reached}; there is nothing to compare it with."
    if tied:
        return f"{scores}; {_are(tied)} not significantly different."
    if unproven:
        return (
            f"For these checkpoints, {shown(best.name)} is best with {reached}. That the method is "
            f"ahead of {_with_seeds(unproven)} is not shown over seeds."
        )
    if results.standing("untested"):
        return f"{scores}."
    whom = "every other contender"
    if results.standing("unscored"):
        whom += " that has a score"
    behind = [row.to_best for row in results.standing("behind")]
    as_trained = any(pair and pair.method.p is None for pair in behind)
    whose = "For these checkpoints, " if as_trained else ""
    return f"{whose}{shown(best.name)} is best with {reached}, ahead of {whom}."


def _with_seeds(rows: Sequence[Row]) -> str:
    """Their names, each with the number of seeds that would show it behind."""
    return listed([f"{shown(row.name)} ({seeds_to_show(row.to_best)})" for row in rows])


def seeds_to_show(pair: Pair | None) -> str:
    """How many seeds, those that ran included, would show a difference as large as seen."""
    if pair is None or pair.needed_seeds is None:
        return "on these examples no number of seeds would show it"
    return f"about {pair.needed_seeds:,} seeds in all would show it"


def _scores_best(results: Results, best: Row) -> str:
    first = "scores highest" if results.higher_is_better else "comes first"
    return f"{shown(best.name)} {first} with {_score(results, best)}"


def _score(results: Results, row: Row) -> str:
    """A row's headline score, and on which split it has it."""
    mean = row.scores(results.split)[results.metric].mean
    return f"{score_words(results.metric, mean)} on {split_name(results.split)}"


def certainty(results: Results, best: Row) -> tuple[str, ...]:
    """One sentence about these checkpoints, one about the methods, on the nearest rival."""
    nearest = next((row for row in results.rows if row.to_best), None)
    if nearest is None or nearest.to_best is None:
        return ()
    pair, name, other = lead_of(results, nearest.to_best), shown(best.name), shown(nearest.name)
    level = round(pair.difference, 12) == 0
    ahead = "level with" if level else f"{amount(results.metric, pair.difference)} ahead of"
    where = f"{'the ' if results.items else ''}{examples_words(results)}"
    # The interval and the test of a claim to a lead, in brackets, and what they say.
    claim, ends = pair.items, pair.items.interval
    evidence = f" ({claim.reason})"
    if claim.p is not None and (ends is not None or claim.p != 1):
        detail = f"95 % interval {between(results.metric, ends)}" if ends else str(claim.reason)
        counted = results.pairs_counted
        over = f", corrected over {counted} pairs" if counted > 1 else ""
        p = p_words(claim.p_adjusted)
        evidence = f" ({detail}; {p}, {claim.test}{over}): {_judged(claim)}"
    models = f"These checkpoints: on {where}, {name} is {ahead} {other}{evidence}."
    if pair.method.interval is None:
        return (models, f"The methods: {pair.method.reason}.")
    judged = _judged(pair.method)
    if pair.method.separated is False and pair.items.separated:
        judged = f"not shown over seeds; {seeds_to_show(pair)}"
    low, high = (gap(results.metric, end) for end in pair.method.interval)
    beyond = " and other examples" if results.items else ""
    methods = (
        f"The methods: with other seeds{beyond}, the lead of {name} over {other} would lie "
        f"between {low} and {high} {gap_unit(results.metric)} (95 %; "
        f"{p_words(pair.method.p_adjusted)}, {pair.method.test}): {judged}."
    )
    seeds = [len(row.seeds) for row in (best, nearest) if len(row.seeds) > 1]
    return (models, methods + why_narrower(pair, min(seeds)) if seeds else methods)


def why_narrower(pair: Pair, seeds: int) -> str:
    """A method's interval may come out narrower than the models', which looks like a mistake."""
    examples, method = pair.items.interval, pair.method.interval
    if (
        examples is None
        or method is None
        or method.high - method.low >= examples.high - examples.low
    ):
        return ""
    return (
        " This interval is narrower than that of these checkpoints although it covers more: the "
        f"spread over {seeds} seeds is itself only estimated, and came out small by chance. Rely "
        "on the wider one."
    )


def outlook(results: Results) -> str | None:
    """Who is behind, where that is not everybody, and what would settle the rest."""
    behind, tied = _names(results, "behind"), results.standing("tied")
    unproven = results.standing("not-shown-over-seeds")
    sentences = []
    if behind and (tied or unproven):
        sentences.append(f"{_are(behind)} behind by more than chance explains.")
    if unproven and tied:
        names = [shown(row.name) for row in unproven]
        sentences.append(
            f"{_are(names)} worse for these checkpoints; that the method is too is not shown over "
            f"seeds: {_with_seeds(unproven)}."
        )
    pair = tied[0].to_best if tied else None
    ways = []  # that would show a difference as large as the one seen
    if pair and pair.needed_items and not pair.items.separated:
        ways.append(f"{pair.needed_items:,} examples")
    if pair and pair.needed_seeds and not pair.method.separated:
        ways.append(f"{pair.needed_seeds} seeds")
    if pair and ways:
        sentences.append(
            f"If the difference to {shown(pair.row)} is real and as large as seen, about "
            f"{' or '.join(ways)} would show it."
        )
    return " ".join(sentences) or None


def cost(best: Row, cheapest: Row | None, fastest: Row | None, leanest: Row | None) -> str | None:
    """What is saved by taking the cheapest, the fastest or the leanest in place of the best."""
    parts = []
    if cheapest and cheapest is not best and best.trainable is not None:
        few = cheapest.trainable or 0
        has = f"has {count(few) if few else 'no'} trainable parameters"
        parts.append((cheapest, has, count(best.trainable)))
    if fastest and fastest is not best:
        took = f"takes {duration(fastest.measured.seconds)} per trial"
        parts.append((fastest, took, duration(best.measured.seconds)))
    if leanest and leanest is not best:
        peak = f"peaks at {size(leanest.measured.peak_bytes)} of memory"
        parts.append((leanest, peak, size(best.measured.peak_bytes)))
    saved = [
        f"{shown(row.name)} {what} against {own}"
        for row, what, own in parts
        if f" {own} " not in f"{what} "  # what reads alike is no saving
    ]
    return "; ".join(f"{one} for {shown(best.name)}" for one in saved) + "." if saved else None


def _judged(claim: Claim) -> str:
    if claim.separated is None:
        return "this cannot be tested"
    return "more than chance explains" if claim.separated else "this could be chance"


def _names(results: Results, standing: str) -> list[str]:
    return [shown(row.name) for row in results.standing(standing)]


def _are(names: list[str]) -> str:
    return f"{listed(names)} {'is' if len(names) == 1 else 'are'}"
