"""Frozen matrices in four bits a number: the format NF4, by the package bitsandbytes."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear, pad
from torch.utils._python_dispatch import _disable_current_modes
from transformers.pytorch_utils import Conv1D

from tunewise.backbones.model import Model
from tunewise.backbones.modules import Linear
from tunewise.backbones.ties import output_layer
from tunewise.core.errors import InputError
from tunewise.core.extras import needed, require

PACKAGE, EXTRA = "bitsandbytes", "quantize"
BLOCK = 64  # numbers that share a scale
SCALES = 256  # scales that share one


class NF4Linear(nn.Module):
    """A frozen linear layer whose matrix W lies in four bits a number.

    Each block of W is divided by its largest number and rounded to one of 16 quantiles of a
    normal distribution. Of these largest numbers the mean is taken off, and what is left is
    rounded to eight bits. W is made again where a product needs it, in the format that products
    are computed in, and kept by none.

    Shapes:
        x  (..., in)      y  (..., out)      W  (out, in)

    Source: Dettmers et al. 2023, arXiv:2305.14314, section 3: NF4 with double quantization.
    """

    packed: Tensor
    scales: Tensor
    scales_of_scales: Tensor
    mean: Tensor
    code: Tensor

    def __init__(self, layer: Linear, code: Tensor) -> None:
        super().__init__()
        self.is_conv1d = isinstance(layer, Conv1D)
        W = layer.weight.detach().float()
        W = (W.T if self.is_conv1d else W).contiguous()
        self.out_features, self.in_features = int(W.shape[0]), int(W.shape[1])
        operations = torch.ops.bitsandbytes
        # In rows of one block: with other widths the library's kernel for CPUs mixes up scales.
        blocks = pad(W.flatten(), (0, -W.numel() % BLOCK)).view(-1, BLOCK)
        packed, largest = operations.quantize_4bit(blocks, BLOCK, "nf4", torch.uint8)
        mean = largest.mean()
        scales, scales_of_scales = operations.quantize_blockwise(largest - mean, code, SCALES)
        for name, tensor in (
            *(("packed", packed), ("scales", scales), ("mean", mean)),
            *(("scales_of_scales", scales_of_scales), ("code", code)),
        ):
            self.register_buffer(name, tensor, persistent=False)
        self.bias = layer.bias

    def matrix(self, kind: torch.dtype) -> Tensor:
        """W, made of what is kept of it."""
        operations = torch.ops.bitsandbytes
        largest = operations.dequantize_blockwise(
            self.scales, self.scales_of_scales, self.code, SCALES, torch.float32
        )
        largest += self.mean
        blocks: Tensor = operations.dequantize_4bit(
            self.packed, largest, BLOCK, "nf4", [len(largest), BLOCK], kind
        )
        W = blocks.flatten()[: self.out_features * self.in_features]
        return W.view(self.out_features, self.in_features)

    def forward(self, x: Tensor) -> Tensor:
        device = x.device.type
        if torch.is_autocast_enabled(device):
            x = x.to(torch.get_autocast_dtype(device))
        y: Tensor = _Product.apply(x, self)
        return y

    @torch.no_grad()
    def plain(self) -> Linear:
        """A layer of the kind that it was made of, in float32, with the numbers that it has."""
        W = self.matrix(torch.float32)
        layer: Linear
        if self.is_conv1d:
            layer, W = Conv1D(self.out_features, self.in_features), W.T
        else:
            has_bias = self.bias is not None
            layer = nn.Linear(self.in_features, self.out_features, bias=has_bias, device=W.device)
        layer.weight = nn.Parameter(W.contiguous(), requires_grad=False)
        layer.bias = self.bias
        return layer.train(self.training)


class _Product(torch.autograd.Function):
    """``y = x W' + b`` with the gradient of x alone; W is made for each of the two."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: NF4Linear) -> Tensor:
        ctx.layer = layer
        bias = None if layer.bias is None else layer.bias.to(x.dtype)
        return linear(x, layer.matrix(x.dtype), bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient @ ctx.layer.matrix(gradient.dtype), None


def quantizable(model: Model) -> dict[str, Linear]:
    """The frozen linear layers by their paths; an output layer, and what PEFT wraps, is none.

    Raises:
        InputError: there is none.
        MissingExtra: bitsandbytes is not installed.
    """
    require(PACKAGE, extra=EXTRA)
    layers = dict(model.module.named_modules())
    output = output_layer(model.module)
    tables = {id(layer.weight) for layer in layers.values() if isinstance(layer, nn.Embedding)}
    wrapped = {id(layer.base_layer) for layer in layers.values() if hasattr(layer, "base_layer")}
    found: dict[str, Linear] = {
        path: layer
        for path, layer in layers.items()
        if isinstance(layer, (nn.Linear, Conv1D))
        and not any(weight.requires_grad for weight in layer.parameters())
        and layer is not output
        and id(layer.weight) not in tables
        and id(layer) not in wrapped
    }
    if not found or wrapped:
        which = "one of PEFT's adapters reads its matrices itself" if wrapped else "it trains all"
        raise InputError(
            f"quantize: four bits are for matrices that stay as they are, and {which}. Take lora, "
            "which trains beside them, or leave quantize out."
        )
    return found


@cache
def code_of_scales() -> tuple[float, ...]:
    """The 256 numbers that a scale is rounded to: the library's dynamic map of eight bits."""
    functional = needed(f"{PACKAGE}.functional", extra=EXTRA)
    with _disable_current_modes():  # a prediction on fake tensors has no numbers
        return tuple(functional.create_dynamic_map().tolist())


def quantize_frozen(model: Model) -> None:
    """Put an `NF4Linear` in the place of every frozen linear layer.

    Raises:
        InputError, MissingExtra: as `quantizable`.
    """
    layers = quantizable(model)
    code = torch.tensor(code_of_scales(), device=model.device)
    for path, layer in layers.items():
        model.in_four_bits += layer.weight.numel()
        model.module.set_submodule(path, NF4Linear(layer, code).train(layer.training))


def dequantize(module: nn.Module) -> None:
    """Put plain layers in float32 with the same numbers in the place of those in four bits."""
    for path, layer in list(module.named_modules()):
        if isinstance(layer, NF4Linear):
            module.set_submodule(path, layer.plain())
