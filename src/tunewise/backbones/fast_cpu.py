"""Dropout and attention that do not wait for torch's generator on the CPU.

torch draws a double for every element of a dropout mask, on one thread, and its fused attention
is not used where there is dropout. Both are put into a model here.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from tunewise.backbones.fast_dropout import FastDropout, dropped, keep_mask

NAME = "tunewise_cpu"  # of the attention, in transformers' register
ELSEWHERE = ("position_bias", "softcap", "s_aux", "cache")  # what only the library's own can do


def speed_up(module: nn.Module) -> None:
    """Put the fast dropout and attention into a model that lies on the CPU.

    A model elsewhere, and attention that is not the library's standard one, stay as they are.
    The function computed is the same but for the dropout masks drawn.
    """
    if any(parameter.device.type != "cpu" for parameter in module.parameters()):
        return
    for path, layer in list(module.named_modules()):
        if type(layer) is nn.Dropout:
            module.set_submodule(path, FastDropout(layer.p).train(layer.training))
    models = [layer for layer in module.modules() if isinstance(layer, PreTrainedModel)]
    if models and all(model.config._attn_implementation in ("sdpa", NAME) for model in models):
        models[0].set_attn_implementation(NAME)


def fast_attention(
    module: nn.Module,
    query: Tensor,  # (batch, heads, n, d)
    key: Tensor,  # (batch, key heads, m, d)
    value: Tensor,
    attention_mask: Tensor | None,  # (batch, 1, n, m), added to the scores
    *,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers asks for it: (batch, n, heads, d), and no weights.

    Without dropout torch's fused kernel is the fastest there is; with it, `_Attention` is.
    """
    special = any(options.get(name) is not None for name in ELSEWHERE)
    if dropout == 0 or special or query.device.type != "cpu":
        output, _ = sdpa_attention_forward(
            module,
            query,
            key,
            value,
            attention_mask,
            dropout=dropout,
            scaling=scaling,
            is_causal=is_causal,
            **options,
        )
        return output, None
    groups = query.shape[1] // key.shape[1]
    key, value = repeat_kv(key, groups), repeat_kv(value, groups)
    if is_causal is None:
        is_causal = getattr(module, "is_causal", True)
    if attention_mask is None and is_causal and query.shape[2] > 1:
        attention_mask = _causal_mask(query, key.shape[2])
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    context: Tensor = _Attention.apply(query, key, value, attention_mask, scale, dropout)
    return context.transpose(1, 2).contiguous(), None


def additive_mask(*args: Any, dtype: torch.dtype = torch.float32, **options: Any) -> Tensor | None:
    """The library's mask as a number to add: 0 to attend, the smallest number not to.

    Registered beside the attention: without a mask function of the same name transformers
    hands over None, and padding would be attended.
    """
    allowed = sdpa_mask(*args, **options)
    return None if allowed is None else _as_number(allowed, dtype)


def _causal_mask(query: Tensor, m: int) -> Tensor:
    n = query.shape[2]
    return _as_number(torch.ones(n, m, dtype=torch.bool).tril(), query.dtype)


def _as_number(allowed: Tensor, dtype: torch.dtype) -> Tensor:
    zero = torch.zeros((), dtype=dtype, device=allowed.device)
    return torch.where(allowed, zero, torch.finfo(dtype).min)


class _Attention(torch.autograd.Function):
    """``softmax(scale Q K' + mask)``, dropout, times V.

    Kept for the backward pass are Q, K, V, the softmax P and the bytes of the dropout mask;
    the dropped P is made again rather than kept.
    """

    @staticmethod
    def forward(  # noqa: PLR0917  # autograd passes by position
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        scale: float,
        p: float,
    ) -> Tensor:
        batch, heads, n, _ = query.shape
        Q, K, V = (x.reshape(batch * heads, *x.shape[2:]) for x in (query, key, value))
        scores = _scaled_product(Q, K.mT, scale)
        if mask is not None:
            scores.view(batch, heads, n, -1).add_(mask)
        P = torch.softmax(scores, dim=-1)
        keep = keep_mask(P.shape, p, P.device)
        ctx.save_for_backward(Q, K, V, P, keep)
        ctx.scale, ctx.p, ctx.heads = scale, p, (batch, heads)
        return torch.bmm(dropped(P, keep, p), V).view(batch, heads, n, -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        Q, K, V, P, keep = ctx.saved_tensors
        dO = gradient.reshape(Q.shape[0], *gradient.shape[2:])
        dV = torch.bmm(dropped(P, keep, ctx.p).mT, dO)
        dP = dropped(torch.bmm(dO, V.mT), keep, ctx.p)
        dS = torch._softmax_backward_data(dP, P, -1, P.dtype)
        dQ = _scaled_product(dS, K, ctx.scale)
        dK = _scaled_product(dS.mT, Q, ctx.scale)
        dQ, dK, dV = (x.view(*ctx.heads, *x.shape[1:]) for x in (dQ, dK, dV))
        return dQ, dK, dV, None, None, None


def _scaled_product(left: Tensor, right: Tensor, scale: float) -> Tensor:
    """``scale left right`` in one pass: with beta = 0 the first argument is never read."""
    return torch.baddbmm(left.new_empty(1, 1, 1), left, right, beta=0, alpha=scale)


AttentionInterface.register(NAME, fast_attention)
AttentionMaskInterface.register(NAME, additive_mask)
