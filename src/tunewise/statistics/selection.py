"""Which search point counts. Who runs a study asks it, and starts sooner without SciPy."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tunewise.statistics.metrics import upward


def best_point(metric: str, tried: Sequence[tuple[bool, float | None] | None]) -> int | None:
    """The position of the search point that counts; the earlier of equals.

    Args:
        metric: by which points are compared.
        tried: for each point whether its trial ended well, and its score on validation, None
            where that is not defined; None in place of both for a point not tried yet.

    Returns:
        None before every point has been tried, and where no trial ended well. One whose score
        is undefined loses to any other that ended well.

    >>> best_point("accuracy", [(True, 0.6), (True, 0.7), (False, None)])
    1
    """
    best: tuple[float, int] | None = None
    for place, outcome in enumerate(tried):
        if outcome is None:
            return None
        ended_well, value = outcome
        score = -math.inf if value is None else upward(metric, value)
        if ended_well and (best is None or score > best[0]):
            best = (score, place)
    return best[1] if best else None
