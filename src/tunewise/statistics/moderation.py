"""How far scores of single seeds lie apart, when contenders tell of each other's spread.

Two seeds of one contender say little of its variance; those of all contenders say more. The
variances are taken as drawn from one distribution, a scaled inverse chi-square with ``d0`` degrees
of freedom around ``s0^2``. That prior is estimated from all of them by matching the moments of
their logarithms, and each variance is moderated by it:

    s~^2 = (d0 s0^2 + d s^2) / (d0 + d),    with d0 + d degrees of freedom.

With ``d0 = 0`` this is the variance alone, with ``d0`` infinite the one they have in common. There
are thousands of genes where the method comes from and few contenders here, so it is more careful:

* ``d0`` takes the contenders to differ by a tenth of a standard error more than they seem to;
* ``s0^2`` is the mean of the variances, which the larger ones rule, unless they differ by more
  than three standard errors;
* no claim rests on more degrees of freedom than 0.85 of those that all contenders have together,
  which is what spreads that differ leave of them.

Scores of one seed have much in common across contenders: the order of the data, the weights of the
head. Pairs over the same seeds are free of it, and so is the variance that moderates them: what is
left of the scores after the means of contenders and of seeds, which has ``(k - 1) (n - 1)`` degrees
of freedom for k contenders. `benchmarks/calibration.py` measures what comes of it.

Sources: Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3:3 (the moments); Ritchie et al. 2015, Nucleic
Acids Res. 43:e47 (limma, whose limit on the degrees of freedom this is).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from tunewise.statistics.metrics import FloatArray

CAUTION = 0.1  # standard errors by which contenders may differ more than they seem to
EVIDENCE = 3.0  # standard errors from which on they do differ
SMALLEST = 1e-3  # of the mean: less says that two scores were rounded to one, or nearly
UNEQUAL = 0.85  # of the degrees of freedom of a mean variance: where not all are equal
MOST_DF = 1e6  # degrees of freedom at which Student's t is normal


@dataclass(frozen=True)
class Spread:
    """The variance between single seeds, and the degrees of freedom that it rests on."""

    variance: float
    df: float


def spread_of(scores: FloatArray) -> Spread:
    """What scores of one method tell by themselves; two at least, one per seed.

    Raises:
        ValueError: there are fewer than two.
    """
    if len(scores) < 2:
        raise ValueError("a claim about a method with randomness needs at least two seeds")
    variance = float(scores.var(ddof=1)) if np.ptp(scores) > 0 else 0.0  # and no rounding
    return Spread(variance, len(scores) - 1.0)


@dataclass(frozen=True)
class Prior:
    """What all contenders tell of the variance of one: as much as `df` more of its seeds would."""

    variance: float
    df: float

    def moderate(self, own: Spread) -> Spread:
        """The variance of one, with what the others tell of it."""
        if self.df == 0:
            return own
        total = self.df + own.df
        return Spread((self.df * self.variance + own.df * own.variance) / total, total)


NOTHING = Prior(0.0, 0.0)


def fit_prior(
    spreads: Sequence[Spread],
    *,
    caution: float = CAUTION,
    evidence: float = EVIDENCE,
    smallest: float = SMALLEST,
) -> Prior:
    """The distribution that variances were drawn from; with 0 for all three, Smyth's estimate.

    ``e = log s^2 - digamma(d / 2) + log(d / 2)`` has the mean ``log s0^2 - digamma(d0 / 2) +
    log(d0 / 2)`` and the variance ``trigamma(d / 2) + trigamma(d0 / 2)``.

    Args:
        spreads: one per contender, independent of each other.
        caution: so many standard errors of the variance of e are added to what it exceeds
            ``trigamma(d / 2)`` by. The standard error is that of contenders that do not differ.
        evidence: beyond so many of them s0^2 follows from the mean of e, else it is the mean.
        smallest: no variance counts as less than this fraction of the mean.

    Returns:
        A prior of no weight where there are fewer than two, or none varies.

    >>> fit_prior([Spread(1.0, 4), Spread(1.0, 4)], caution=0, evidence=0, smallest=0)
    Prior(variance=1.0, df=1000000.0)
    """
    s2 = np.array([one.variance for one in spreads])
    d = np.array([one.df for one in spreads])
    if len(spreads) < 2 or not s2.any():
        return NOTHING
    mean = float(d @ s2 / d.sum())
    log_s2 = np.log(np.maximum(s2, smallest * mean))
    e = log_s2 - special.digamma(d / 2) + np.log(d / 2)
    by_chance = special.polygamma(1, d / 2)
    beyond = float(e.var(ddof=1) - by_chance.mean())
    # The standard error of a sample variance of independent numbers, from their cumulants.
    k = len(by_chance)
    error = math.sqrt(
        2 * float((by_chance**2).mean()) / (k - 1) + float(special.polygamma(3, d / 2).mean()) / k
    )
    df = _df_from(max(beyond, 0.0) + caution * error)
    if beyond <= max(evidence * error, 0.0):
        return Prior(mean, df)
    half = _df_from(beyond) / 2
    return Prior(math.exp(float(e.mean()) + float(special.digamma(half)) - math.log(half)), df)


def _df_from(variance: float) -> float:
    """The degrees of freedom whose log variances have that variance."""
    return min(2 * trigamma_inverse(variance), MOST_DF) if variance > 0 else MOST_DF


def trigamma_inverse(y: float) -> float:
    """The x above 0 with ``trigamma(x) = y``, by Newton's method on ``1 / trigamma``, which is
    convex and nearly linear, so that it converges from ``0.5 + 1 / y`` without overshooting.

    Source: Smyth 2004, appendix.

    >>> round(trigamma_inverse(float(special.polygamma(1, 2.5))), 9)
    2.5
    """
    if y > 1e7:
        return 1 / math.sqrt(y)
    if y < 1e-6:
        return 1 / y
    x = 0.5 + 1 / y
    for _ in range(50):
        trigamma = float(special.polygamma(1, x))
        step = trigamma * (1 - trigamma / y) / float(special.polygamma(2, x))
        x += step
        if -step / x < 1e-10:
            break
    return x


@dataclass(frozen=True)
class Alike:
    """Contenders that ran with the same seeds, and what they have in common.

    `shared` and `left` are the parts of the sum of their variances that go with the means of the
    seeds and with what is left of the scores after them.
    """

    contenders: int
    df: int  # of one contender's variance
    shared: float
    left: float

    @classmethod
    def of(cls, scores: FloatArray) -> Alike:
        """From scores of shape (contenders, seeds)."""
        contenders, seeds = scores.shape
        centred = scores - scores.mean(axis=1, keepdims=True)
        of_seeds = contenders * float((centred.mean(axis=0) ** 2).sum()) / (seeds - 1)
        whole = float((centred**2).sum()) / (seeds - 1)
        return cls(contenders, seeds - 1, of_seeds, max(whole - of_seeds, 0.0))

    @property
    def own(self) -> float:
        """The part of a variance that is not common to all of them; from two contenders on."""
        whole = self.shared + self.left
        return self.left / whole * self.contenders / (self.contenders - 1) if whole > 0 else 1.0

    @property
    def together(self) -> float:
        """Degrees of freedom of their mean variance, by Satterthwaite's rule."""
        squares = self.shared**2
        if self.contenders > 1:
            squares += self.left**2 / (self.contenders - 1)
        return self.df * (self.shared + self.left) ** 2 / squares if squares > 0 else self.df


