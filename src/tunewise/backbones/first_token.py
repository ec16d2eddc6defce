"""The last block of an encoder for its first token alone, where the head reads no other.

Keys and values are still those of every token; query, output, feed-forward and norms are of one.
The loss and every gradient are those of the whole block: what is left out enters neither. With
dropout other numbers are drawn, as there are fewer to draw.
"""

from __future__ import annotations

import sys
from types import MethodType
from typing import Any

from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from tunewise.backbones.memory_saving import is_autocast
from tunewise.backbones.pooling import PooledClassifier
from tunewise.backbones.pools import POOLS

FAMILIES = {
    "bert": "Bert",
    "camembert": "Camembert",
    "electra": "Electra",
    "roberta": "Roberta",
    "xlm_roberta": "XLMRoberta",
}
"""Those whose blocks are the same code under other names, and whose heads in the library read the
first token's state and no other; a test holds each against its own whole block. They are known by
their names, as loading all five takes a tenth of a second."""
BLOCKS, HEADS = (
    {
        f"transformers.models.{module}.modeling_{module}.{name}{kind}"
        for module, name in FAMILIES.items()
    }
    for kind in ("Layer", "ForSequenceClassification")
)
FIRST = (POOLS["cls"], POOLS["normalized_cls"])


def only_first_token(module: nn.Module) -> None:
    """Have the last block computed for the first token, where a head reads that one alone.

    Everything else stays as it is, and so do the names of all parameters. It is called when a
    method has been applied: one that hooks the backbone may put rows in front of the first token.
    """
    for reader in module.modules():  # inside of what PEFT puts around it
        pools_the_first = isinstance(reader, PooledClassifier) and reader.pool in FIRST
        if pools_the_first or _name(reader) in HEADS:
            paths = [path for path, one in reader.named_modules() if _name(one) in BLOCKS]
            if not paths or _is_hooked(reader, paths[-1]):
                return
            block: Any = reader.get_submodule(paths[-1])
            if not block.is_decoder:
                block.forward = MethodType(_first_token, block)
            return


def _is_hooked(module: nn.Module, path: str) -> bool:
    """Whether a hook may change what goes into the modules around a path, or comes out of them."""
    inside = (one for name, one in module.named_modules() if f"{path}.".startswith(f"{name}."))
    around = (module, *inside)
    hooks = (
        hook
        for one in around
        for hook in (*one._forward_hooks.values(), *one._forward_pre_hooks.values())
    )
    return not all(map(is_autocast, hooks))


def _name(module: nn.Module) -> str:
    return f"{type(module).__module__}.{type(module).__qualname__}"


def _first_token(  # noqa: PLR0917  # called as the block is
    block: Any,
    hidden: Tensor,
    attention_mask: Tensor | None = None,
    encoder_hidden_states: Tensor | None = None,
    encoder_attention_mask: Tensor | None = None,
    past_key_values: Any = None,
    **options: Any,
) -> Tensor:
    """The block's output for the first token, (batch, 1, d), from `hidden`, (batch, tokens, d).

    With keys and values put in front, or a mask that is not one number a query and key, it is the
    whole block's, (batch, tokens, d).
    """
    if past_key_values is not None or (attention_mask is not None and attention_mask.dim() != 4):
        whole: Tensor = type(block).forward(
            block, hidden, attention_mask, past_key_values=past_key_values, **options
        )
        return whole
    inner = block.attention.self
    # In one piece: of a view the library multiplies otherwise while memory is counted.
    first = hidden[:, :1].contiguous()
    query, key, value = (
        part(states).unflatten(-1, (-1, inner.attention_head_size)).transpose(1, 2)
        for part, states in ((inner.query, first), (inner.key, hidden), (inner.value, hidden))
    )
    family = sys.modules[type(block.attention).__module__]  # not the block's: its class may wrap it
    attend = ALL_ATTENTION_FUNCTIONS.get_interface(
        inner.config._attn_implementation, family.eager_attention_forward
    )
    context, _ = attend(
        inner,
        query,
        key,
        value,
        None if attention_mask is None else attention_mask[:, :, :1],
        dropout=inner.dropout.p if inner.training else 0.0,
        scaling=inner.scaling,
        **options,
    )
    attended = block.attention.output(context.flatten(2), first)
    output: Tensor = block.feed_forward_chunk(attended)
    return output
