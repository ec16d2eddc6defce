"""Where LoRA goes: the matrices of a transformer block, and several adapters beside one of them.

A block of width d holds query, key, value and output, each (d, d), and an MLP that widens to 4 d
and back. GPT-2 stores query, key and value as one fused matrix (3 d, d), which is adapted whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tunewise.foundations.autodiff import Array
from tunewise.foundations.lora_algebra import Layer
from tunewise.foundations.lora_costs import LinearLayer

SETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "query": ("query",),
        "query, value": ("query", "value"),
        "attention": ("query", "key", "value", "output"),
        "attention, mlp": ("query", "key", "value", "output", "up", "down"),
    }
)
"""Usual choices of what is adapted, by the parts of a block that they name."""


@dataclass(frozen=True)
class Block:
    """The linear layers of one transformer block, biases left out."""

    width: int
    fused: bool = False  # query, key and value are one matrix

    @property
    def matrices(self) -> dict[str, tuple[int, int, tuple[str, ...]]]:
        """Each matrix by name: its shape (out, in), and the parts of the block that it plays."""
        d = self.width
        rest: dict[str, tuple[int, int, tuple[str, ...]]] = {
            "output": (d, d, ("output",)),
            "up": (4 * d, d, ("up",)),
            "down": (d, 4 * d, ("down",)),
        }
        if self.fused:
            return {"fused": (3 * d, d, ("query", "key", "value")), **rest}
        apart = ("query", "key", "value")
        return {**{part: (d, d, (part,)) for part in apart}, **rest}

    @property
    def full(self) -> int:
        """Parameters in all matrices: 12 d^2.

        >>> Block(768).full == Block(768, fused=True).full == 12 * 768**2
        True
        """
        return sum(out * into for out, into, _ in self.matrices.values())

    def lora(self, parts: Sequence[str], rank: int) -> int:
        """Parameters in A and B beside every matrix that plays one of the parts.

        >>> Block(768).lora(["query", "value"], rank=8)
        24576
        """
        return sum(
            LinearLayer(out, into, rank=rank).lora
            for out, into, plays in self.matrices.values()
            if set(plays) & set(parts)
        )


def mixed(layers: Sequence[Layer], task: Sequence[int], x: Array) -> Array:
    """One batch whose rows belong to several tasks, each with an adapter beside the same W.

    The frozen product is one for all rows; each row then meets its own A and B.

    Args:
        layers: one a task; their W is the same matrix.
        task: the task of each row, as a position in `layers`.
        x: shape (rows, k).
    """
    W = layers[0].W
    A = np.stack([layers[t].A for t in task])  # (rows, r, k)
    B = np.stack([layers[t].s * layers[t].B for t in task])  # (rows, d, r)
    u = np.einsum("nrk,nk->nr", A, x)
    corrected: Array = x @ W.T + np.einsum("ndr,nr->nd", B, u)
    return corrected


def as_query_correction(W_q: Array, W_k: Array, correction: Array) -> Array:
    """The correction of W_q that changes the scores as the given one of W_k does.

    Scores are ``(W_q x)' (W_k y)``, so they know the two matrices only as ``W_q' W_k``. With one
    head of full width and an invertible W_k, ``(W_q + D)' W_k = W_q' (W_k + C)`` is solved by
    ``D = (W_q' C W_k^-1)'``, whose rank is at most that of C.
    """
    return np.asarray(np.linalg.solve(W_k.T, correction.T @ W_q), np.float64)
