"""Names beside points, where there is room: of two that would overlap, the later is left out.

A chart that cannot be read is worse than one that names fewer points; each still has its color,
its tooltip and its line in the table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tunewise.core.canonical import JSONObject

SIGN = 6.6  # mean width of a letter of twelve points
LINE = 13.0  # height of a line
DOT = 5.0  # radius of a point


class Box(NamedTuple):
    """What a name or a point covers, from its lower left corner."""

    x: float
    y: float
    wide: float
    high: float

    def meets(self, other: Box) -> bool:
        return (
            self.x < other.x + other.wide
            and other.x < self.x + self.wide
            and self.y < other.y + other.high
            and other.y < self.y + self.high
        )


@dataclass(frozen=True)
class Spot:
    """A point with its name, in the units of its axes."""

    x: float
    y: float
    label: str


def with_room(
    values: Sequence[JSONObject],
    fields: tuple[str, str, str],
    *,
    width: float,
    height: float,
    above: float = 0.0,
    logarithmic: bool = False,
) -> list[tuple[str, list[JSONObject]]]:
    """The points whose names have room, those of either half with the side where a name begins.

    Names reach inwards, so that none leaves the chart. `fields` are those of x, of y and of the
    name; the rest is as for `readable`.
    """
    spots = [Spot(*(value[name] for name in fields)) for value in values]
    kept = readable(spots, width=width, height=height, above=above, logarithmic=logarithmic)
    low, high = min(spot.x for spot in spots), max(spot.x for spot in spots)
    middle = (low * high) ** 0.5 if logarithmic else (low + high) / 2
    sides: dict[str, list[JSONObject]] = {"left": [], "right": []}
    for value, spot, keep in zip(values, spots, kept, strict=True):
        if keep:
            sides["left" if spot.x <= middle else "right"].append(value)
    # a layer without values draws a warning into the console
    return [(side, points) for side, points in sides.items() if points]


def readable(
    spots: Sequence[Spot],
    *,
    width: float,
    height: float,
    above: float = 0.0,
    logarithmic: bool = False,
) -> list[bool]:
    """Whether each name has room; names of the left half reach to the right, and conversely.

    Args:
        spots: in the order of their importance: the first name always stays.
        width: of the plot in points, without its axes.
        height: of the plot.
        above: how far above its point a name stands; at 0 beside it.
        logarithmic: whether the axis of x is.

    >>> readable([Spot(0, 0, "a"), Spot(0, 0, "b"), Spot(9, 9, "c")], width=200, height=100)
    [True, False, True]
    """
    xs = _scaled([math.log(spot.x) if logarithmic else spot.x for spot in spots], width)
    ys = _scaled([spot.y for spot in spots], height)
    names: list[Box] = []
    kept = []
    for place, (x, y, spot) in enumerate(zip(xs, ys, spots, strict=True)):
        long = DOT + SIGN * len(spot.label)
        name = Box(x if x <= width / 2 else x - long, y + above - LINE / 2, long, LINE)
        dots = (
            Box(xs[n] - DOT, ys[n] - DOT, 2 * DOT, 2 * DOT) for n in range(len(spots)) if n != place
        )
        free = not names or not any(name.meets(other) for other in (*names, *dots))
        if free:
            names.append(name)
        kept.append(free)
    return kept


def _scaled(values: Sequence[float], length: float) -> list[float]:
    low, high = min(values, default=0.0), max(values, default=0.0)
    if high == low:
        return [length / 2] * len(values)
    return [length * (value - low) / (high - low) for value in values]
