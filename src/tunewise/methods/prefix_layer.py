"""A prefix of trained embeddings, put before a backbone's input and taken off its output."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tunewise.backbones.model import Model
from tunewise.backbones.modules import first_position


class Prefix(nn.Module):
    """The prefix of one backbone.

    It acts on the backbone's arguments and on its result, so the head around the backbone, the
    tokens it sees and every name in the model stay as they were. The head reads the text's
    positions alone: the first token is still the text's first, and the average is the text's.

    Shapes:
        embeddings  (length, d)      hidden states  (batch, length + tokens, d)
    """

    def __init__(self, embeddings: Tensor) -> None:
        super().__init__()
        self.embeddings = nn.Parameter(embeddings)

    def before(
        self, backbone: Any, args: tuple[Any, ...], inputs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The backbone's arguments with the prefix in front of the embedded text.

        A text that is gone on with has the prefix in its cache, and in its mask and positions.
        """
        cache = inputs.get("past_key_values")
        if cache is not None and cache.get_seq_length() > 0:
            return args, inputs
        tokens = args[0] if args else inputs.pop("input_ids", None)
        text = inputs.pop("inputs_embeds", None)
        if text is None:
            text = backbone.get_input_embeddings()(tokens)
        batch, length = len(text), len(self.embeddings)
        mask = inputs.pop("attention_mask", None)
        if mask is None:
            mask = torch.ones(text.shape[:2], dtype=torch.long, device=text.device)
        mask = torch.cat([mask.new_ones(batch, length), mask], dim=1)
        inputs |= {
            "input_ids": None,
            "inputs_embeds": torch.cat([self.embeddings.expand(batch, -1, -1), text], dim=1),
            "attention_mask": mask,
            # Explicit, because RoBERTa counts positions by its padding tokens, and without
            # tokens it counts padding as text.
            "position_ids": (mask.long().cumsum(1) - 1).clamp(min=0) + first_position(backbone),
        }
        segments = inputs.get("token_type_ids")
        if segments is not None:
            inputs["token_type_ids"] = torch.cat([segments.new_zeros(batch, length), segments], 1)
        return (), inputs

    def after(self, backbone: Any, args: Any, inputs: Any, output: Any) -> Any:
        """The backbone's result for the text alone: without what `before` put in front."""
        if inputs.get("inputs_embeds") is None:
            return output
        output.last_hidden_state = output.last_hidden_state[:, len(self.embeddings) :]
        if getattr(output, "pooler_output", None) is not None:
            output.pooler_output = backbone.pooler(output.last_hidden_state)
        return output


def attach(backbone: nn.Module, prefix: Prefix) -> None:
    """Let the prefix act on every call of the backbone, as its submodule `prefix`."""
    backbone.add_module("prefix", prefix)
    backbone.register_forward_pre_hook(prefix.before, with_kwargs=True)
    backbone.register_forward_hook(prefix.after, with_kwargs=True)


def token_rows(model: Model, length: int) -> Tensor:
    """The embeddings of random words of the vocabulary, special tokens left out."""
    words = sorted(set(model.processor.get_vocab().values()) - set(model.processor.all_special_ids))
    chosen = torch.tensor(words)[torch.randint(len(words), (length,))]
    table = _embedding(model)
    return table[chosen.to(table.device)]


def noise_rows(model: Model, length: int) -> Tensor:
    """Gaussian noise, scattered as widely as the embeddings of the vocabulary."""
    table = _embedding(model)
    return table.std() * torch.randn(length, table.shape[1], device=table.device)


def _embedding(model: Model) -> Tensor:
    module: Any = model.module
    table: Tensor = module.get_input_embeddings().weight.detach()
    return table
