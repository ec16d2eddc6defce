"""When classes count as uneven: in one place for what drafts a study and what reports one."""

from __future__ import annotations

from collections.abc import Iterable

UNEVEN = 3  # times as many examples of the largest class as of the smallest


def uneven(counts: Iterable[int]) -> bool:
    """Whether accuracy says little about the smaller of these classes.

    >>> uneven([60, 40]), uneven([75, 25]), uneven([50, 0]), uneven([])
    (False, True, True, False)
    """
    found = sorted(counts)
    return len(found) > 1 and found[-1] >= UNEVEN * found[0]
