"""Whether what uses no model is enough: shown by an equivalence test, or reported as unknown."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tunewise.analysis.results import Results, Row
from tunewise.analysis.wording import between, gap_unit, metric_words, p_words
from tunewise.core.format import gap
from tunewise.core.sanitize import shown
from tunewise.statistics.pairs import Pair


@dataclass(frozen=True)
class Plain:
    """The best row that uses no model, against the best that uses one. One of them is the best."""

    row: Row
    rival: Row
    pair: Pair

    @property
    def shown(self) -> bool:
        """Whether the two are the same within the margin that the study states."""
        return self.pair.equivalence is not None and self.pair.equivalence.equivalent


def plain_against_model(results: Results, learned_nothing: Collection[str]) -> Plain | None:
    """None where there are no two such rows, or the model's learned nothing that could be needed.

    One row is tested and not each that uses no model, so that the level of the test holds.
    """
    scored = [row for row in results.rows if row.standing not in {"unscored", "untested"}]
    row = next((one for one in scored if one.model is None), None)
    rival = next((one for one in scored if one.model is not None), None)
    if row is None or rival is None or rival.name in learned_nothing:
        return None
    pair = row.to_best or rival.to_best
    return Plain(row, rival, pair) if pair else None


def plain_sentence(plain: Plain, results: Results) -> str | None:
    """That it is enough, or that this is not known; None where it is shown to be behind, or best
    with no margin to be enough within.
    """
    name = shown(plain.row.spoken or plain.row.name)
    test = plain.pair.equivalence
    if test is not None and plain.shown:
        first = f"{name[0].upper()}{name[1:]}" if plain.row.spoken else name  # of a sentence
        # Where the model is not the best, the pair is its difference to what uses none.
        ends = test.interval if plain.pair.row == plain.row.name else test.interval.turned()
        metric = results.metric
        return (
            f"{first} is enough: its {metric_words(metric)} is that of {shown(plain.rival.name)} "
            f"within {amount(metric, test.margin)} (difference {between(metric, ends)}, "
            f"90 % interval; equivalence {p_words(test.p)}){_as_trained(plain.pair)}."
        )
    if plain.row.standing != "tied":
        return None
    # By how much the best is ahead, and why that decides nothing.
    seen, metric = lead_of(results, plain.pair), results.metric
    lead, claim = seen.difference, seen.deciding
    interval = f"95 % interval {between(metric, claim.interval)}; " if claim.interval else ""
    over = f" corrected over {results.pairs_counted} pairs" if results.pairs_counted > 1 else ""
    level = round(lead, 12) == 0
    ahead = "level with it" if level else f"{amount(metric, lead)} ahead of it"
    chance = "" if level else ", which could be chance"
    margin = ""
    if test is not None:
        margin = f"; the same within {amount(metric, test.margin)} is not shown either"
    return (
        f"Whether {name} is enough is not known: {shown(plain.rival.name)} is {ahead} "
        f"({interval}{p_words(claim.p_adjusted)}{over}){chance}{margin}."
    )


def as_good_within(row: Row, results: Results) -> str:
    """What may be claimed of a row beside the best: the same within the margin, or not shown so."""
    pair = row.to_best
    if pair is None or pair.equivalence is None or not pair.equivalence.equivalent:
        return "it is not shown to be equally good"
    test = pair.equivalence
    return (
        f"it is as good within {amount(results.metric, test.margin)} (equivalence "
        f"{p_words(test.p)}{_as_trained(pair)})"
    )


def lead_of(results: Results, pair: Pair) -> Pair:
    """A pair as the lead of the best over its row: positive where the best is better."""
    return pair.turned() if results.higher_is_better else pair


def _as_trained(pair: Pair) -> str:
    return "" if pair.method.p is not None else ", as these models were trained"


def amount(metric: str, size: float) -> str:
    """A size of a difference with its unit."""
    return f"{gap(metric, size).lstrip('+')} {gap_unit(metric)}"
