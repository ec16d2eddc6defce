"""How long an example may be and is, from what a task says of itself as values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunewise.backbones.kept_tokens import lengths_of
from tunewise.backbones.model import Model
from tunewise.backbones.texts import encoded
from tunewise.core.errors import InputError
from tunewise.tasks.base import Task

USUAL = 512  # tokens, where nobody states another number


def wanted_length(task: Task, asked: int | None) -> int:
    """Tokens an example may have whatever the model; `asked` is what training settings say."""
    own = task.writing.max_length if task.writing else None
    return min((number for number in (own, asked) if number), default=USUAL)


def limit(task: Task, asked: int | None, model: Model) -> int:
    """Tokens an example may have; `asked` is what the training settings say.

    Raises:
        InputError: that leaves no room for a prompt.
    """
    found = min(wanted_length(task, asked), model.max_length)
    if task.writing and found <= task.writing.max_new_tokens:
        raise InputError(
            f"max_new_tokens = {task.writing.max_new_tokens} leaves no room for a prompt in "
            f"{found} tokens (max_length, training.max_length, and what the model can take)."
        )
    return found


def lengths(task: Task, texts: Sequence[tuple[str, ...]], processor: Any) -> list[int]:
    """The tokens of each example as the model reads it, nothing cut.

    Args:
        task: whose examples they are.
        texts: of each example what stands in the columns of ``task.reading.texts``.
        processor: the model's tokenizer. With a prompt the tokens that an answer may have count
        too.
    """
    reading, writing = task.reading, task.writing
    words = [at for at, column in enumerate(reading.texts) if column != reading.image]
    read = [tuple(row[at] for at in words) for row in texts]
    if writing is None:
        return lengths_of(encoded(processor, read)["input_ids"])
    found = writing.prompt_tokens(processor, read)
    return [tokens + writing.max_new_tokens for tokens in found]
