"""How an error is spent over looks without end, so that all of them together keep it.

A loop that changes something, looks, and keeps or reverts, makes one test a look. With `alpha`
for each, false keeps pile up. Here look ``t`` gets ``alpha gamma_t`` with

    gamma_t  proportional to  1 / ((t + 1) ln^2 (t + 1)),    sum over t = 1, 2, ... of 1,

so the chance of any false keep, over however many looks, is at most `alpha` whatever the tests
have to do with one another (Boole's inequality). Look 1 gets 49 % of it: nearly what a two-sided
test at `alpha` gives to one side. The series falls more slowly than any ``1 / t^s`` with s > 1.
What a look was given and kept with is handed on to the looks after it in the same proportions: a
change that was better spends nothing.

Sources: Foster and Stine 2008, J. R. Stat. Soc. B 70:429 (alpha-spending); Tian and Ramdas 2021,
Stat. Methods Med. Res. 30:976 (its online form, and fallback under any dependence).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

TOTAL = 2.1097428012  # of 1 / (k ln^2 k) over k = 2, 3, ...; a test sums it


def fraction_of_look(look: int) -> float:
    """The fraction of the error that a look has, counted from 1.

    Raises:
        ValueError: there is no such look.

    >>> [round(fraction_of_look(look), 5) for look in (1, 2, 20, 100)]
    [0.49328, 0.13091, 0.00244, 0.00022]
    """
    if look < 1:
        raise ValueError(f"look = {look}: looks are counted from 1")
    return 1 / ((look + 1) * math.log(look + 1) ** 2 * TOTAL)


def level_of_look(kept: Sequence[bool], *, alpha: float = 0.05) -> float:
    """The level of the next look, given what became of those before it.

    Args:
        kept: for each earlier look, whether the change was kept.
        alpha: the chance of any false keep that is to be borne.

    >>> round(level_of_look([]), 4), round(level_of_look([False]), 4)
    (0.0247, 0.0065)
    >>> round(level_of_look([True]), 4)  # with what the first look did not spend
    0.0187
    """
    levels: list[float] = []
    for look in range(1, len(kept) + 2):
        handed_on = sum(
            level * fraction_of_look(look - earlier)
            for earlier, (level, better) in enumerate(zip(levels, kept, strict=False), start=1)
            if better
        )
        levels.append(alpha * fraction_of_look(look) + handed_on)
    return levels[-1]
