"""What a description says of a room, and what can be claimed about it and asked.

A claim is a statement and the same as a question; whether it holds is decided before its words
are chosen, so the answer to the question is known. The wordings stand in `topics`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tunewise.data.embedded_world.draw import Draw
from tunewise.data.embedded_world.rooms import Room


@dataclass(frozen=True)
class Claim:
    """A fact about a room, as a statement and as a question, and whether it is so."""

    statement: str
    question: str
    holds: bool


@dataclass(frozen=True)
class Fact:
    """A sentence of a description and one claim that this sentence decides."""

    sentence: str
    claim: Claim


@dataclass(frozen=True)
class Named:
    """A topic whose value is a name out of a list. `{x}` in a claim is the name claimed."""

    value: Callable[[Room], str]
    others: tuple[str, ...]
    sentences: tuple[str, ...]
    claims: tuple[tuple[str, str], ...]

    def fact(self, room: Room, draw: Draw, holds: bool) -> Fact:
        true = self.value(room)
        x = true if holds else draw.pick([other for other in self.others if other != true])
        statement, question = draw.pick(self.claims)
        claim = Claim(statement.format(x=x), question.format(x=x), holds)
        return Fact(_rendered(draw.pick(self.sentences), room), claim)


@dataclass(frozen=True)
class Measured:
    """A topic whose value is a number. `{x}` in a claim is "more than 300" or "less than 300"."""

    value: Callable[[Room], int]
    steps: tuple[int, ...]  # how far the number claimed may lie from the true one
    sentences: tuple[str, ...]
    claims: tuple[tuple[str, str], ...]

    def fact(self, room: Room, draw: Draw, holds: bool) -> Fact:
        more = draw.chance(0.5)
        step = draw.pick(self.steps)
        limit = self.value(room) + (-step if more == holds else step)
        x = f"{'more' if more else 'less'} than {limit}"
        statement, question = draw.pick(self.claims)
        claim = Claim(statement.format(x=x), question.format(x=x), holds)
        return Fact(_rendered(draw.pick(self.sentences), room), claim)


@dataclass(frozen=True)
class Either:
    """A topic that is one of two things. The first of each pair belongs to True."""

    value: Callable[[Room], bool]
    sentences: tuple[tuple[str, ...], tuple[str, ...]]
    claims: tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]

    def fact(self, room: Room, draw: Draw, holds: bool) -> Fact:
        true = self.value(room)
        statement, question = draw.pick(self.claims[0 if true == holds else 1])
        sentence = draw.pick(self.sentences[0 if true else 1])
        return Fact(_rendered(sentence, room), Claim(statement, question, holds))


def _rendered(sentence: str, room: Room) -> str:
    text = sentence.format(**vars(room))
    return text[0].upper() + text[1:]
