"""A room to rent, drawn from a seed: the one source of every text about it.

Whatever is written, asked or drawn about a room is a rendering of these fields, so an answer is
read off the room and never guessed from the text.
"""

from __future__ import annotations

from dataclasses import dataclass

from tunewise.data.embedded_world.draw import Draw
from tunewise.data.embedded_world.words import (
    ANCHORS,
    COLOURS,
    FIRST_NAMES,
    FLOORS,
    FURNITURE,
    HABITS,
    HEATINGS,
    KINDS,
    LANDLORDS,
    MONTHS,
    OBJECTS,
    RELATIONS,
    ROADS,
    TOWNS,
)


@dataclass(frozen=True)
class Thing:
    """What stands in a room: so many of one kind, all of one colour, at one place."""

    noun: str  # singular, a key of PLURALS
    count: int  # 1 to 4
    colour: str
    relation: str  # "next to", "under", ...
    anchor: str  # a fixed part of the room: "window", "door", ...


@dataclass(frozen=True)
class Room:
    """One room, with the house around it."""

    kind: str
    town: str
    street: str
    floor: str  # "ground", "first", ...
    size: int  # square metres
    rent: int  # pounds a month
    minutes: int  # on foot to the station
    month: str  # from which it is free
    landlord: str
    tenant: str  # who lived there before
    neighbour: str
    habit: str  # of the neighbour
    heating: str
    pets: bool
    own_kitchen: bool
    own_bath: bool
    furnished: bool
    things: tuple[Thing, ...]  # different nouns, each anchor used once


def draw_room(draw: Draw) -> Room:
    tenant, neighbour = draw.several(FIRST_NAMES, 2)
    return Room(
        kind=draw.pick(KINDS),
        town=draw.pick(TOWNS),
        street=draw.pick(ROADS),
        floor=draw.pick(FLOORS),
        size=10 + 2 * draw.below(16),
        rent=200 + 50 * draw.below(17),
        minutes=3 + draw.below(28),
        month=draw.pick(MONTHS),
        landlord=draw.pick(LANDLORDS),
        tenant=tenant,
        neighbour=neighbour,
        habit=draw.pick(HABITS),
        heating=draw.pick(HEATINGS),
        pets=draw.chance(0.5),
        own_kitchen=draw.chance(0.5),
        own_bath=draw.chance(0.5),
        furnished=draw.chance(0.5),
        things=_draw_things(draw),
    )


def _draw_things(draw: Draw) -> tuple[Thing, ...]:
    n = 3 + draw.below(3)
    nouns = draw.several(tuple(FURNITURE), 2) + draw.several(tuple(OBJECTS), n - 2)
    anchors = draw.several(ANCHORS, n)
    return tuple(
        Thing(
            noun=noun,
            count=1 if draw.chance(0.5) else 2 + draw.below(3),
            colour=draw.pick(COLOURS),
            relation=draw.pick(RELATIONS),
            anchor=anchor,
        )
        for noun, anchor in zip(nouns, anchors, strict=True)
    )
