"""What a LoRA layer costs beside a fully trained one: parameters, operations, bytes.

One linear layer ``W`` of shape (d, k), adapters of rank r. Biases, which both ways may train or
not, are left out. A multiplication with its addition counts as two operations.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LinearLayer:
    """A layer of shape (d, k) with adapters of rank r."""

    d: int
    k: int
    rank: int

    def __post_init__(self) -> None:
        for name, value in {"d": self.d, "k": self.k, "rank": self.rank}.items():
            if value < 1:
                raise ValueError(f"{name} = {value}: a whole number from 1 up")

    @property
    def full(self) -> int:
        """Parameters in W, all trained in full fine-tuning: d k."""
        return self.d * self.k

    @property
    def lora(self) -> int:
        """Parameters in A and B: d r + r k.

        >>> LinearLayer(768, 768, rank=8).lora
        12288
        """
        return self.d * self.rank + self.rank * self.k

    @property
    def ratio(self) -> float:
        """Trained by LoRA over trained in full, ``(d r + r k) / (d k)``.

        >>> LinearLayer(1024, 1024, rank=8).ratio
        0.015625
        """
        return self.lora / self.full

    @property
    def reduction(self) -> float:
        """How many times fewer parameters are trained, ``d k / (r (d + k))``; d / 2r for d = k.

        >>> LinearLayer(1024, 1024, rank=8).reduction
        64.0
        """
        return self.full / self.lora

    @property
    def break_even_rank(self) -> float:
        """The rank at which LoRA trains as many parameters as full: ``d k / (d + k)``."""
        return self.full / (self.d + self.k)

    def operations_full(self) -> int:
        """For one token in training: W x, W' g and g x', two operations a number of W each."""
        return 6 * self.full

    def operations_lora(self) -> int:
        """For one token in training: W x and W' g; the six products with A and B.

        The six are A x, B u, B' g, A' v, g u' and v x'. What is saved is g x', a third of full;
        what is added grows with the rank.
        """
        return 4 * self.full + 6 * self.lora

    def operations_separate(self) -> int:
        """For one token forwards, with the adapters beside W."""
        return 2 * self.full + 2 * self.lora

    def operations_merged(self) -> int:
        """For one token forwards, with the adapters folded into W: as without them."""
        return 2 * self.full

    def operations_to_merge(self) -> int:
        """To build ``W + s B A`` once: 2 d k r for the product, 2 d k to scale and add.

        The separate form spends 2 r (d + k) on each token instead, so building the product anew
        in every step pays back only above ``d k / (d + k)`` tokens a step.
        """
        return 2 * self.full * self.rank + 2 * self.full

    def bytes_full(self, *, bytes_a_number: int = 4, moments: int = 2) -> int:
        """Weights, gradients and the optimizer's moments (Adam: 2), no activations."""
        return self.full * bytes_a_number * (2 + moments)

    def bytes_lora(self, *, bytes_a_number: int = 4, moments: int = 2) -> int:
        """The same for LoRA: W only as weights; A and B with gradients and moments."""
        return bytes_a_number * (self.full + self.lora * (2 + moments))
