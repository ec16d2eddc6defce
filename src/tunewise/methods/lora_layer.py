"""A frozen linear layer with a trainable low-rank correction beside it."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear, pad
from transformers.pytorch_utils import Conv1D

from tunewise.backbones.fast_dropout import dropped, keep_mask
from tunewise.backbones.modules import Linear, shape_of
from tunewise.backbones.nf4 import NF4Linear

Scaling = Literal["rank", "root"]


class LoRALinear(nn.Module):
    """A frozen linear layer plus a trainable low-rank correction.

    Computes ``y = W x + b + scale B A dropout(x)`` with ``scale = alpha / rank``, or
    ``alpha / sqrt(rank)`` where `scaling` is `root`, which keeps the size of the correction
    when the rank grows.

    Shapes:
        x  (..., in)      y  (..., out)
        W  (out, in)      frozen, lives in `base` (`Conv1D` stores it transposed)
        A  (rank, in)     trained, starts Kaiming-uniform
        B  (out, rank)    trained, starts at zero, so that step 0 is exactly the base layer

    Source: Hu et al. 2021, arXiv:2106.09685, section 4.1. The paper draws A from a Gaussian;
    Kaiming-uniform with a = sqrt(5) follows the authors' own code, and PEFT. The root is
    Kalajdzievski 2023, arXiv:2312.03732.
    """

    def __init__(
        self,
        base: Linear,
        *,
        rank: int,
        alpha: float,
        scaling: Scaling = "rank",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.base: Linear | NF4Linear = base.requires_grad_(False)
        self.is_transposed = isinstance(base, Conv1D)
        self.rank, self.alpha, self.scaling = rank, alpha, scaling
        self.scale = scale_of(rank, alpha, scaling)
        self.dropout = dropout
        inputs, outputs = shape_of(base)
        # In float32 whatever the base has: steps this small vanish in sixteen bits.
        kind = torch.promote_types(base.weight.dtype, torch.float32)
        self.A = nn.Parameter(base.weight.new_empty(rank, inputs, dtype=kind))
        self.B = nn.Parameter(base.weight.new_zeros(outputs, rank, dtype=kind))
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        keep = None
        if self.training and self.dropout > 0:
            keep = keep_mask(x.shape, self.dropout, x.device)
        if isinstance(self.base, NF4Linear):
            return self.composed(x, keep)
        given: tuple[Any, ...] = (x, self.base.weight, self.base.bias, self.A, self.B)
        if torch.is_autocast_enabled(x.device.type):
            kind = torch.get_autocast_dtype(x.device.type)
            given = tuple(one if one is None else one.to(kind) for one in given)
        x, W, bias, A, B = given
        if not x.dtype == W.dtype == A.dtype:
            return self.composed(x, keep)
        W = W.T if self.is_transposed else W
        y: Tensor = _LowRank.apply(x, W, bias, A, B, self.scale, keep, self.dropout)
        return y

    def composed(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """The formula in torch's own operations: for mixed types, and to check the fast one."""
        device = x.device.type
        is_cast = torch.is_autocast_enabled(device)
        x = x.to(torch.get_autocast_dtype(device) if is_cast else x.dtype)
        y: Tensor = self.base(x)
        x = x if is_cast else x.to(self.A.dtype)
        if keep is not None:
            x = dropped(x, keep, self.dropout)
        return y + (self.scale * linear(linear(x, self.A), self.B)).to(y.dtype)

    @torch.no_grad()
    def merged(self) -> Linear:
        """A plain layer with the correction folded in; this one stays as it is."""
        base = self.base
        plain = base.plain() if isinstance(base, NF4Linear) else copy.deepcopy(base)
        correction = self.scale * self.B @ self.A
        whole = plain.weight + (correction.T if self.is_transposed else correction)
        plain.weight.copy_(whole)  # rounded once, where the layer has fewer bits
        return plain


def scale_of(rank: int, alpha: float, scaling: Scaling) -> float:
    """What the correction is multiplied by."""
    return alpha / (rank if scaling == "rank" else math.sqrt(rank))


