"""Reviews of rooms in five classes, whose label follows from how a review is put together.

A review joins one or two sentences. The value of a clause is the value of its adjective times
the factor of its wording (`opinions`): "truly cosy" is 1.5, "not at all cosy" -2. Joined clauses:

    A, but B                 B + A / 4       the second clause is what counts
    although A, B            B + A / 4
    B, even though A         B + A / 4       here it is the first
    A, and B                 A + B

Sentences add up. The sum is cut at `CUTS` into the five labels; `NOISE` of all labels are then
moved to a neighboring class, as annotators disagree.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass

from tunewise.data.embedded_world.draw import Draw
from tunewise.data.embedded_world.opinions import (
    ASPECTS,
    ELSEWHERE,
    HEARSAY,
    PLAIN,
    TURNED,
    Clause,
    draw_opinion,
)
from tunewise.data.embedded_world.rooms import Room

LABELS = ("very negative", "negative", "neutral", "positive", "very positive")
CUTS = (-2.1, -0.6, 0.6, 2.1)
NOISE = 0.03
MOODS = (0.9, 0.5, 0.1)  # how likely a tenant is to praise
WORDINGS = 5 * (PLAIN,) + 2 * (TURNED,) + (HEARSAY,) + (ELSEWHERE,)
CONCESSION = 0.25  # what a conceded clause still counts


@dataclass(frozen=True)
class Review:
    """A text, what its rules add up to, and its label: the class of the value, save for noise."""

    text: str
    value: float
    label: str


def draw_review(room: Room, draw: Draw) -> Review:
    """A review of the room by its tenant, who is pleased, displeased or of two minds."""
    n = 1 if draw.chance(0.3) else 2
    aspects = draw.several(tuple(ASPECTS), 2 * n)
    pleased = draw.pick(MOODS)
    sentences = [
        draw_sentence(
            room, draw, pair, praise=draw.chance(pleased), joined=n == 1 or draw.chance(0.7)
        )
        for pair in zip(aspects[::2], aspects[1::2], strict=True)
    ]
    if draw.chance(0.4):
        sentences.insert(draw.below(n + 1), Clause(_aside(room, draw), 0.0))
    value = sum(sentence.value for sentence in sentences)
    place = bisect(CUTS, value)
    if draw.chance(NOISE):
        place += -1 if place == 4 or (place > 0 and draw.chance(0.5)) else 1
    return Review(written(*sentences), value, LABELS[place])


def draw_sentence(
    room: Room, draw: Draw, aspects: tuple[str, str], *, praise: bool, joined: bool
) -> Clause:
    """One clause, or two joined; `praise` says which side the sentence comes down on."""
    main = _clause(room, draw, aspects[0], praise=praise)
    if not joined:
        return main
    if draw.chance(0.4):
        more = _clause(room, draw, aspects[1], praise=praise)
        return Clause(f"{more.words}, and {main.words}", more.value + main.value)
    conceded = _clause(room, draw, aspects[1], praise=draw.chance(0.2) == praise)
    return concede(conceded, main, draw)


def concede(minor: Clause, main: Clause, draw: Draw) -> Clause:
    """A sentence that grants the minor clause and comes down on the side of the main one.

    >>> concede(Clause("the bed is soft", 1), Clause("the house is awful", -2), Draw("doc", 1))
    Clause(words='the bed is soft, but the house is awful', value=-1.75)
    """
    words = draw.pick(
        (
            f"{minor.words}, but {main.words}",
            f"although {minor.words}, {main.words}",
            f"{main.words}, even though {minor.words}",
        )
    )
    return Clause(words, main.value + CONCESSION * minor.value)


def _clause(room: Room, draw: Draw, aspect: str, *, praise: bool) -> Clause:
    """A clause that amounts to praise or blame, or to nothing at all."""
    words, factor = draw.pick(draw.pick(WORDINGS))
    opinion = draw_opinion(draw, aspect, praise=praise == (factor >= 0))
    who = draw.pick((room.tenant, room.neighbour, "my sister", "a friend"))
    clause = words.format(a=aspect, j=opinion.adjective, who=who)
    return Clause(clause, weigh(opinion.value, factor))


def weigh(value: float, factor: float) -> float:
    """What an adjective of this value amounts to in a wording of this factor.

    >>> weigh(2, 1.5), weigh(1, -1), weigh(2, -1), weigh(-2, -0.5)
    (3.0, -1, -1, 0.5)
    """
    if factor < 0:  # turned: the strength of the adjective is lost
        return factor if value > 0 else -factor
    return factor * value


def _aside(room: Room, draw: Draw) -> str:
    """Something that is no opinion."""
    thing = draw.pick(room.things)
    return draw.pick(
        (
            f"I moved in in {room.month}",
            f"I lived here for {2 + draw.below(20)} months",
            f"the rent is {room.rent} pounds",
            f"it is a {room.kind} on the {room.floor} floor",
            f"there is a {thing.colour} {thing.noun} {thing.relation} the {thing.anchor}",
            f"{room.neighbour} next door {room.habit}",
            f"the house belongs to {room.landlord}",
            f"I walk {room.minutes} minutes to the station",
        )
    )


def written(*sentences: Clause) -> str:
    """The sentences with capitals and full stops."""
    return " ".join(f"{clause.words[0].upper()}{clause.words[1:]}." for clause in sentences)
