"""What most runs of each contender answered, and on which examples contenders disagree most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NONE = -1  # the number of an answer that is not there


def majority(answers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of answers by number, (runs, examples), the most frequent one to each example, shape
    (examples,).

    Of equals the one that came first.

    >>> majority(np.array([[0, 1, 2], [1, 1, NONE], [1, 0, 2]])).tolist()
    [1, 1, 2]
    """
    votes = np.stack([np.where(run == NONE, 0, (answers == run).sum(axis=0)) for run in answers])
    found: NDArray[np.int64] = np.take_along_axis(answers, votes.argmax(axis=0)[None], axis=0)[0]
    return found


def most_divided(answers: Sequence[NDArray[np.int64]], most: int) -> list[int]:
    """Places of the examples with the most pairs of contenders whose answers differ.

    Args:
        answers: of each contender the number of its answer to each example, shape (examples,).
        most: how many are wanted; the earlier of equals comes first. Examples that all answer
            alike are left out.

    >>> most_divided([np.array([0, 1, 2]), np.array([0, 1, 0]), np.array([0, 2, 1])], 5)
    [2, 1]
    """
    table = np.stack(answers)
    agreeing = np.sum([(table == own).sum(axis=0) for own in table], axis=0)  # each with itself too
    differing = len(table) ** 2 - agreeing
    order = np.argsort(-differing, kind="stable")[:most]
    return [place for place in order.tolist() if differing[place]]
