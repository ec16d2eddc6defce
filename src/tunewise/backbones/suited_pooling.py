"""The pooling that fits a checkpoint, decided from its files: what they say, and what they lack."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, cast

import torch
from transformers import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    AutoModelForSequenceClassification,
    PreTrainedConfig,
)

from tunewise.backbones.configuration import configuration_of
from tunewise.backbones.door import at_the_door
from tunewise.backbones.folder import stored_tensors
from tunewise.backbones.lacking import lacking
from tunewise.backbones.pooling import is_ours, pooling_of
from tunewise.backbones.pools import LIBRARY, POOLS, Pooling
from tunewise.backbones.sentence import Where, trained_pooling
from tunewise.backbones.size import no_larger_than


class Suited(NamedTuple):
    """A pooling and, in a few words, why it fits.

    `solved` is the pooling for a head that is solved on the vectors of a frozen backbone.
    """

    pooling: Pooling
    why: str
    solved: Pooling

    def __str__(self) -> str:
        also = "" if self.solved == self.pooling else f", for a solved head {self.solved}"
        return f"{self.pooling}{also} ({self.why})"


def suited_pooling(where: Where, folder: Path) -> Suited:
    """How a classifier over this checkpoint makes one vector of a text.

    A sentence encoder is pooled as it was trained. Of several pools side by side, which would need
    a wider head than any library's, the mean is taken, or else the first. Layers behind the
    pooling belong to the vectors of the sentence encoder, not to the classifier. Where nothing but
    `Normalize` follows it, a solved head reads the direction of the vectors, which is all that the
    encoder was trained to make mean something; a backbone that is trained further gets on better
    with their lengths.

    Args:
        where: arguments with which `from_pretrained` finds the model.
        folder: the one with ``config.json`` and, where they are at hand, the weights. Without them
            the checkpoint counts as whole.

    Raises:
        InputError: the model cannot be read, or its files name a pooling that is not known here.
    """
    source = where["pretrained_model_name_or_path"]
    hint = "Name one in the task, such as pooling: mean."
    with at_the_door(f"model {source}: pooling: auto cannot read how it was trained", hint):
        pools, normalized = trained_pooling(where)
    with at_the_door(f"model {source}: cannot be loaded as a text classifier"):
        config = configuration_of(where)
        if is_ours(config):
            return _suited(pooling_of(config), "as the classifier was saved")
        if len(pools) > 1:
            taken = "mean" if "mean" in pools else pools[0]
            joined = " and ".join(pools)
            return _suited(taken, f"the sentence encoder was trained with {joined} joined")
        if pools:
            return _suited(pools[0], "as the sentence encoder was trained", normalized=normalized)
        if _lacks_pooler(config, source, folder):
            return _suited("mean", "the checkpoint lacks the pooler that the library's head reads")
    return _suited(LIBRARY, "the library's own head")


def _suited(pool: str, why: str, *, normalized: bool = False) -> Suited:
    name = f"normalized_{pool}"
    solved = name if normalized and name in POOLS else pool
    return Suited(cast(Pooling, pool), why, cast(Pooling, solved))


def _lacks_pooler(config: PreTrainedConfig, source: str, folder: Path) -> bool:
    """Whether the family's classifier has a pooler inside the backbone that would start as noise.

    Poolers outside of it, such as RoBERTa's, are part of a head that is new anyway.
    """
    has_weights = any(folder.glob("*.safetensors"))
    if not has_weights or type(config) not in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING:
        return False
    with torch.device("meta"), no_larger_than(stored_tensors(source, folder), source):
        module = AutoModelForSequenceClassification.from_config(config)
    backbone = module.base_model_prefix
    new = lacking(folder, backbone, [name for name, _ in module.named_parameters()])
    return any(name.startswith(f"{backbone}.pooler.") for name in new)
