"""Scaled dot-product attention, soft and hard.

Letters, used in every function here:
    q  (h,)     one query         Q  (m, h)  m queries, one a row
    K  (n, h)   n keys, one a row
    V  (n, d)   n values, one a row; value i belongs to key i

Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def softmax(z: Array) -> Array:
    """Positive weights that sum to one along the last axis, in the order of ``z``.

    The largest entry is taken off first: the result is the same and nothing overflows.

    >>> softmax(np.array([1000.0, 1000.0])).tolist()
    [0.5, 0.5]
    """
    e: Array = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def weights(q: Array, K: Array) -> Array:
    """How much one query looks at each key: ``a_i = softmax_i(k_i . q / sqrt(h))``, shape (n,)."""
    return softmax(K @ q / np.sqrt(q.shape[-1]))


def attend(q: Array, K: Array, V: Array) -> Array:
    """One query's output ``c = sum_i a_i v_i``, shape (d,): an average of values."""
    return weights(q, K) @ V


def attention(Q: Array, K: Array, V: Array) -> Array:
    """All queries at once: ``softmax(Q K' / sqrt(h)) V``, shape (m, d).

    Row j equals ``attend(Q[j], K, V)``; the softmax runs along the keys.
    """
    return softmax(Q @ K.T / np.sqrt(Q.shape[-1])) @ V


def argmax_weights(q: Array, K: Array) -> Array:
    """One-hot at the key with the largest ``k_i . q``, shape (n,); of equal keys, the first.

    Dividing by sqrt(h) would change no order, so it is left out.
    """
    return one_hot(int(np.argmax(K @ q)), len(K))


def argmax_attend(q: Array, K: Array, V: Array) -> Array:
    """The value of the best key, shape (d,)."""
    return argmax_weights(q, K) @ V


def one_hot(i: int, n: int) -> Array:
    return np.eye(n)[i]


def jacobian(f: Callable[[Array], Array], x: Array, *, step: float = 2.0**-17) -> Array:
    """Derivative of every output in every input by central differences.

    Shape: that of ``f(x)``, then that of ``x``. The error is of the order of ``step`` squared.
    """
    columns = []
    for place in np.ndindex(x.shape):
        delta = np.zeros_like(x)
        delta[place] = step
        columns.append((f(x + delta) - f(x - delta)) / (2 * step))
    shape = columns[0].shape + x.shape
    return np.stack(columns, axis=-1).reshape(shape)


def softmax_jacobian(a: Array) -> Array:
    """How the weights move with their scores: ``da_i/ds_j = a_i (1[i = j] - a_j)``, shape (n, n).

    Every entry is different from zero, so every key and the query learn. Under argmax the same
    derivative is zero wherever it exists: a small change of the scores moves no maximum.
    """
    return np.diag(a) - np.outer(a, a)
