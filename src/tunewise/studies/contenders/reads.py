"""What a trial's id says of how its model reads, where that was once another way.

A text that spells a special token was parsed, an encoder's vector was taken from another place,
what is asked without training read whole texts, and no model was asked in a chat. Trials that none
of this concerns keep their ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tunewise.backbones.chat import Chat, asks_in_chat
from tunewise.backbones.model import Model
from tunewise.backbones.texts import spelt
from tunewise.data.examples import Example
from tunewise.data.table import Splits
from tunewise.methods.base import METHODS, Direct, Method
from tunewise.store.records import IN_CHAT, ContenderRecord, PointRecord
from tunewise.studyfile.contender_records import identity_of
from tunewise.tasks.base import Task
from tunewise.tasks.lengths import limit

SPELT = "special tokens in texts as text"


def with_reading(
    contenders: Sequence[ContenderRecord], models: Mapping[str, Model], task: Task, splits: Splits
) -> list[ContenderRecord]:
    """The contenders with it in the settings of every search point, which is named by them."""
    columns = task.reading.words
    texts = [tuple(str(row[c]) for c in columns) for rows in splits.values() for row in rows]

    def read_by(model: Model, point: PointRecord) -> PointRecord:
        settings = point.settings
        method = METHODS.build(settings.method.name, settings.method.settings)
        if settings.model and (details := ", ".join(_details(model, task, method, texts))):
            settings = replace(settings, model=replace(settings.model, reads=details))
        if isinstance(method, Direct) and settings.max_length is None:
            longest = limit(task, None, model)
            # No tokenizer makes more tokens of a text than it has bytes.
            sizes = (sum(len(text.encode(errors="replace")) for text in row) for row in texts)
            if longest < model.max_length and any(size > longest for size in sizes):
                settings = settings.with_max_length(longest)
        return replace(point, settings=settings, identity=identity_of(settings))

    return [
        replace(row, points=tuple(read_by(models[row.model], point) for point in row.points))
        if row.model and row.model in models
        else row
        for row in contenders
    ]


def _details(
    model: Model, task: Task, method: Method, texts: Sequence[tuple[str, ...]]
) -> Iterator[str]:
    if model.reads:
        yield model.reads
    pattern = spelt(model.processor)
    asked = ""  # in words: of a prompt the template alone
    if method.asks_writer:
        asked = getattr(method, "template", None) or ""
    elif task.writing:
        asked = task.writing.prompt(Example("", ("", "")))
    in_words = method.asks_writer or task.writing
    read = [asked] if in_words else [text for row in texts for text in row]
    if any(pattern.search(text) for text in read):
        yield SPELT
    chat: Chat = getattr(method if method.asks_writer else task.writing, "chat", "never")
    if in_words and chat == "auto" and asks_in_chat(model.processor, chat, asked):
        yield IN_CHAT
