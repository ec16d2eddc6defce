"""What a trial's id says of how its model reads, where that was once another way.

A text that spells a special token was parsed, an encoder's vector was taken from another place, and
what is asked without training read whole texts. Trials that none of this concerns keep their ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tunewise.backbones.model import Model
from tunewise.backbones.texts import spelt
from tunewise.data.examples import Example
from tunewise.data.table import Splits
from tunewise.methods.base import METHODS, Direct, Method
from tunewise.studyfile.contender_records import identity_of
from tunewise.tasks.base import Task

SPELT = "special tokens in texts as text"


def tell_reading(
    contenders: Sequence[dict[str, Any]], models: Mapping[str, Model], task: Task, splits: Splits
) -> None:
    """Write it into the settings of every search point, and name the point by them."""
    columns = task.reading.words
    texts = [tuple(str(row[c]) for c in columns) for rows in splits.values() for row in rows]
    for contender in contenders:
        model = models.get(contender["model"])
        if model is None:
            continue
        for point in contender["points"]:
            settings = point["settings"]
            chosen = settings["method"]
            method = METHODS.build(chosen["name"], chosen["settings"])
            if said := ", ".join(_said(model, task, method, texts)):
                settings["model"] = {**settings["model"], "reads": said}
            if isinstance(method, Direct) and "max_length" not in settings:
                limit = task.limit(None, model)
                if limit < model.max_length and any(_bytes(row) > limit for row in texts):
                    settings["max_length"] = limit
            point["identity"] = identity_of(settings)


def _said(
    model: Model, task: Task, method: Method, texts: Sequence[tuple[str, ...]]
) -> Iterator[str]:
    if model.reads:
        yield model.reads
    pattern = spelt(model.coder)
    if method.asks_writer:
        read = [getattr(method, "template", None) or ""]
    elif task.writes:  # of a prompt the template alone
        read = [task.prompted(Example("", ("", "")))]
    else:
        read = [text for row in texts for text in row]
    if any(pattern.search(text) for text in read):
        yield SPELT


def _bytes(row: tuple[str, ...]) -> int:
    """No tokenizer makes more tokens of a text than it has bytes."""
    return sum(len(text.encode(errors="replace")) for text in row)
