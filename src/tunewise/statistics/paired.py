"""Tests on the same examples: McNemar, exact sign flips, approximate randomization."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from tunewise.statistics.metrics import FloatArray, Metric

RANDOMIZATIONS = 10_000
BLOCK = 2_000_000
MOST_FOLDED = 2_000  # sum of differences
NEXT_TO_NOTHING = 1e-25  # a factor that changes no digit of a chance


class McNemar(NamedTuple):
    """Two runs on the same examples; only examples that one got right and the other wrong count.

    `first_only` and `second_only` are those examples. `exact` is the p-value to claim with;
    `mid` counts the observed table half, which makes it less cautious on few examples; `chi2` and
    `p_chi2` carry the continuity correction (None where no example differs).
    """

    first_only: int
    second_only: int
    exact: float
    mid: float
    chi2: float | None
    p_chi2: float | None


def mcnemar(first_only: int, second_only: int) -> McNemar:
    """Test whether two runs are right equally often, from the examples on which they differ.

    Source: McNemar 1947, Psychometrika 12:153; mid-p: Fagerland, Lydersen and Laake 2013,
    BMC Med. Res. Methodol. 13:91.

    >>> round(mcnemar(10, 2).exact, 6), round(mcnemar(10, 2).mid, 6)
    (0.038574, 0.022461)
    """
    if min(first_only, second_only) < 0:
        raise ValueError(f"counts of examples are never negative: {first_only}, {second_only}")
    differ, fewer = first_only + second_only, min(first_only, second_only)
    if differ == 0:
        return McNemar(0, 0, 1.0, 1.0, None, None)
    at_most_fewer = float(special.betaincc(fewer + 1, differ - fewer, 0.5))
    exact, observed = min(1.0, 2 * at_most_fewer), float(_coins_of(differ)[fewer])
    # The two tails share the middle when both counts are equal; then it counts once.
    mid = exact - (observed if first_only != second_only else observed / 2)
    chi2 = max(abs(first_only - second_only) - 1, 0) ** 2 / differ
    return McNemar(first_only, second_only, exact, mid, chi2, float(special.chdtrc(1, chi2)))


def mcnemar_of(first_right: ArrayLike, second_right: ArrayLike) -> McNemar:
    """`mcnemar` from two columns of right or wrong, shape (examples,), in the same order."""
    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    if first.shape != second.shape:
        raise ValueError(f"{first.size} examples against {second.size}")
    return mcnemar(int((first & ~second).sum()), int((second & ~first).sum()))


def exact_sign_flip(differences: ArrayLike) -> float:
    """p-value of a sum of whole-numbered differences when every sign is a fair coin.

    The distribution over all 2^n sign patterns is computed to the last bits of its numbers, so
    nothing is simulated. On differences of right and wrong answers (-1, 0, 1) it
    is exact McNemar; on answers of several runs per example (differences times the number of
    runs) it is what McNemar becomes, each example keeping its runs together.

    Args:
        differences: whole numbers, shape (examples,).

    Raises:
        ValueError: a difference is not a whole number.

    Source: Fisher 1935, The Design of Experiments, section 21.

    >>> exact_sign_flip([1] * 10 + [-1] * 2 + [0] * 88)
    0.03857421875
    """
    given = np.asarray(differences)
    whole = np.rint(given).astype(np.int64)
    if not np.array_equal(whole, given):
        raise ValueError("exact sign flips need whole numbers; see approximate_randomization")
    sizes, counts = np.unique(np.abs(whole[whole != 0]), return_counts=True)
    if sizes.size == 0:
        return 1.0
    if sizes.size == 1:  # exact binomial tails, also where they are tiny
        positive = int((whole > 0).sum())
        return mcnemar(positive, int(counts[0]) - positive).exact
    reach = int(sizes @ counts)
    sums = 2 * np.arange(reach + 1) - reach
    chances = _folded(sizes, counts) if reach <= MOST_FOLDED else _transformed(sizes, counts, reach)
    tail = chances[np.abs(sums) >= abs(int(whole.sum()))].sum()
    return min(1.0, float(tail))


def _folded(sizes: NDArray[np.int64], counts: NDArray[np.int64]) -> FloatArray:
    """The chance of every ``(sum + reach) / 2``, from 0 to ``reach = sum(sizes * counts)``.

    Sums of positive numbers: small chances keep all their digits. The time grows with the square.
    """
    chances: FloatArray = np.ones(1)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        flips = np.zeros(size * count + 1)
        flips[::size] = _coins_of(count)
        chances = np.convolve(chances, flips)
    return chances


def _coins_of(count: int) -> FloatArray:
    """The chances of 0 to `count` heads of so many fair coins: the middle one, and its neighbors.

    ``C(2m, m) / 4^m = prod (1 - 1 / 2i)`` for i from 1 to m, which an odd count shares with the
    next even one; each neighbor is a ratio away, so nothing overflows and digits are kept.
    """
    highest = np.prod(1 - 1 / (2 * np.arange(1, (count + 1) // 2 + 1)))
    heads = np.arange(count // 2, 0, -1)
    falling: FloatArray = highest * np.cumprod(np.append(1.0, heads / (count - heads + 1)))
    return np.concatenate([falling[::-1], falling[1 - count % 2 :]])


def _transformed(sizes: NDArray[np.int64], counts: NDArray[np.int64], reach: int) -> FloatArray:
    """The same for many examples, right to about 1e-15.

    The generating function is ``prod ((1 + z^size) / 2)^count``. On the unit circle it has the
    absolute value ``prod |cos(size w / 2)|^count``, which is next to nothing at all but a few of
    the frequencies w that one inverse Fourier transform needs.
    """
    length = fast_length(reach + 1)
    kept = np.arange(length // 2 + 1)
    factors: FloatArray = np.ones(kept.size)
    spectrum = np.zeros(kept.size, dtype=np.complex128)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        factors *= np.cos(_half_angles(size * kept, length)) ** count
        is_something = np.abs(factors) > NEXT_TO_NOTHING
        kept, factors = kept[is_something], factors[is_something]
    spectrum[kept] = factors * np.exp(-1j * _half_angles(reach * kept, length))
    chances: FloatArray = np.maximum(np.fft.irfft(spectrum, length)[: reach + 1], 0.0)
    return chances


def fast_length(least: int) -> int:
    """The smallest product of 2, 3 and 5 from `least` up: a Fourier transform of it is fast.

    `scipy.fft` has it, and takes longer to load than all that it would compute here.

    >>> [fast_length(least) for least in (1, 7, 11, 1025)]
    [1, 8, 12, 1080]
    """
    powers = range(least.bit_length())
    odd = (3**a * 5**b for a in powers for b in powers)
    return min(one << (-(-least // one) - 1).bit_length() for one in odd)


def _half_angles(turns: NDArray[np.int64], length: int) -> FloatArray:
    """Of so many turns by a `length`-th of the circle, reduced while they are whole numbers."""
    return np.asarray(turns % (2 * length) * (np.pi / length), dtype=np.float64)


def approximate_randomization(
    metric: Metric,
    ours: FloatArray,
    theirs: FloatArray,
    *,
    rng: np.random.Generator,
    resamples: int = RANDOMIZATIONS,
) -> float:
    """p-value of ``metric(ours) - metric(theirs)`` when the two may change places on any example.

    ``p = (1 + #{|T*| >= |T|}) / (1 + resamples)``. It suits metrics that are no mean, such as
    macro F1. Features averaged over the runs of a row keep those runs together: an example is
    swapped in all of them or in none.

    Args:
        metric: what to compare them by.
        ours: features of the metric, shape (examples, sums).
        theirs: the same for the other, over the same examples in the same order.
        rng: the only source of randomness.
        resamples: how often the examples change places.

    Source: Noreen 1989, Computer-Intensive Methods for Testing Hypotheses, ch. 2; Yeh 2000,
    ACL C00-2137.
    """
    if ours.shape != theirs.shape:
        raise ValueError(f"features of shape {ours.shape} against {theirs.shape}")
    total, half = (ours + theirs).sum(axis=0) / 2, (ours - theirs) / 2
    half = half[half.any(axis=1)]  # swapping equal answers changes nothing
    least = abs(_gap(metric, total, half.sum(axis=0))) * (1 - 1e-12)  # last bits of sums differ
    block = max(1, BLOCK // max(1, len(half)))
    reached = 0
    for start in range(0, resamples, block):
        size = min(block, resamples - start), (len(half) + 7) // 8
        drawn = rng.integers(0, 256, size=size, dtype=np.uint8)  # eight signs in each byte
        signs = np.unpackbits(drawn, axis=1, count=len(half)).astype(np.float64) * 2 - 1
        gaps = _gap(metric, total, signs @ half)
        reached += int((np.abs(gaps) >= least).sum())  # an undefined gap counts as not reached
    return (1 + reached) / (1 + resamples)


def p_over_examples(
    metric: Metric,
    ours: FloatArray,
    theirs: FloatArray,
    *,
    runs: int = 1,
    rng: np.random.Generator,
    resamples: int = RANDOMIZATIONS,
) -> tuple[float, str]:
    """p-value of a difference over examples, and the name of its test: exact for right and wrong.

    `ours` and `theirs` are the metric's features averaged over runs, shape (examples, sums), which
    become whole numbers when multiplied by `runs`; `resamples` counts where nothing is exact.
    """
    if metric.kind == "proportion":
        p = exact_sign_flip(np.rint((ours - theirs)[:, 0] * runs))
        return p, "exact McNemar" if runs == 1 else "exact sign flips of examples over all seeds"
    p = approximate_randomization(metric, ours, theirs, rng=rng, resamples=resamples)
    return p, "approximate randomization of examples"


def _gap(metric: Metric, total: FloatArray, half: FloatArray) -> NDArray[np.float64]:
    return metric.from_sums(total + half) - metric.from_sums(total - half)
