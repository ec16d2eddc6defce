"""A prefix of trained embeddings."""

from __future__ import annotations

import argparse
from typing import Any

import torch
from torch import Tensor, nn

from tunewise.export.script.blocks.batches import derive_seed
from tunewise.export.script.blocks.constants import (
    BACKBONE,
    FIRST_POSITION,
    PREFIX_LENGTH,
    TRAINED,
)
from tunewise.export.script.blocks.decided import STARTS_AT_TOKENS


class Prefix(nn.Module):
    """Trained embeddings before the text of a frozen backbone (Lester et al. 2021).

    It acts on the backbone's arguments and takes itself off the result, so that the head sees
    the text's positions alone.

    Shapes:
        embeddings  (length, d)      hidden states  (batch, length + tokens, d)
    """

    def __init__(self, embeddings: Tensor) -> None:
        super().__init__()
        self.embeddings = nn.Parameter(embeddings)

    def before(self, backbone: Any, args: Any, inputs: dict[str, Any]) -> Any:
        cache = inputs.get("past_key_values")
        if cache is not None and cache.get_seq_length() > 0:
            return args, inputs  # an answer is continued: the prefix is in the cache
        tokens = args[0] if args else inputs.pop("input_ids", None)
        text = inputs.pop("inputs_embeds", None)
        if text is None:
            text = backbone.get_input_embeddings()(tokens)
        mask = inputs.pop("attention_mask", None)
        if mask is None:
            mask = text.new_ones(text.shape[:2], dtype=torch.long)
        mask = torch.cat([mask.new_ones(len(text), PREFIX_LENGTH), mask], dim=1)
        segments = inputs.get("token_type_ids")
        if segments is not None:
            zeros = segments.new_zeros(len(text), PREFIX_LENGTH)
            inputs["token_type_ids"] = torch.cat([zeros, segments], dim=1)
        return (), inputs | {
            "input_ids": None,
            "inputs_embeds": torch.cat([self.embeddings.expand(len(text), -1, -1), text], dim=1),
            "attention_mask": mask,
            # Some families count positions by tokens, of which a prefix has none.
            "position_ids": (mask.cumsum(1) - 1).clamp(min=0) + FIRST_POSITION,
        }

    def after(self, backbone: Any, args: Any, inputs: dict[str, Any], output: Any) -> Any:
        if inputs.get("inputs_embeds") is None:
            return output
        output.last_hidden_state = output.last_hidden_state[:, PREFIX_LENGTH:]
        if getattr(output, "pooler_output", None) is not None:
            output.pooler_output = backbone.pooler(output.last_hidden_state)
        return output


def adapt_model(model: nn.Module, tokenizer: Any, args: argparse.Namespace) -> nn.Module:
    """Freeze the model, and put a trained prefix before its backbone."""
    torch.manual_seed(derive_seed(args.seed, "method"))
    embeddings = model.get_input_embeddings().weight.detach()  # type: ignore[operator]
    if STARTS_AT_TOKENS:
        words = sorted(set(tokenizer.get_vocab().values()) - set(tokenizer.all_special_ids))
        chosen = torch.tensor(words)[torch.randint(len(words), (PREFIX_LENGTH,))]
        start = embeddings[chosen]
    else:
        start = embeddings.std() * torch.randn(PREFIX_LENGTH, embeddings.shape[1])
    backbone = model.get_submodule(BACKBONE)
    prefix = Prefix(start)
    backbone.add_module("prefix", prefix)
    backbone.register_forward_pre_hook(prefix.before, with_kwargs=True)
    backbone.register_forward_hook(prefix.after, with_kwargs=True)
    for name, weight in model.named_parameters():
        weight.requires_grad = name.startswith(tuple(TRAINED))
    return model
