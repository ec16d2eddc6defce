"""Choosing one of a few options for a text or a pair of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from tunewise.backbones.builder import Builder
from tunewise.backbones.kept_tokens import Rows, lengths_of
from tunewise.backbones.pools import AUTO, Pooling
from tunewise.backbones.texts import encoded as read_texts
from tunewise.core.errors import SettingError
from tunewise.core.settings import described, setting
from tunewise.data.examples import Example
from tunewise.data.labels import resolve
from tunewise.data.prepared import label_counts, prepared_rows
from tunewise.data.sources import Data
from tunewise.tasks.base import TASKS, Batch, Encoded, Reading, Settled
from tunewise.tasks.choosing import IGNORED, Choosing
from tunewise.tasks.encoded_texts import EncodedTexts, Texts


@TASKS.register("classification")
@dataclass(frozen=True)
class Classification(Choosing):
    """One label for a text, or for a pair such as a question and a passage.

    Of a pair only the second text is shortened to fit, unless the first alone is too long.
    `pooling` chooses the classifier: the library's own head, or a linear layer over one vector
    pooled from the token states.
    """

    version = 2  # pooling: auto is the default

    description = (
        "Each example is {columns}; one of {labels} labels is chosen, and the loss is the "
        "cross-entropy of the right one."
    )

    text: tuple[str, ...] = field(
        metadata=described("The column of the text, or two columns for pairs.")
    )
    label: str = field(metadata=described("The column of the label."))
    labels: tuple[str, ...] | None = setting(
        None, "All classes in their order. If unset, those of the training split."
    )
    metrics: tuple[str, ...] = setting(
        ("accuracy", "f1_macro"),
        "Metrics to report; the first one chooses epochs and search points.",
    )
    pooling: Pooling = setting(
        AUTO,
        "The classifier: the library's own head, or a linear layer over token states pooled in the "
        "way named. auto pools a sentence encoder as it was trained, takes the mean where the "
        "checkpoint lacks the pooler of the library's head, and that head otherwise.",
    )

    def __post_init__(self) -> None:
        if not 1 <= len(self.text) <= 2:
            raise SettingError("text", self.text, "one column, or two for pairs of texts.")
        if not self.metrics:
            raise SettingError(
                "metrics", self.metrics, "at least one metric; the first one chooses."
            )

    @property
    def reading(self) -> Reading:
        return Reading((*self.text, self.label), self.text, answer=self.label, stratum=self.label)

    @property
    def builder(self) -> Builder:
        return Builder(pooling=self.pooling)

    def settle(self, data: Data) -> Settled:
        labels = resolve(data.splits, self.label, given=self.labels, found=data.names, own=data.own)
        splits = prepared_rows(data.splits, self.text, self.label, labels)
        return Settled(
            data,
            splits,
            labels.options,
            labels,
            {"labels": list(labels.options)},
            label_counts(splits, self.label, labels),
        )

    def read(self, row: dict[str, Any]) -> Example:
        texts = tuple(str(row[column]) for column in self.text)
        return Example(str(row["id"]), texts, row.get(self.label))

    def encode(
        self,
        examples: Sequence[Example],
        processor: Any,
        *,
        max_length: int,
        learning: bool = False,
    ) -> EncodedTexts:
        # The full lengths are wanted too, so nothing is cut at first, and the long ones again.
        texts = Texts(examples)
        found = EncodedTexts(examples, read_texts(processor, texts))
        lengths = found.full_lengths
        long = [place for place, length in enumerate(lengths) if length > max_length]
        for strategy, places in _strategies(texts, long, processor, max_length).items():
            parts = [texts[place] for place in places]
            cut = read_texts(processor, parts, truncation=strategy, max_length=max_length)
            found.replace(places, cut)
        return found

    def collate(self, encoded: Sequence[Encoded], processor: Any) -> Batch:
        longest = max(example.length for example in encoded)
        fill = padding(processor)
        inputs = {
            name: torch.tensor(
                [
                    example.inputs[name] + [fill[name]] * (longest - example.length)
                    for example in encoded
                ]
            )
            for name in encoded[0].inputs
        }
        labels = [IGNORED if example.label is None else example.label for example in encoded]
        return Batch(
            ids=[example.id for example in encoded],
            inputs=inputs,
            labels=torch.tensor(labels),
            targets=sum(label != IGNORED for label in labels),
            real_tokens=sum(example.length for example in encoded),
            padded_tokens=longest * len(encoded),
        )


def padding(processor: Any) -> dict[str, int]:
    """What stands behind a text that is shorter than others of its batch, by input."""
    return {"input_ids": processor.pad_token_id, "attention_mask": 0, "token_type_ids": 0}


def _strategies(
    texts: Rows, long: Sequence[int], processor: Any, max_length: int
) -> dict[str, list[int]]:
    """Which way each long example is cut, by tokenizer strategy."""
    if not long:
        return {}
    if len(texts[long[0]]) == 1:
        return {"longest_first": list(long)}
    # A pair whose first text fills the limit has no second text to give; both are then cut.
    first = read_texts(processor, [texts[place][:1] for place in long])["input_ids"]
    special = processor.num_special_tokens_to_add(pair=True)
    ways: dict[str, list[int]] = {}
    for place, length in zip(long, lengths_of(first), strict=True):
        room = max_length - special - (length - processor.num_special_tokens_to_add(pair=False))
        ways.setdefault("only_second" if room > 0 else "longest_first", []).append(place)
    return ways
