"""Many comparisons at once: p-values adjusted so that they can be read one by one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tunewise.statistics.metrics import FloatArray


def holm(p: ArrayLike) -> FloatArray:
    """p-values adjusted so that the chance of any false claim in the family stays below alpha.

    Args:
        p: p-values of the family, shape (comparisons,), in any order.

    Source: Holm 1979, Scand. J. Stat. 6:65.

    >>> holm([0.01, 0.02, 0.03]).round(6).tolist()
    [0.03, 0.04, 0.04]
    """
    values = _checked(p)
    order = np.argsort(values, kind="stable")
    factors = np.arange(len(values), 0, -1)
    stepped = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return _back(stepped, order)


def benjamini_hochberg(p: ArrayLike) -> FloatArray:
    """p-values adjusted so that the expected fraction of false claims stays below alpha.

    For looking around, not for the claim a study was made for.

    Source: Benjamini and Hochberg 1995, J. R. Stat. Soc. B 57:289.

    >>> benjamini_hochberg([0.01, 0.02, 0.03]).round(6).tolist()
    [0.03, 0.03, 0.03]
    """
    values = _checked(p)
    order = np.argsort(values, kind="stable")
    ranked = values[order] * len(values) / np.arange(1, len(values) + 1)
    stepped = np.minimum(np.minimum.accumulate(ranked[::-1])[::-1], 1.0)
    return _back(stepped, order)


def _checked(p: ArrayLike) -> FloatArray:
    values = np.asarray(p, dtype=np.float64)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"p-values are a list of numbers from 0 to 1, not {p!r}")
    return values


def _back(ordered: FloatArray, order: np.ndarray) -> FloatArray:
    result = np.empty_like(ordered)
    result[order] = ordered
    return result
