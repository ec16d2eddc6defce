"""Claims over few seeds whose spreads differ: how often they are wrong, and what they find.

Each `Kind` is a way in which seeds spread; studies of it have some contenders with randomness, and
one without. Their scores are made of dice: luck of the seed, examples that each run gets wrong by
itself, examples that all runs of a method get wrong. `rates` asks of every pair what `compare`
asks: the claim about the methods, with the spreads of all contenders or with those of the two
alone. It is judged at 5 % for the pair, and over all pairs of the study after the correction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from tunewise.statistics.combine import Uncertainty, method_difference_unpaired, method_mean
from tunewise.statistics.metrics import FloatArray
from tunewise.statistics.moderation import SeedSpreads

SEEDS = (2, 3, 5)
CONTENDERS = (3, 6, 12)
LUCK = 0.03  # standard deviation of a score over seeds
OWN = 0.012  # and over examples, of what each run gets wrong by itself: about 1,000 examples
SHARED = 0.01  # and of what all runs of a method get wrong


@dataclass(frozen=True)
class Kind:
    """How seeds spread.

    `widest` is how many times as wide as the others the first contender's luck is, `log_spread`
    the standard deviation of the logarithm of factors that are drawn anew for each study. Luck
    follows Student's t with `tail` degrees of freedom; all contenders of a seed have `common` of
    its variance in common.
    """

    name: str
    start: int  # of the random numbers
    luck: float = LUCK
    widest: float = 1.0
    log_spread: float = 0.0
    tail: float | None = None
    common: float = 0.0


KINDS = (
    Kind("equal spreads", 61),
    Kind("examples alone", 62, luck=0.0),
    Kind("unequal: log sd 0.5", 63, log_spread=0.5),
    Kind("one three times as wide", 64, widest=3.0),
    Kind("heavy tails: t with 3 df", 65, tail=3),
    Kind("correlated: half in common", 66, common=0.5),
    Kind("unequal, heavy tails, correlated", 67, log_spread=0.5, tail=4, common=0.3),
)


class Rates(NamedTuple):
    """Fractions, over all studies of a kind, of claims that leave zero out."""

    pairs: float  # of pairs with randomness on both sides
    fixed: float  # of pairs of which one has none
    widest: float  # of the pair whose seeds truly spread most
    corrected: float  # of all pairs, at the level of the first step of the correction
    studies: float  # of studies: whether any is left after the correction


def rates(
    kind: Kind, *, seeds: int, contenders: int, studies: int, lead: float = 0, alone: bool = False
) -> Rates:
    """How often the claims of such studies say that two differ.

    Without a lead each is a false positive; of the rest the interval covers the truth.

    Args:
        kind: of the studies.
        seeds: of each contender, the same for all.
        contenders: with randomness; one without comes beside them.
        studies: how many.
        lead: of the first over all others; then its pairs alone are looked at.
        alone: whether each pair rests on its own seeds alone.
    """
    found = []
    for number in range(studies):
        rng = np.random.default_rng([kind.start, seeds, contenders, number])
        found.append(_judged(kind, seeds, contenders, lead, alone=alone, rng=rng))
    return Rates(*np.mean(found, axis=0).tolist())


def _judged(
    kind: Kind, seeds: int, contenders: int, lead: float, *, alone: bool, rng: np.random.Generator
) -> Rates:
    """One study."""
    factors = np.exp(kind.log_spread * rng.standard_normal(contenders))
    factors[0] *= kind.widest
    scores = _scores(kind, factors, seeds, rng)
    scores[0] += lead
    fixed = math.hypot(OWN, SHARED) * rng.standard_normal(1)
    every = SeedSpreads({str(n): dict(enumerate(row)) for n, row in enumerate(scores)})
    pairs = [(a, b) for a, b in combinations(range(contenders + 1), 2) if a == 0 or not lead]
    apart, apart_corrected = [], []
    corrected = 0.05 / math.comb(contenders + 1, 2)
    for a, b in pairs:
        seen = every
        if alone:
            seen = SeedSpreads({str(n): every.scores[str(n)] for n in (a, b) if n < contenders})
        claim = _to_fixed(scores, fixed, a, seen) if b == contenders else _pair(scores, a, b, seen)
        reach = abs(claim.estimate) / claim.standard_error
        apart.append(reach > claim.critical(0.95))
        apart_corrected.append(reach > claim.critical(1 - corrected))
    both = np.array([b < contenders for _, b in pairs])
    spread = [factors[a] ** 2 + (factors[b] ** 2 if b < contenders else 0) for a, b in pairs]
    hits = np.array(apart)
    return Rates(
        float(hits[both].mean()),
        float(hits[~both].mean()),
        float(hits[int(np.argmax(spread))]),
        float(np.mean(apart_corrected)),
        float(any(apart_corrected)),
    )


def _scores(kind: Kind, factors: FloatArray, seeds: int, rng: np.random.Generator) -> FloatArray:
    """One per contender and seed, around zero."""
    shape = (len(factors), seeds)
    common, own = _luck(kind, (1, seeds), rng), _luck(kind, shape, rng)
    luck = math.sqrt(kind.common) * common + math.sqrt(1 - kind.common) * own
    luck = kind.luck * factors[:, None] * luck
    examples = SHARED * rng.standard_normal((len(factors), 1)) + OWN * rng.standard_normal(shape)
    scores: FloatArray = luck + examples
    return scores


def _luck(kind: Kind, shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """With standard deviation 1."""
    if kind.tail is None:
        return rng.standard_normal(shape)
    return rng.standard_t(kind.tail, shape) / math.sqrt(kind.tail / (kind.tail - 2))


def _pair(scores: FloatArray, a: int, b: int, seen: SeedSpreads) -> Uncertainty:
    """Of two that ran with the same seeds."""
    examples = 2 * _covariance(scores.shape[1])
    spread = seen.of_pair(str(a), str(b))
    return method_mean(scores[a] - scores[b], examples, spread=spread)


def _to_fixed(scores: FloatArray, fixed: FloatArray, a: int, seen: SeedSpreads) -> Uncertainty:
    """Of one with seeds and the one without randomness."""
    seeds = scores.shape[1]
    examples = np.zeros((seeds + 1, seeds + 1))
    examples[:seeds, :seeds] = _covariance(seeds)
    examples[seeds, seeds] = OWN**2 + SHARED**2
    spreads = (seen.of(str(a)), None)
    return method_difference_unpaired(scores[a], fixed, examples, spreads=spreads)


def _covariance(seeds: int) -> FloatArray:
    """Of the scores of one contender over the draw of examples."""
    covariance: FloatArray = np.full((seeds, seeds), SHARED**2) + OWN**2 * np.eye(seeds)
    return covariance


def settings() -> Iterator[tuple[Kind, int, int]]:
    """Every kind with every number of seeds and contenders."""
    for kind in KINDS:
        for seeds in SEEDS:
            for contenders in CONTENDERS:
                yield kind, seeds, contenders
