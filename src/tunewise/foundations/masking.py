"""Masked-language-model inputs and labels.

Source: Devlin et al. 2019, arXiv:1810.04805, section 3.1, task 1.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int64]

IGNORED = -100
"""The label of a position that the loss leaves out, as PyTorch's cross-entropy has it."""


class Masked(NamedTuple):
    """What the model sees, and what it must say: the original at chosen positions, else -100."""

    inputs: Tokens
    labels: Tokens


def mask_tokens(
    tokens: Tokens,
    *,
    mask: int,
    vocabulary: int,
    special: Collection[int],
    rng: np.random.Generator,
    fraction: float = 0.15,
) -> Masked:
    """Choose ``fraction`` of the tokens to be predicted, each by its own draw.

    Of the chosen, 80 % are shown as the mask, 10 % as a token drawn from the whole vocabulary
    and 10 % as they are. A model that saw only masks would learn nothing about the other
    positions, and after pretraining no mask ever comes again.

    Args:
        tokens: token ids, any shape.
        mask: the number of the mask token.
        vocabulary: how many tokens there are.
        special: tokens never chosen: padding, separators, the mask itself.
        rng: the only source of randomness.
        fraction: the fraction chosen, in [0, 1].

    Raises:
        ValueError: the fraction is no fraction, or the mask lies outside the vocabulary.
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction = {fraction}: a fraction from 0 to 1")
    if not 0 <= mask < vocabulary:
        raise ValueError(f"mask = {mask}: a token from 0 to {vocabulary - 1}")

    chosen = (rng.random(tokens.shape) < fraction) & ~np.isin(tokens, list(special))
    fate = rng.random(tokens.shape)
    anything = rng.integers(vocabulary, size=tokens.shape)

    inputs = np.where(chosen & (fate < 0.8), mask, tokens)
    inputs = np.where(chosen & (fate >= 0.9), anything, inputs)
    return Masked(inputs, np.where(chosen, tokens, IGNORED))
