"""Examples of no data: to try whether a model can be asked at all."""

from __future__ import annotations

from tunewise.data.embedded_world.scenes import BLANK
from tunewise.data.examples import Example
from tunewise.tasks.base import Task


def probe(task: Task, id: str, text: str) -> Example:
    """An example with this text in each place; its first option or the text is the right answer."""
    texts = (text,) * len(task.reading.words)
    if task.writing:
        return Example(id, texts, references=(text,), start=0)
    return Example(id, texts, 0, image=BLANK if task.reading.image else "")
