"""Texts to pretrain a decoder on: a description, then the same facts again in other words.

Whoever predicts the second half well has learned to look facts up in the first, which is what
answering a question takes. Questions occur as they do in prose, answered by a whole sentence;
the short answer behind a prompt, which a study trains, occurs nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from tunewise.data.embedded_world.descriptions import describe, passage_of
from tunewise.data.embedded_world.draw import Draw
from tunewise.data.embedded_world.reviews import draw_review
from tunewise.data.embedded_world.rooms import draw_room
from tunewise.data.embedded_world.spans import passage, tell

REVIEWS = 0.06  # of all texts
RETOLD = (6, 7, 8, 9, 10)  # facts repeated behind one description
QUESTIONS = 0.5  # of them behind a question
CLAIMS = 0.25  # of all descriptions, with a claim that holds or does not


def stories(seed: int) -> Iterator[tuple[str, str]]:
    """Descriptions, and what stands behind them, for ever; the second may be empty."""
    draw = Draw("stories", seed)
    while True:
        room = draw_room(draw)
        if draw.chance(REVIEWS):
            yield draw_review(room, draw).text, ""
        elif draw.chance(CLAIMS):
            facts = describe(room, draw)
            sentences = []
            for fact in draw.shuffled(facts):
                holds = "Yes, that is true." if fact.claim.holds else "No, that is false."
                sentences.append(f"Is it true that {fact.claim.statement}? {holds}")
            yield passage_of(facts), " ".join(sentences)
        else:
            statements = tell(
                room, draw, topics=2 + draw.below(4), things=1 + draw.below(3), closed=draw.below(2)
            )
            spans = [span for one in statements for span in one.spans]
            chosen = (draw.shuffled(spans) + draw.shuffled(spans))[: draw.pick(RETOLD)]
            yield (
                passage(statements),
                " ".join(
                    f"{span.question} {span.statement}"
                    if draw.chance(QUESTIONS)
                    else span.statement
                    for span in chosen
                ),
            )
