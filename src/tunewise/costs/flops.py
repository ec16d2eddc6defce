"""Floating-point operations of the matrix products that are really executed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.flop_counter import flop_registry

aten = torch.ops.aten


def flops_of(func: Any, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> int:
    """FLOPs of one operation by its shapes; 0 for what is no matrix product.

    torch's own register lacks the products in place and the attention kernel of the CPU.
    """
    packet = func._overloadpacket
    if packet in _OURS:
        return _OURS[packet](args)
    formula = flop_registry.get(packet)
    return 0 if formula is None else int(formula(*args, **kwargs, out_val=result))


def _product_added(args: Sequence[Any]) -> int:
    """``Y += A B``: 2 n k m."""
    _, A, B, *_ = args
    return 2 * A.shape[0] * A.shape[1] * B.shape[1]


def _products_added(args: Sequence[Any]) -> int:
    _, A, B, *_ = args
    return 2 * A.shape[0] * A.shape[1] * A.shape[2] * B.shape[2]


def _attention(args: Sequence[Any]) -> int:
    """Q K' and P V: 2 (d + e) multiply-adds for each pair of positions and head."""
    Q, K, V, *_ = args
    batch, heads, n, d = Q.shape
    return 2 * batch * heads * n * K.shape[2] * (d + V.shape[3])


def _attention_backward(args: Sequence[Any]) -> int:
    """Scores again, dV, dP, dQ and dK: five products where the forward pass has two."""
    _, Q, K, V, *_ = args
    batch, heads, n, d = Q.shape
    return 2 * batch * heads * n * K.shape[2] * (3 * d + 2 * V.shape[3])


_OURS = {
    aten.addmm_: _product_added,
    aten.baddbmm_: _products_added,
    aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
}
