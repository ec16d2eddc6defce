"""The data that comes with the package: three splits of each task, generated when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from tunewise.core.errors import InputError, unknown
from tunewise.data.world.descriptions import ask, describe
from tunewise.data.world.draw import Draw
from tunewise.data.world.reviews import draw_review
from tunewise.data.world.rooms import draw_room
from tunewise.data.world.scenes import DRAWN, questions, scene

SEED = 0  # of everything below; the encoder was pretrained on other seeds
SIZES = {"train": 2000, "validation": 500, "test": 600}

Row = dict[str, Any]


def embedded_splits(name: str) -> dict[str, list[Row]]:
    """The rows of an embedded data set, by split. No text stands in two rows.

    reviews: text, label (one of `reviews.LABELS`)
    questions: question, passage, answer ("yes" or "no")
    rooms: id, image, question, answer; four questions about each picture

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


def _rooms(seed: int) -> Iterator[Row]:
    """Four questions about each picture; the sizes of the splits are multiples of four."""
    draw = Draw("picture questions", seed)
    for number in count():
        for asked in questions(scene(number), draw):
            yield {
                "id": f"picture{number}-{asked.kind}",
                "image": f"{DRAWN}{number}",
                "question": asked.question,
                "answer": asked.answer,
            }


EMBEDDED: dict[str, Callable[[int], Iterator[Row]]] = {
    "reviews": _reviews,
    "questions": _questions,
    "rooms": _rooms,
}


def _distinct(rows: Iterator[Row]) -> Iterator[Row]:
    """Leave out every row whose longest text has been seen before."""
    seen = set()
    for row in rows:
        text = row.get("id") or row.get("passage", row.get("text"))
        if text not in seen:
            seen.add(text)
            yield row
