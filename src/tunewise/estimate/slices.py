"""What a device holds of a contender that is kept in slices: counted whole, then divided."""

from __future__ import annotations

from typing import Any

from tunewise.backbones.model import Model
from tunewise.backbones.modules import blocks
from tunewise.core.canonical import JSONObject

SLICED = ("weights", "trainable", "gradients", "optimizer")
AT_ONCE = 2  # blocks: the next one's weights come while one computes


def gathered_bytes(model: Model) -> int:
    """The most weights that lie on a device whole: those outside of blocks, and two blocks.

    What is trained of them has its gradient there as well, until it is summed.
    """
    named = dict(model.module.named_parameters())
    starts = [f"{path}." for path in blocks(model)]
    of_each = [
        sum(_bytes(weight) for name, weight in named.items() if name.startswith(start))
        for start in starts
    ]
    outside = sum(
        _bytes(weight) for name, weight in named.items() if not name.startswith(tuple(starts))
    )
    return outside + sum(sorted(of_each)[-AT_ONCE:])


def _bytes(weight: Any) -> int:
    size = weight.numel() * weight.element_size()
    return int(2 * size if weight.requires_grad else size)


def in_slices(memory: JSONObject, devices: int, gathered: int) -> JSONObject:
    """The memory of one of several devices, from what one would hold that does its share of a step.

    Args:
        memory: `Memory.as_json`.
        devices: how many there are.
        gathered: `gathered_bytes`.
    """
    peaks = {
        phase: {
            kind: -(-size // devices) if kind in SLICED else size for kind, size in kinds.items()
        }
        for phase, kinds in memory["peaks_bytes"].items()
    }
    for kinds in peaks.values():
        kinds["temporary"] = kinds.get("temporary", 0) + gathered
    sums = {phase: sum(kinds.values()) for phase, kinds in peaks.items()}
    standing = {f"{kind}_bytes": -(-memory[f"{kind}_bytes"] // devices) for kind in SLICED}
    return {
        **memory,
        **standing,
        "peaks_bytes": peaks,
        "peak_bytes": sums,
        "peak_phase": max(sums, key=lambda phase: sums[phase]),
    }
