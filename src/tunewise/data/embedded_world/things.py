"""What a description says of the things in a room, and what can be claimed about them."""

from __future__ import annotations

from tunewise.data.embedded_world.draw import Draw
from tunewise.data.embedded_world.facts import Claim, Fact
from tunewise.data.embedded_world.rooms import Thing
from tunewise.data.embedded_world.words import ANCHORS, COLOURS, NUMBERS, PLURALS, RELATIONS


def noun_phrase(thing: Thing) -> str:
    """The thing with its number and colour.

    >>> noun_phrase(Thing("shelf", 2, "red", "under", "window"))
    'two red shelves'
    """
    if thing.count == 1:
        return f"{'an' if thing.colour == 'orange' else 'a'} {thing.colour} {thing.noun}"
    return f"{NUMBERS[thing.count]} {thing.colour} {PLURALS[thing.noun]}"


def thing_fact(thing: Thing, draw: Draw, holds: bool) -> Fact:
    """A sentence about the thing and a claim on its colour, number or place."""
    what, where = noun_phrase(thing), f"{thing.relation} the {thing.anchor}"
    are = "is" if thing.count == 1 else "are"
    sentence = draw.pick(
        (
            f"There {are} {what} {where}.",
            f"{where.capitalize()} {are} {what}.",
            f"{where.capitalize()} you see {what}.",
            f"{what.capitalize()} {'stands' if thing.count == 1 else 'stand'} {where}.",
        )
    )
    claim = draw.pick((_colour, _number, _place))
    return Fact(sentence, claim(thing, draw, holds))


def _name(thing: Thing) -> tuple[str, str]:
    """The thing without its number and colour, and the verb that goes with it."""
    if thing.count == 1:
        return f"the {thing.noun}", "is"
    return f"the {PLURALS[thing.noun]}", "are"


def _colour(thing: Thing, draw: Draw, holds: bool) -> Claim:
    name, are = _name(thing)
    wrong = draw.pick([colour for colour in COLOURS if colour != thing.colour])
    colour = thing.colour if holds else wrong
    return Claim(f"{name} {are} {colour}", f"{are} {name} {colour}", holds)


def _number(thing: Thing, draw: Draw, holds: bool) -> Claim:
    wrong = draw.pick([number for number in (1, 2, 3, 4) if number != thing.count])
    number = thing.count if holds else wrong
    noun = thing.noun if number == 1 else PLURALS[thing.noun]
    are = "is" if number == 1 else "are"
    what = f"exactly {NUMBERS[number]} {noun}"
    return Claim(f"there {are} {what}", f"{are} there {what}", holds)


def _place(thing: Thing, draw: Draw, holds: bool) -> Claim:
    name, are = _name(thing)
    relation, anchor = thing.relation, thing.anchor
    if not holds and draw.chance(0.5):
        anchor = draw.pick([other for other in ANCHORS if other != anchor])
    elif not holds:
        relation = draw.pick([other for other in RELATIONS if other != relation])
    return Claim(
        f"{name} {are} {relation} the {anchor}", f"{are} {name} {relation} the {anchor}", holds
    )
