"""The data that comes with the package: three splits of each task, generated when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from tunewise.core.errors import InputError, unknown
from tunewise.data.embedded_world.descriptions import ask, describe, passage_of
from tunewise.data.embedded_world.draw import Draw
from tunewise.data.embedded_world.enquiries import ASKED, enquire
from tunewise.data.embedded_world.reviews import draw_review
from tunewise.data.embedded_world.rooms import draw_room
from tunewise.data.embedded_world.scenes import DRAWN, scene
from tunewise.data.embedded_world.scenes import questions as image_questions
from tunewise.data.embedded_world.spans import passage, questions, tell

SEED = 0  # of everything below; the models were pretrained on other seeds
SIZES = {"train": 2000, "validation": 500, "test": 600}
PER_ROOM = 4  # questions on one description; divides every size, so that no room is in two splits

Row = dict[str, Any]


def embedded_splits(name: str) -> dict[str, list[Row]]:
    """The rows of an embedded data set, by split. No text, and no room, stands in two splits.

    reviews: text, label (one of `reviews.LABELS`)
    questions: question, passage, answer ("yes" or "no")
    spans: id, title, context, question, answers (text, answer_start), as in SQuAD; the title is
        the room, of which there are `PER_ROOM` questions in a row
    statements: passage, statement, label ("true" or "false", one as often as the other)
    enquiries: messages, a system's turn, a user's and the assistant's, which is JSON
    rooms: id, image, question, answer; four questions about each image

    Raises:
        InputError: no data set has this name.
    """
    if name not in EMBEDDED:
        raise InputError(unknown("embedded data set", name, EMBEDDED))
    rows = _distinct(EMBEDDED[name](SEED))
    return {split: [next(rows) for _ in range(size)] for split, size in SIZES.items()}


def _reviews(seed: int) -> Iterator[Row]:
    draw = Draw("reviews", seed)
    while True:
        review = draw_review(draw_room(draw), draw)
        yield {"text": review.text, "label": review.label}


def _questions(seed: int) -> Iterator[Row]:
    draw = Draw("questions", seed)
    while True:
        asked = ask(describe(draw_room(draw), draw), draw)
        answer = "yes" if asked.answer else "no"
        yield {"question": asked.question, "passage": asked.passage, "answer": answer}


def _spans(seed: int) -> Iterator[Row]:
    draw = Draw("spans", seed)
    seen = set()
    while True:
        room = draw_room(draw)
        statements = tell(room, draw, topics=3, things=2, closed=draw.below(2))
        asked = questions(statements, PER_ROOM, draw)
        title = f"{room.kind} in {room.street}, {room.town}"
        if title in seen or len(asked) < PER_ROOM:
            continue
        seen.add(title)
        context = passage(statements)
        for number, span in enumerate(asked):
            yield {
                "id": f"room{len(seen)}-{number}",
                "title": title,
                "context": context,
                "question": span.question,
                "answers": {"text": [span.answer], "answer_start": [span.start]},
            }


def _statements(seed: int) -> Iterator[Row]:
    draw = Draw("statements", seed)
    while True:
        # Drawn until it is of the kind whose turn it is: as many true ones as false ones.
        for holds in draw.shuffled((True, False)):
            facts = describe(draw_room(draw), draw)
            while not (fitting := [f.claim for f in facts if f.claim.holds == holds]):
                facts = describe(draw_room(draw), draw)
            statement = draw.pick(fitting).statement
            yield {
                "passage": passage_of(facts),
                "statement": f"{statement[0].upper()}{statement[1:]}.",
                "label": "true" if holds else "false",
            }


def _enquiries(seed: int) -> Iterator[Row]:
    draw = Draw("enquiries", seed)
    while True:
        text, enquiry = enquire(draw)
        said = (("system", ASKED), ("user", text), ("assistant", enquiry.answer))
        yield {"messages": [{"role": role, "content": content} for role, content in said]}


def _rooms(seed: int) -> Iterator[Row]:
    """Four questions about each image; the sizes of the splits are multiples of four."""
    draw = Draw("picture questions", seed)
    for number in count():
        for asked in image_questions(scene(number), draw):
            yield {
                "id": f"picture{number}-{asked.kind}",
                "image": f"{DRAWN}{number}",
                "question": asked.question,
                "answer": asked.answer,
            }


EMBEDDED: dict[str, Callable[[int], Iterator[Row]]] = {
    "reviews": _reviews,
    "questions": _questions,
    "spans": _spans,
    "statements": _statements,
    "rooms": _rooms,
    "enquiries": _enquiries,
}


def _distinct(rows: Iterator[Row]) -> Iterator[Row]:
    """Leave out every row whose longest text has been seen before; spans see to it themselves."""
    seen = set()
    for row in rows:
        text = row.get("id") or row.get("passage", row.get("text")) or str(row["messages"])
        if text not in seen:
            seen.add(text)
            yield row