class Corrections:
    """The corrections of several layers over one frozen layer, each for its own block of rows.

    Computes what each layer computes of its block, without dropout. Ranks below the largest are
    filled up with zeros, which add nothing and learn nothing.
    """

    def __init__(self, layers: Sequence[LoRALinear]) -> None:
        """`layers` have the same frozen weights, all in one format."""
        self.layers = layers
        self.base, self.rank = layers[0].base, max(layer.rank for layer in layers)
        scales = [layer.scale for layer in layers]
        self.scale = layers[0].A.new_tensor(scales).view(-1, 1, 1)

    def __call__(self, rows: int, x: Tensor) -> Tensor:
        """The outputs, (layers * rows, ..., out), of x, (layers * rows, ..., in).

        Raises:
            ValueError: x has other rows. Some families put more through a layer than their batch,
                such as a table of relative positions, which belongs to no one's block.
        """
        if x.shape[0] != rows * len(self.layers):
            message = f"a layer reads {x.shape[0]} rows, where {len(self.layers)} trials brought"
            raise ValueError(f"{message} {rows} each; models of this family are trained alone")
        A = torch.stack([self._filled(layer.A) for layer in self.layers])  # (layers, rank, in)
        B = torch.stack([self._filled(layer.B.T) for layer in self.layers])  # (layers, rank, out)
        y: Tensor = self.base(x)
        blocks = x.reshape(len(self.layers), -1, x.shape[-1])
        low = torch.bmm(blocks, A.mT) * self.scale  # (layers, n, rank)
        return torch.baddbmm(y.view(*blocks.shape[:2], -1), low, B).view(y.shape)

    def _filled(self, rows: Tensor) -> Tensor:
        lacking = self.rank - rows.shape[0]
        return pad(rows, (0, 0, 0, lacking)) if lacking else rows


class _LowRank(torch.autograd.Function):
    """``y = x W' + b + scale (x keep / (1-p)) A' B'`` with the gradients of x, A and B.

    Composed from torch's operations, the layer keeps x twice and writes y twice. Here x is
    kept once, the low-rank product is added while it is computed, and the gradient of the
    frozen W is never formed.
    """

    @staticmethod
    def forward(  # noqa: PLR0917  # autograd passes by position
        ctx: Any,
        x: Tensor,  # (..., in)
        W: Tensor,  # (out, in)
        bias: Tensor | None,  # (out,)
        A: Tensor,  # (rank, in)
        B: Tensor,  # (out, rank)
        scale: float,
        keep: Tensor | None,  # like x; zero where the low-rank way drops an element
        p: float,  # the probability that a byte of `keep` is zero
    ) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])  # (n, in)
        low = _input(rows, keep, p) @ A.T  # (n, rank)
        y = torch.mm(rows, W.T) if bias is None else torch.addmm(bias, rows, W.T)
        y.addmm_(low, B.T, alpha=scale)
        ctx.save_for_backward(rows, W, A, B, low, keep)
        ctx.scale, ctx.p, ctx.shape = scale, p, x.shape
        return y.view(*x.shape[:-1], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, W, A, B, low, keep = ctx.saved_tensors
        dY = gradient.reshape(-1, gradient.shape[-1])  # (n, out)
        dlow = dY @ (ctx.scale * B)  # (n, rank)
        dA = dlow.T @ _input(rows, keep, ctx.p)
        dB = torch.mm(dY.T, low).mul_(ctx.scale)
        dX = None
        if ctx.needs_input_grad[0]:
            dX = dY @ W
            if keep is None:
                dX.addmm_(dlow, A)
            else:
                dX += _input(dlow @ A, keep, ctx.p)
            dX = dX.view(ctx.shape)
        return dX, None, None, dA, dB, None, None, None


def _input(rows: Tensor, keep: Tensor | None, p: float) -> Tensor:
    """What the low-rank way reads: the rows, after dropout where there is any."""
    return rows if keep is None else dropped(rows, keep.view_as(rows), p)
