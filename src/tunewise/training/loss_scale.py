"""The factor on the loss that lifts small gradients into the range of sixteen-bit floats."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor

START = 2.0**16
LEAST = 1.0  # below it a loss is not scaled up, and what overflows does so by itself
GROWTH_STEPS = 2000  # taken in a row, after which a larger factor is tried


@dataclass
class LossScale:
    """Where the factor stands: plain values of a checkpoint.

    Float16 has no numbers below 6e-8, where many gradients lie, so the loss is multiplied
    before the backward pass and gradients are divided after. The rule is that of
    `torch.amp.GradScaler`, whose defaults these are: a step whose gradients overflow is skipped
    and halves the factor, and many taken in a row double it.

    Source: Micikevicius et al., Mixed Precision Training (ICLR 2018), section 3.2.
    """

    factor: float = START
    taken: int = 0  # steps since the factor changed
    skipped: int = 0  # steps in the whole training

    def unscale(self, weights: Iterable[Tensor]) -> None:
        """Divide the gradients by the factor, in place."""
        for weight in weights:
            if weight.grad is not None:
                weight.grad.mul_(1 / self.factor)  # a power of two, so nothing is rounded

    def accept(self, norm: float) -> bool:
        """Whether a step with gradients of this norm may be taken; the factor follows.

        >>> scale = LossScale()
        >>> [scale.accept(norm) for norm in (math.inf, 0.5)], scale.factor, scale.skipped
        ([False, True], 32768.0, 1)
        """
        if not math.isfinite(norm):
            self.factor, self.taken, self.skipped = self.factor / 2, 0, self.skipped + 1
            return False
        self.taken += 1
        if self.taken == GROWTH_STEPS:
            self.factor, self.taken = self.factor * 2, 0
        return True

    @property
    def is_least(self) -> bool:
        return self.factor <= LEAST
