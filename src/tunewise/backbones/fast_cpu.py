"""Dropout and attention that do not wait for torch's generator on the CPU.

torch draws a double for every element of a dropout mask, on one thread. Here sixteen random
bits decide an element, from the same default generator, so seeds and checkpointing work as ever.
"""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS = 1 << 16  # a probability is exact to 1 / LEVELS


def keep_mask(shape: torch.Size, p: float, device: torch.device) -> Tensor:
    """A mask of bytes that are 0 with probability `p`, to within 1/65536, and otherwise 1.

    Drawn from the default generator of the device. Bytes rather than booleans: torch multiplies
    by a byte three times as fast as by a boolean of the same width.
    """
    if device.type != "cpu":
        return (torch.rand(shape, device=device) >= p).view(torch.uint8)
    count = shape.numel()
    words = torch.empty((count + 3) // 4, dtype=torch.int64)
    # Without the bounds the sign bit is never drawn, and every fourth element is kept too often.
    words.random_(-(2**63), None)
    threshold = round(p * LEVELS) - LEVELS // 2
    return (words.view(torch.int16)[:count] >= threshold).view(torch.uint8).view(shape)


def dropped(x: Tensor, keep: Tensor, p: float) -> Tensor:
    """``x keep / (1 - p)``: dropout with a given mask, and its own gradient."""
    return (x * keep).mul_(1 / (1 - p))
