"""A classifier over pooled token states."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    MODEL_FOR_TEXT_ENCODING_MAPPING,
    AutoModel,
    AutoModelForTextEncoding,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from tunewise.backbones.pools import POOLS

POOLING = "token_pooling"  # in the configuration of a classifier of ours


def backbone_kind(config: PreTrainedConfig) -> Any:
    """What builds and loads a backbone that reads texts: of T5 the encoder alone."""
    known = type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING
    return AutoModelForTextEncoding if known else AutoModel


def backbone_options(config: PreTrainedConfig) -> dict[str, Any]:
    """Build a backbone without its pooler: what pools the token states would leave it untrained."""
    accepted = inspect.signature(_backbone_class(config).__init__).parameters
    return {"add_pooling_layer": False} if "add_pooling_layer" in accepted else {}


def pooling_of(config: PreTrainedConfig) -> str:
    """The pool that a configuration of ours names; without one it is the mean, as it once was.

    Raises:
        ValueError: it names none that is known.
    """
    name = getattr(config, POOLING, "mean")
    if name not in tuple(POOLS):  # which also holds what cannot be hashed
        raise ValueError(f"config.json: {POOLING} = {name!r}; known: {', '.join(POOLS)}")
    return str(name)


def is_ours(config: PreTrainedConfig) -> bool:
    """Whether a checkpoint was saved as a `PooledClassifier`, also by the name that it once had."""
    return config.architectures in (["PooledClassifier"], ["MeanPooledClassifier"])


def _backbone_class(config: PreTrainedConfig) -> Any:
    found = backbone_kind(config)._model_mapping[type(config)]
    return found[0] if isinstance(found, tuple) else found  # some families have variants


class PooledClassifier(PreTrainedModel):  # type: ignore[misc]  # untyped there
    """A bare backbone and one linear layer over one vector pooled from its last hidden states.

    Computes ``logits = W pool_t(h_t) + b`` over the tokens t that are no padding, so that
    ``classifier`` holds C d + C parameters for C options and width d. The configuration is the
    backbone's own, with the name of the pool beside it, so that a saved classifier pools as it was
    trained. The linear layer is called `classifier`, which is the name PEFT trains, saves and loads
    with an adapter.

    Shapes:
        input_ids, attention_mask  (batch, tokens)      logits  (batch, options)
    """

    base_model_prefix = "encoder"

    def __init__(self, config: PreTrainedConfig, encoder: PreTrainedModel | None = None) -> None:
        # What the backbone can do, before the library asks.
        self._supports_sdpa = _backbone_class(config)._supports_sdpa
        self._supports_attention_backend = _backbone_class(config)._supports_attention_backend
        super().__init__(config)
        self.pool = POOLS[pooling_of(config)]
        if encoder is None:
            encoder = backbone_kind(config).from_config(config, **backbone_options(config))
        self.encoder = encoder
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()  # initializes what no checkpoint filled: a loaded backbone stays as it is

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        past_key_values: Any = None,
        **options: Any,
    ) -> SequenceClassifierOutput:
        options.pop("labels", None)  # PEFT passes the argument along, as None
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
            attention_mask = torch.ones(hidden.shape[:2], dtype=torch.long, device=hidden.device)
        attention_mask = attention_mask[:, -hidden.shape[1] :]  # keys in front have no state
        return SequenceClassifierOutput(logits=self.classifier(self.pool(hidden, attention_mask)))
