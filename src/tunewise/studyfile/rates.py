"""The learning rates that are measured where a study leaves the rate open."""

from __future__ import annotations

AUTO = "auto"
FACTOR = 3  # between neighbors: moves a learning rate visibly, and rarely past its best
AROUND = 2  # rates on either side of the prior, to begin with
BEYOND = 2  # further ones on either side, for a best rate at the edge


def rate_grid(prior: float) -> tuple[float, ...]:
    """The rates around a prior, from low to high, to two digits.

    >>> rate_grid(1e-3)[2:7]
    (0.00011, 0.00033, 0.001, 0.003, 0.009)
    """
    reach = AROUND + BEYOND
    rates = (float(f"{prior * FACTOR**k:.2g}") for k in range(-reach, reach + 1))
    return tuple(rate for rate in rates if rate < 1)
