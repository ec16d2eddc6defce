"""Choosing one of a few classes for a text or a pair of texts."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoConfig, AutoModelForSequenceClassification

from tunewise.export.script.blocks.batches import derive_seed, evaluation_batches
from tunewise.export.script.blocks.constants import DROPOUT, LABEL_COLUMN, LABELS
from tunewise.export.script.blocks.decided import SETS_DROPOUT
from tunewise.export.script.blocks.files import Row


def build_model(args: argparse.Namespace, tokenizer: Any) -> nn.Module:
    """The pretrained model with a new classifier, whose weights are drawn from the seed."""
    config = load_config(args)
    torch.manual_seed(derive_seed(args.seed, "head"))
    model: nn.Module = AutoModelForSequenceClassification.from_pretrained(
        args.model,
        revision=args.revision,
        config=config,
        dtype=torch.float32,
        ignore_mismatched_sizes=True,  # a classifier of another task is made anew
    )
    model.config.pad_token_id = tokenizer.pad_token_id  # type: ignore[union-attr]
    return model


def load_config(args: argparse.Namespace) -> Any:
    """The model's configuration with the classes of this task."""
    config = AutoConfig.from_pretrained(args.model, revision=args.revision)
    config.id2label = dict(enumerate(LABELS))
    config.label2id = {label: number for number, label in enumerate(LABELS)}
    config.problem_type = "single_label_classification"
    if SETS_DROPOUT:
        set_dropout(config)
    return config


def set_dropout(config: Any) -> None:
    """Set every dropout of a configuration; families name them differently."""
    for name, value in list(vars(config).items()):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if is_number and "drop" in name and "layerdrop" not in name:
            setattr(config, name, DROPOUT)


@dataclass
class Batch:
    """Examples padded to the longest of them; the label -100 marks what is not known."""

    inputs: dict[str, Tensor]  # (batch, tokens) each
    labels: Tensor  # (batch,)

    def to(self, device: str) -> Batch:
        return Batch(
            {name: tensor.to(device) for name, tensor in self.inputs.items()},
            self.labels.to(device),
        )


class TextDataCollator:
    """Pads on the right to the longest text of a batch."""

    def __init__(self, tokenizer: Any) -> None:
        self.padding = {"input_ids": tokenizer.pad_token_id}  # zero for all other inputs

    def __call__(self, features: list[Row]) -> Batch:
        longest = max(len(feature["inputs"]["input_ids"]) for feature in features)
        inputs = {
            name: torch.tensor(
                [
                    feature["inputs"][name]
                    + [self.padding.get(name, 0)] * (longest - len(feature["inputs"][name]))
                    for feature in features
                ]
            )
            for name in features[0]["inputs"]
        }
        return Batch(inputs, labels_of(features))


def labels_of(features: list[Row]) -> Tensor:
    """The class of each example by its position in `LABELS`, shape (batch,)."""
    known = [feature[LABEL_COLUMN] for feature in features]
    return torch.tensor([-100 if label is None else LABELS.index(label) for label in known])


def count_targets(batch: Batch) -> int:
    return int((batch.labels != -100).sum())


def compute_loss(model: nn.Module, batch: Batch) -> Tensor:
    """The cross-entropy summed over the examples, in nats."""
    logits = model(**batch.inputs).logits.float()
    return F.cross_entropy(logits, batch.labels, ignore_index=-100, reduction="sum")


@torch.inference_mode()
def predict(
    model: nn.Module, collator: Callable[[list[Row]], Batch], features: list[Row], device: str
) -> list[Row]:
    """The most probable class of each example, with the probabilities of all."""
    model.eval()
    found: dict[int, Row] = {}
    for places in evaluation_batches([len(f["inputs"]["input_ids"]) for f in features]):
        batch = collator([features[place] for place in places]).to(device)
        probabilities = model(**batch.inputs).logits.float().softmax(-1).tolist()
        for place, row in zip(places, probabilities, strict=True):
            found[place] = {
                "id": features[place]["id"],
                "label": features[place][LABEL_COLUMN],
                "prediction": LABELS[row.index(max(row))],
                "probabilities": row,
            }
    return [found[place] for place in range(len(features))]
