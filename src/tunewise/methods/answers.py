"""From probabilities to predictions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tunewise.data.examples import Example, Prediction


def answers(examples: Sequence[Example], probabilities: NDArray[np.float64]) -> list[Prediction]:
    """One prediction an example; of equally probable options the first is chosen.

    Args:
        examples: in the order of the rows.
        probabilities: (examples, options), above 0, each row summing to 1.
    """
    found = []
    for example, row in zip(examples, probabilities.tolist(), strict=True):
        loss = None if example.label is None else -math.log(row[example.label])
        found.append(Prediction(example.id, row.index(max(row)), tuple(row), loss))
    return found
