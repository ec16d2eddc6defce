"""Texts to pretrain an encoder on, each with what stands beside it in the world.

Besides its words a text offers one thing to learn about it as a whole (`ASIDES`): the face its
writer makes, as messages are found with emoji, or whether a remark belongs to a description, as
BERT was asked whether a sentence follows another. Faces are known of single sentences only, in
three kinds, so the five classes of whole reviews and the answers to questions are left to learn.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass

from tunewise.data.embedded_world.descriptions import ask, describe, passage_of
from tunewise.data.embedded_world.draw import Draw
from tunewise.data.embedded_world.opinions import ASPECTS
from tunewise.data.embedded_world.reviews import CUTS, draw_review, draw_sentence, written
from tunewise.data.embedded_world.rooms import Room, draw_room

ASIDES = ("frown", "straight face", "smile", "apart", "together")


@dataclass(frozen=True)
class Text:
    """A text, or a remark and a description, and the position in ASIDES of what goes with it."""

    first: str
    second: str = ""
    aside: int | None = None


def corpus(seed: int) -> Iterator[Text]:
    """Texts for ever."""
    draw = Draw("corpus", seed)
    kinds = 5 * (_sentence,) + 2 * (_review,) + 3 * (_remark,)
    while True:
        yield draw.pick(kinds)(draw_room(draw), draw)


def _sentence(room: Room, draw: Draw) -> Text:
    first, second = draw.several(tuple(ASPECTS), 2)
    sentence = draw_sentence(
        room, draw, (first, second), praise=draw.chance(0.5), joined=draw.chance(0.5)
    )
    return Text(written(sentence), aside=bisect(CUTS[1:3], sentence.value))


def _review(room: Room, draw: Draw) -> Text:
    return Text(draw_review(room, draw).text)


def _remark(room: Room, draw: Draw) -> Text:
    """A remark or a question about this room or about another one, before its description."""
    facts = describe(room, draw)
    together = draw.chance(0.5)
    asked = ask(facts if together else describe(draw_room(draw), draw), draw)
    remark = asked.statement if draw.chance(0.5) else asked.question
    return Text(remark, passage_of(facts), ASIDES.index("together" if together else "apart"))
