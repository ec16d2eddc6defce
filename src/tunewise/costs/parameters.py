"""How many parameters there are, by what they belong to, and what adapters save."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from tunewise.store.records import ParameterCounts

GROUPS = ("embeddings", "attention", "mlp", "norms", "head", "adapter")


def parameter_counts(
    module: nn.Module, head: Sequence[str], *, in_four_bits: int = 0
) -> ParameterCounts:
    """How many parameters there are, each counted once: all, the trainable ones, the head's.

    `in_four_bits` are those that are quantized, which torch holds as bytes and not as parameters.
    """
    named = dict(module.named_parameters())  # shared parameters appear once
    return ParameterCounts(
        total=in_four_bits + sum(weight.numel() for weight in named.values()),
        trainable=sum(weight.numel() for weight in named.values() if weight.requires_grad),
        head=sum(named[name].numel() for name in head if name in named),
    )


def parameters_by_group(
    module: nn.Module, *, head: set[str], attention: set[str], base: set[str]
) -> dict[str, dict[str, int]]:
    """Total and trainable parameters of each group; a shared parameter counts once.

    `head` are the names of the head's parameters, `attention` the paths of the attention's linear
    layers, `base` the names from before a method was applied: all others are the adapter's.
    """
    found = {group: {"total": 0, "trainable": 0} for group in GROUPS}
    norms = {
        path for path, layer in module.named_modules() if "norm" in type(layer).__name__.lower()
    }
    tables = {path for path, layer in module.named_modules() if isinstance(layer, nn.Embedding)}
    for name, weight in module.named_parameters():
        plain = name.replace(".base.", ".").replace(".base_layer.", ".")
        path = name.rpartition(".")[0]
        if name in head or plain in head:
            group = "head"
        elif plain not in base:
            group = "adapter"
        elif path in tables:
            group = "embeddings"
        elif path in norms:
            group = "norms"
        elif plain.rpartition(".")[0] in attention:
            group = "attention"
        else:
            group = "mlp" if weight.ndim > 1 or "." in path else "embeddings"
        found[group]["total"] += weight.numel()
        found[group]["trainable"] += weight.numel() if weight.requires_grad else 0
    return {group: counts for group, counts in found.items() if counts["total"]}


def reduction_factor(d: int, k: int, rank: int) -> float:
    """What LoRA trains of a matrix of d rows and k columns: (d r + r k) / (d k).

    >>> f"{reduction_factor(1024, 1024, 8):.2%}"
    '1.56%'
    """
    return (d * rank + rank * k) / (d * k)


def artifact_bytes(parameters: Mapping[str, int]) -> int:
    """What is stored of a trained model: its trainable parameters, in float32.

    The whole model where all of it is trained. Configuration and tokenizer come on top, well
    under a few megabytes.
    """
    return 4 * parameters["trainable"]
