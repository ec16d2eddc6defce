"""What a study can see: detectable differences, needed examples, needed seeds."""

from __future__ import annotations

import math
from bisect import bisect_left

from scipy import special

from tunewise.statistics.roots import root

MOST_SEEDS = 1000
FAR = 8.0  # standard normal deviations


def examples_needed(
    difference: float, disagreement: float, *, power: float = 0.8, alpha: float = 0.05
) -> int | None:
    """Examples that a paired test needs to find a difference in the fraction of right answers.

    ``n = [z_{alpha/2} sqrt(p_d) + z_power sqrt(p_d - d^2)]^2 / d^2``

    Args:
        difference: d, as a fraction of the examples; its sign does not matter.
        disagreement: p_d, the fraction of examples that exactly one of the two gets right. Where
            several runs answered each example: the mean square of the per-example difference.
        power: chance to find the difference, as a fraction.
        alpha: level of the two-sided test.

    Returns:
        None where the difference is zero: no number of examples separates equals.

    Raises:
        ValueError: the two cannot differ by more than they disagree.

    Source: Connor 1987, Biometrics 43:207.

    >>> examples_needed(0.01, 0.10)
    7847
    """
    d, p_d = abs(difference), disagreement
    if d == 0:
        return None
    if not d * d <= p_d <= 1:
        raise ValueError(f"a difference of {d} does not go with a disagreement of {p_d}")
    z_alpha, z_power = special.ndtri(1 - alpha / 2), special.ndtri(power)
    root = z_alpha * math.sqrt(p_d) + z_power * math.sqrt(p_d - d * d)
    return math.ceil((root / d) ** 2)


def detectable_difference(
    examples: int, disagreement: float, *, power: float = 0.8, alpha: float = 0.05
) -> float | None:
    """The smallest difference that a paired test over `examples` finds with that power.

    None where even the largest possible difference, one model right on every example that the
    two disagree on, would be missed. Arguments as in `examples_needed`, of which this is the
    inverse.

    >>> round(100 * detectable_difference(1319, 0.10), 1)  # percentage points
    2.4
    """
    if examples < 1:
        raise ValueError(f"examples = {examples}: at least one is needed")
    if disagreement <= 0:
        return None
    z_alpha, z_power = special.ndtri(1 - alpha / 2), special.ndtri(power)
    scale, beside = examples + z_power**2, examples + z_power**2 - z_alpha**2
    if beside < 0:
        return None
    found = z_alpha * math.sqrt(examples) + z_power * math.sqrt(beside)
    difference = float(math.sqrt(disagreement) * found / scale)
    return difference if difference <= disagreement else None


def smallest_p(seeds: int) -> float:
    """The lowest p-value that sign flips or Wilcoxon can reach with that many paired seeds.

    >>> smallest_p(5)
    0.0625
    """
    if seeds < 1:
        raise ValueError(f"seeds = {seeds}: at least one is needed")
    return 2.0 ** (1 - seeds)


def seeds_to_reach(alpha: float = 0.05, *, comparisons: int = 1) -> int:
    """Paired seeds below which no sign-flip result survives Holm over that many comparisons.

    >>> seeds_to_reach(), seeds_to_reach(comparisons=10)
    (6, 9)
    """
    return math.ceil(1 - math.log2(alpha / comparisons))


def seeds_needed(
    effect: float,
    *,
    example_error: float = 0.0,
    prior_df: float = 0.0,
    sharing: float = 1.0,
    power: float = 0.8,
    alpha: float = 0.05,
) -> int | None:
    """Paired seeds that Student's t needs to find a difference.

    Args:
        effect: the difference divided by its standard deviation over single seeds.
        example_error: standard error of the difference from the examples that all seeds share,
            in the same unit; more seeds do not shrink it.
        prior_df: degrees of freedom that the spreads of other methods add; see `moderation`.
        sharing: at most so many degrees of freedom per seed after the first, those included.
        power: chance to find the difference, as a fraction.
        alpha: level of the two-sided test.

    Returns:
        None where more than a thousand would be needed, or where no number is enough.

    >>> seeds_needed(1.0), seeds_needed(0.5)
    (10, 34)
    """
    if effect == 0:
        return None

    def are_enough(seeds: int) -> bool:
        variance = 1 / seeds + example_error**2
        df = min(prior_df + seeds - 1, sharing * (seeds - 1))
        df *= (variance * seeds) ** 2  # Satterthwaite, examples known
        return _power_of_t(abs(effect) / math.sqrt(variance), df, alpha) >= power

    every = range(2, MOST_SEEDS + 1)
    found = bisect_left(every, True, key=are_enough)  # more seeds never have less power
    return every[found] if found < len(every) else None


def detectable_shift(df: float, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """The smallest difference that Student's t finds with that power, in standard errors.

    >>> round(detectable_shift(1e6), 2), round(detectable_shift(2), 2)  # many seeds, three seeds
    (2.8, 5.65)
    """
    highest = 10 * float(special.stdtrit(df, 1 - alpha / 2))
    return root(lambda shift: _power_of_t(shift, df, alpha) - power, 1e-6, highest)


def _power_of_t(shift: float, df: float, alpha: float) -> float:
    """The chance that noncentral t is beyond its critical value, on the side of the shift.

    Far out `nctdtr` gives nan for some degrees of freedom and not for their neighbors; there the
    normal approximation of Abramowitz and Stegun 1964, 26.7.10, differs by less than 1e-9.
    """
    critical = float(special.stdtrit(df, 1 - alpha / 2))
    near = (shift - critical * (1 - 1 / (4 * df))) / math.sqrt(1 + critical**2 / (2 * df))
    if df < 1e4 and abs(near) < FAR:
        return 1 - float(special.nctdtr(df, shift, critical))
    return float(special.ndtr(near))


def runs_to_show_improvement(
    probability: float = 0.75, *, alpha: float = 0.05, power: float = 0.95
) -> int:
    """Runs of each method after which P(first > second) = `probability` shows.

    Source: Noether 1987, J. Am. Stat. Assoc. 82:645, as used by Bouthillier et al. 2021,
    arXiv:2103.03098.

    >>> runs_to_show_improvement(0.75)
    29
    """
    if not 0.5 < probability <= 1:
        raise ValueError(f"probability = {probability}: an improvement lies above 0.5")
    z = special.ndtri(1 - alpha) + special.ndtri(power)
    return math.ceil((z / (math.sqrt(6) * (probability - 0.5))) ** 2)
