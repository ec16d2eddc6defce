"""Which weights are trained, move and are saved, against what is meant to be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from torch import nn

from tunewise.core.format import first_of
from tunewise.store.records import ParameterCounts
from tunewise.store.trial_records import Check
from tunewise.training.checks.findings import Findings
from tunewise.training.ranks.group import ALONE, Ranks
from tunewise.training.ranks.sharding import here

SETTLED = 3  # steps: LoRA's A has no gradient in the first, because its B is zero


class Watch:
    """Remembers the weights a training starts from, to say later which of them moved."""

    def __init__(self, module: nn.Module, ranks: Ranks = ALONE) -> None:
        self.module, self.ranks = module, ranks
        self.start = _sums(module, ranks)
        self.trained = {name for name, w in module.named_parameters() if w.requires_grad}

    def look(self, findings: Findings) -> None:
        """Note what has moved by now that should not have, and what has not that should have.

        A tensor that is slow to move, under a long warm-up, is forgiven once it has moved.
        """
        now = _sums(self.module, self.ranks)
        still = [name for name in now if now[name] == self.start.get(name)]
        unmoved = [name for name in still if name in self.trained]
        if findings.unmoved is not None:
            unmoved = [name for name in unmoved if name in findings.unmoved]
        moved = [name for name in now if name not in still and name not in self.trained]
        findings.unmoved = unmoved
        findings.moved = sorted({*moved, *(findings.moved or [])})


def as_promised(module: nn.Module, head: Sequence[str], promised: ParameterCounts | None) -> Check:
    """Whether as many parameters are trained as the plan says, the head's among them."""
    named = dict(module.named_parameters())
    trained = sum(weight.numel() for weight in named.values() if weight.requires_grad)
    frozen_head = [name for name in head if name in named and not named[name].requires_grad]
    if frozen_head:
        return Check("promised", False, f"the head is not trained: {first_of(frozen_head)}.")
    if promised is None:
        return Check("promised", None, f"{trained:,} numbers are trained; no plan says how many.")
    if trained != promised.trainable:
        detail = f"{trained:,} numbers are trained where the plan has {promised.trainable:,}."
        return Check("promised", False, detail)
    return Check("promised", True, f"{trained:,} numbers are trained, as planned.")


def all_saved(folder: Path, trainable: int) -> Check:
    """Whether the artifact holds as many parameters as trained: a lost head would be missing."""
    saved = 0
    for path in folder.rglob("*.safetensors"):
        with safe_open(path, "pt") as file:
            saved += sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118  # no mapping
    if saved < trainable:
        return Check("saved", False, f"{saved:,} numbers are saved of {trainable:,} trained.")
    return Check("saved", True, "every trained number is in the artefact.")


BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
WRAPPED = 1 << 46  # so that those of all ranks add up without being rounded
PIECE = 1 << 20  # numbers summed at once: torch copies what it sums in another type


@torch.no_grad()
def _sums(module: nn.Module, ranks: Ranks) -> dict[str, float]:
    """The sum of each parameter's bits, read as whole numbers: any one change changes it."""
    sums: dict[str, float] = {}
    for name, weight in module.named_parameters():
        bits = here(weight.detach()).view(BITS[weight.element_size()]).reshape(-1)
        total = sum(int(piece.sum(dtype=torch.int64)) for piece in bits.split(PIECE))
        sums[name] = total % WRAPPED
    return dict(zip(sums, ranks.sum(*sums.values()), strict=True)) if ranks.shards else sums
