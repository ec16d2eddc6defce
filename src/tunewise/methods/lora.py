"""Low-rank adaptation: small corrections beside chosen linear layers."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from tunewise.backbones.model import Model
from tunewise.backbones.parts import shape_of, targets
from tunewise.core.errors import InputError
from tunewise.methods.base import METHODS, Adaptation
from tunewise.methods.lora_files import load_adapter, save_adapter
from tunewise.methods.lora_layer import LoRALinear
from tunewise.methods.trained import train_only


@METHODS.register("lora")
@dataclass(frozen=True)
class LoRA(Adaptation):
    """Low-rank corrections and the head are trained. `LoRALinear` has the mathematics."""

    rank: int = 8
    alpha: float = 16.0  # the correction counts alpha / rank times
    dropout: float = 0.0  # on what the correction reads
    targets: tuple[str, ...] = ("query", "value")

    # B starts at zero and the frozen trunk cannot be forgotten, so LoRA bears, and needs,
    # about ten times full fine-tuning's rate.
    learning_rate = 3e-4

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ValueError(f"rank = {self.rank}: a whole number from 1 up.")
        if self.alpha <= 0:
            raise ValueError(f"alpha = {self.alpha}: above 0, or the correction never counts.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout = {self.dropout}: from 0 up to, not including, 1.")
        if not self.targets:
            raise ValueError("targets = []: name at least one kind of linear layer.")

    def prepare(self, model: Model) -> None:
        chosen = targets(model, self.targets)
        for path, layer in chosen:
            if self.rank > min(shape_of(layer)):
                raise InputError(
                    f"rank = {self.rank}: {path} maps {shape_of(layer)[0]} to "
                    f"{shape_of(layer)[1]} numbers; its rank cannot exceed {min(shape_of(layer))}."
                )
        train_only(model, model.head)
        for path, layer in chosen:
            wrapped = LoRALinear(
                layer, rank=self.rank, scale=self.alpha / self.rank, dropout=self.dropout
            )
            model.module.set_submodule(path, wrapped.train(layer.training))

    def save(self, model: Model, folder: Path) -> None:
        """Write an adapter as PEFT does, the head included."""
        save_adapter(model, folder, rank=self.rank, alpha=self.alpha, dropout=self.dropout)

    def load(self, model: Model, folder: Path) -> None:
        """Read an adapter that we or PEFT wrote."""
        load_adapter(model, folder, rank=self.rank, alpha=self.alpha)

    def merged(self, model: Model) -> nn.Module:
        """A copy with every correction folded into its layer."""
        plain = copy.deepcopy(model.module)
        for path, layer in list(plain.named_modules()):
            if isinstance(layer, LoRALinear):
                plain.set_submodule(path, layer.merged())
        return plain
