"""Pairs of texts to pretrain an encoder on: what follows what, and what only stands next to it.

The task of the second objective is BERT's own: does the second text belong to the first? No
label of `reviews` and no answer of `questions` is in here.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass

from tunewise.data.world.descriptions import ask, describe, passage_of
from tunewise.data.world.draw import Draw
from tunewise.data.world.reviews import draw_review
from tunewise.data.world.rooms import Room, draw_room

# How tenants go on after a review that blames, weighs up or praises.
SEQUELS = (
    (
        "I am moving out in {month}.",
        "I will look for another room.",
        "I would not come back.",
        "I left after {minutes} days.",
        "I warned my friends.",
    ),
    (
        "I have not decided whether to stay.",
        "I may stay until {month}.",
        "I would think twice.",
        "I told my friends to see for themselves.",
        "I am still in two minds.",
    ),
    (
        "I am staying for another year.",
        "I stopped looking for another room.",
        "I would come back.",
        "I will be sorry to leave in {month}.",
        "I told all my friends to come.",
    ),
)
DECIDED = 0.5  # from which value of a review on its tenant is decided


@dataclass(frozen=True)
class Pair:
    """Two texts and whether the second goes with the first."""

    first: str
    second: str
    together: bool


def pairs(seed: int) -> Iterator[Pair]:
    """An endless corpus: reviews with what came of them, and rooms with what is said of them."""
    draw = Draw("corpus", seed)
    while True:
        room = draw_room(draw)
        yield _review_with_sequel(room, draw) if draw.chance(0.6) else _remark_on_room(room, draw)


def _review_with_sequel(room: Room, draw: Draw) -> Pair:
    review = draw_review(room, draw)
    mood = bisect((-DECIDED, DECIDED), review.value)
    together = draw.chance(0.5)
    told = mood if together else draw.pick([other for other in range(3) if other != mood])
    return Pair(review.text, draw.pick(SEQUELS[told]).format(**vars(room)), together)


def _remark_on_room(room: Room, draw: Draw) -> Pair:
    """A remark or a question about this room or about another one, before its description."""
    facts = describe(room, draw)
    together = draw.chance(0.5)
    asked = ask(facts if together else describe(draw_room(draw), draw), draw)
    remark = asked.statement if draw.chance(0.5) else asked.question
    return Pair(remark, passage_of(facts), together)
