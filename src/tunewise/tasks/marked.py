"""What of an example is learned, as text that a person can look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tunewise.tasks.base import Encoded


class Stretch(NamedTuple):
    """A part of an example, all of which is learned or none."""

    text: str
    learned: bool


def stretches(example: Encoded, tokenizer: Any) -> list[Stretch]:
    """The example from its first token to its last, special tokens written out."""
    ids: Sequence[int] = example.inputs["input_ids"]
    found, place = [], 0
    for begin, end in example.learned or ((example.prompt, len(ids)),):
        found += [(ids[place:begin], False), (ids[begin:end], True)]
        place = end
    found.append((ids[place:], False))
    return [
        Stretch(tokenizer.decode(part, clean_up_tokenization_spaces=False), learned)
        for part, learned in found
        if part
    ]
