"""A language model's two ends, which often share one matrix: token embeddings and output layer."""

from __future__ import annotations

from typing import Any

from torch import nn


def output_layer(module: nn.Module) -> nn.Module | None:
    """What turns the last hidden state into a logit for each word; a classifier has none."""
    ask: Any = getattr(module, "get_output_embeddings", None)
    found: nn.Module | None = ask() if ask is not None else None
    return found


def untie_adapted(module: nn.Module) -> None:
    """Where one end is adapted by PEFT and the matrix shared, give the output layer one of its own.

    Otherwise a correction folded into one end would change the other too.
    """
    ends = _ends(module)
    if ends is None:
        return
    inside, outside = (getattr(end, "base_layer", end) for end in ends)
    if (inside is not ends[0] or outside is not ends[1]) and inside.weight is outside.weight:
        outside.weight = nn.Parameter(outside.weight.detach().clone())


def settle_tie(module: nn.Module) -> None:
    """Make the configuration say that the ends share no matrix, where they no longer do.

    Who loads the module would tie them again.
    """
    ends = _ends(module)
    if ends is not None and ends[0].weight is not ends[1].weight:
        config: Any = module.config
        config.tie_word_embeddings = False


def _ends(module: Any) -> tuple[Any, Any] | None:
    outside = output_layer(module)
    return None if outside is None else (module.get_input_embeddings(), outside)
