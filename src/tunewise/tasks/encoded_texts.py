"""Texts as token ids, of which a batch has copies and the rest stays where the tokens are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np

from tunewise.backbones.kept_tokens import Columns, lengths_of
from tunewise.data.examples import Example
from tunewise.tasks.base import Encoded


class Texts(Sequence[tuple[str, ...]]):
    """The texts of examples, which may be made of stored rows when they are asked for."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self.examples = examples

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return (example.texts for example in self.examples)

    @overload
    def __getitem__(self, place: int) -> tuple[str, ...]: ...
    @overload
    def __getitem__(self, place: slice) -> list[tuple[str, ...]]: ...
    def __getitem__(self, place: int | slice) -> tuple[str, ...] | list[tuple[str, ...]]:
        if isinstance(place, slice):
            return [example.texts for example in self.examples[place]]
        return self.examples[place].texts


class EncodedTexts(Sequence[Encoded]):
    """Examples of texts alone, each made when it is asked for.

    Args:
        examples: with their right options.
        whole: the tokens of each with nothing cut.
    """

    def __init__(self, examples: Sequence[Example], whole: Columns) -> None:
        self.examples = examples
        self.sources = [whole]
        self.full_lengths = lengths_of(whole["input_ids"])
        self.lengths = [*self.full_lengths]
        # where the tokens of each lie: in which of the sources, and their place there
        self._source = np.zeros(len(self.lengths), dtype=np.int8)
        self._place = np.arange(len(self.lengths), dtype=np.int32)

    def replace(self, places: Sequence[int], cut: Columns) -> None:
        """Give these rows other tokens; their full lengths stay."""
        self._source[places] = len(self.sources)
        self._place[places] = np.arange(len(places))
        self.sources.append(cut)
        for place, length in zip(places, lengths_of(cut["input_ids"]), strict=True):
            self.lengths[place] = length

    def __len__(self) -> int:
        return len(self.lengths)

    @overload
    def __getitem__(self, place: int) -> Encoded: ...
    @overload
    def __getitem__(self, place: slice) -> list[Encoded]: ...
    def __getitem__(self, place: int | slice) -> Encoded | list[Encoded]:
        if isinstance(place, slice):
            return [self[at] for at in range(*place.indices(len(self)))]
        example = self.examples[place]
        columns, at = self.sources[self._source[place]], int(self._place[place])
        inputs = {name: column[at] for name, column in columns.items()}
        return Encoded(example.id, inputs, example.label, self.full_lengths[place])


def full_lengths(encoded: Sequence[Encoded]) -> list[int]:
    """The tokens of each example before anything was cut off."""
    if isinstance(encoded, EncodedTexts):
        return encoded.full_lengths
    return [example.full_length for example in encoded]


def token_lengths(encoded: Sequence[Encoded]) -> list[int]:
    """The tokens of each example as the model reads it."""
    if isinstance(encoded, EncodedTexts):
        return encoded.lengths
    return [example.length for example in encoded]