@dataclass(frozen=True)
class SeedSpreads:
    """The spreads of all methods with randomness that meet in one comparison.

    `scores` holds by contender one score per seed, two at least.
    """

    scores: Mapping[str, Mapping[int, float]]

    @cached_property
    def prior(self) -> Prior:
        """What all of them tell of one."""
        return fit_prior([self._own(name) for name in self.scores])

    @cached_property
    def together(self) -> float:
        """Degrees of freedom of the mean variance: fewer where contenders share their luck."""
        return UNEQUAL * sum(alike.together for alike in self._alike.values())

    def of(self, name: str) -> Spread:
        """The spread of one contender's scores."""
        own = self._own(name)
        found = self.prior.moderate(own)
        return Spread(found.variance, min(found.df, max(own.df, self.together)))

    def of_pair(self, one: str, other: str) -> Spread:
        """The spread of the difference of two that ran with the same seeds.

        Where no third ran with them it is that of their differences alone.
        """
        own = spread_of(self._values(one) - self._values(other))
        alike = self._alike[self._seeds(one)]
        if alike.contenders < 3:
            return own
        found = Prior(2 * self.prior.variance * alike.own, self.prior.df).moderate(own)
        return Spread(found.variance, min(found.df, self.sharing(one) * own.df))

    def sharing(self, one: str | None = None) -> float:
        """On how many degrees of freedom for each seed after the first a claim may rest: of a pair
        with this one, or else of one whose other side has no randomness.
        """
        alike = len(self.scores) if one is None else self._alike[self._seeds(one)].contenders - 1
        return max(UNEQUAL * alike, 1.0)

    @cached_property
    def _alike(self) -> dict[tuple[int, ...], Alike]:
        """Contenders by their seeds."""
        found: dict[tuple[int, ...], list[FloatArray]] = {}
        for name in self.scores:
            found.setdefault(self._seeds(name), []).append(self._values(name))
        return {seeds: Alike.of(np.array(values)) for seeds, values in found.items()}

    def _seeds(self, name: str) -> tuple[int, ...]:
        return tuple(sorted(self.scores[name]))

    def _values(self, name: str) -> FloatArray:
        return np.array([self.scores[name][seed] for seed in self._seeds(name)])

    def _own(self, name: str) -> Spread:
        return spread_of(self._values(name))
