"""Descriptions of rooms, and yes/no questions about them."""

from __future__ import annotations

from dataclasses import dataclass

from tunewise.data.embedded_world.draw import Draw
from tunewise.data.embedded_world.facts import Fact
from tunewise.data.embedded_world.rooms import Room
from tunewise.data.embedded_world.things import thing_fact
from tunewise.data.embedded_world.topics import TOPICS

SENTENCES = (3, 4)  # of one passage
YES_FRACTION = 0.6  # of all questions; in BoolQ it is 0.62


@dataclass(frozen=True)
class Question:
    """A question about a passage, the same as a statement, and whether the answer is yes."""

    question: str
    statement: str
    passage: str
    answer: bool


def describe(room: Room, draw: Draw) -> list[Fact]:
    """Some facts of the room, in random order; their sentences make up a description.

    About half of them tell of things in the room. Whether a claim holds is drawn for each.
    """
    n = draw.pick(SENTENCES)
    topics = draw.several(TOPICS, n - n // 2)
    things = draw.several(room.things, n // 2)
    facts = [topic.fact(room, draw, draw.chance(YES_FRACTION)) for topic in topics]
    facts += [thing_fact(thing, draw, draw.chance(YES_FRACTION)) for thing in things]
    return draw.shuffled(facts)


def passage_of(facts: list[Fact]) -> str:
    return " ".join(fact.sentence for fact in facts)


def ask(facts: list[Fact], draw: Draw) -> Question:
    """A question that the passage of these facts answers."""
    claim = draw.pick(facts).claim
    return Question(claim.question, claim.statement, passage_of(facts), claim.holds)
