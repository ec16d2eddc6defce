"""A classifier over the pooled token states of a bare backbone."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    MODEL_FOR_TEXT_ENCODING_MAPPING,
    AutoModel,
    AutoModelForTextEncoding,
    PreTrainedModel,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from tunewise.export.script.blocks.batches import derive_seed
from tunewise.export.script.blocks.classification import load_config
from tunewise.export.script.blocks.constants import POOLING


def build_model(args: argparse.Namespace, tokenizer: Any) -> nn.Module:
    """The pretrained backbone without its pooler, and a new classifier drawn from the seed."""
    config = load_config(args)
    torch.manual_seed(derive_seed(args.seed, "head"))
    encoder = load_encoder(args.model, args.revision, config)
    torch.manual_seed(derive_seed(args.seed, "head"))
    model: nn.Module = PooledClassifier(config, encoder)
    config.pad_token_id = tokenizer.pad_token_id
    return model


def load_encoder(source: str, revision: str | None, config: Any) -> Any:
    """The bare backbone, of T5 the encoder alone, without a pooler that nothing would read."""
    known = type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING
    kind = AutoModelForTextEncoding if known else AutoModel
    made = kind._model_mapping[type(config)]
    made = made[0] if isinstance(made, tuple) else made
    accepts = "add_pooling_layer" in inspect.signature(made.__init__).parameters
    options = {"add_pooling_layer": False} if accepts else {}
    return kind.from_pretrained(
        source, revision=revision, config=config, dtype=torch.float32, **options
    )


class PooledClassifier(PreTrainedModel):  # type: ignore[misc]
    """One linear layer over one vector pooled from a backbone's last hidden states."""

    base_model_prefix = "encoder"

    def __init__(self, config: Any, encoder: Any) -> None:
        self._supports_sdpa = type(encoder)._supports_sdpa
        self._supports_attention_backend = type(encoder)._supports_attention_backend
        super().__init__(config)
        self.encoder = encoder
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        past_key_values: Any = None,
        **options: Any,
    ) -> SequenceClassifierOutput:
        options.pop("labels", None)
        options["return_dict"] = True
        if past_key_values is not None:  # keys and values in front of the text, by prefix tuning
            options["past_key_values"] = past_key_values
        hidden = self.encoder(
            input_ids=input_ids,
            attention_mask=attention_mask,
            inputs_embeds=inputs_embeds,
            **options,
        ).last_hidden_state
        if attention_mask is None:
            attention_mask = hidden.new_ones(hidden.shape[:2], dtype=torch.long)
        attention_mask = attention_mask[:, -hidden.shape[1] :]  # keys in front have no state
        return SequenceClassifierOutput(logits=self.classifier(pool(hidden, attention_mask)))


def pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """One vector of each text from its token states; padding never enters.

    Shapes:
        hidden  (batch, tokens, d)      mask  (batch, tokens)      result  (batch, d per pooling)
    """
    weights = mask.to(hidden.dtype)[:, :, None]
    count = weights.sum(1).clamp(min=1)
    pools: dict[str, Callable[[], Tensor]] = {
        "cls": lambda: hidden[:, 0],
        "lasttoken": lambda: hidden[torch.arange(len(hidden)), mask.sum(1) - 1],
        "max": lambda: hidden.masked_fill(mask[:, :, None] == 0, float("-inf")).amax(1),
        "mean": lambda: (hidden * weights).sum(1) / count,
        "mean_sqrt_len_tokens": lambda: (hidden * weights).sum(1) / count.sqrt(),
        "weightedmean": lambda: weighted_mean(hidden, weights),
    }
    pools |= {f"normalized_{name}": partial(normalized, pool) for name, pool in pools.items()}
    return torch.cat([pools[name]() for name in POOLING], dim=-1)


def normalized(pool: Callable[[], Tensor]) -> Tensor:
    """The directions of a pool's vectors, at the length of a vector of ones."""
    vectors = pool()
    return nn.functional.normalize(vectors, dim=-1) * vectors.shape[-1] ** 0.5


def weighted_mean(hidden: Tensor, weights: Tensor) -> Tensor:
    """The mean in which a token weighs as much as its place, counted from 1."""
    places = torch.arange(1, hidden.shape[1] + 1, device=hidden.device)[None, :, None]
    weights = weights * places
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)
