"""Low-rank adaptation: small corrections beside chosen linear layers."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from torch import nn

from tunewise.backbones.model import Model
from tunewise.backbones.modules import ALL_LINEAR, blocks, shape_of, targets
from tunewise.backbones.nf4 import dequantize
from tunewise.backbones.ties import settle_tie
from tunewise.core.errors import InputError, SettingError
from tunewise.core.settings import refuse_below, setting
from tunewise.methods.base import METHODS, Adaptation
from tunewise.methods.lora_files import load_adapter, save_adapter
from tunewise.methods.lora_layer import LoRALinear, Scaling
from tunewise.methods.trained import train_only, trained_names

Number = TypeVar("Number", int, float)


@METHODS.register("lora")
@dataclass(frozen=True)
class LoRA(Adaptation):
    """Low-rank corrections and the head are trained. `LoRALinear` has the mathematics."""

    description = (
        "LoRA {hu-2021} freezes the weights W and trains a low-rank correction as a separate "
        "branch of chosen layers. B starts at zero, so training starts from the pretrained model, "
        "and the product can be merged into W afterwards:\n\n"
        "{equation low-rank}\n\n"
        "For a layer of shape d × k that is r(d + k) trainable parameters instead of dk, and the "
        "optimizer keeps its state for these alone. With g, the gradient of the loss with respect "
        "to y, they learn by\n\n"
        "{equation low-rank-gradient}"
    )
    references = MappingProxyType(
        {
            "hu-2021": "E. J. Hu, Y. Shen, P. Wallis, Z. Allen-Zhu, Y. Li, S. Wang, L. Wang, and "
            "W. Chen, “LoRA: Low-rank adaptation of large language models,” arXiv:2106.09685, 2021."
        }
    )

    rank: int = setting(8, "Rank of the corrections.")
    alpha: float = setting(16.0, "The correction is scaled by alpha / rank.")
    dropout: float = setting(0.0, "Dropout on the input of the corrections.")
    targets: tuple[str, ...] = setting(
        (ALL_LINEAR,),
        "Target modules, by name or by role, such as query, value or all-linear.",
    )
    scaling: Scaling = setting(
        "rank", "`rank` scales by alpha / rank, `root` by alpha / sqrt(rank), as in rsLoRA."
    )
    ratio: float = setting(
        1.0, "Learning rate of B over that of A; LoRA+ has 16 (arXiv:2402.12354)."
    )
    layers: tuple[int, int] | None = setting(
        None, "First and last block with corrections, from 0. If unset, all."
    )
    ranks: Mapping[str, int] | None = setting(
        None, "Other ranks by target; the last one that matches counts."
    )
    alphas: Mapping[str, float] | None = setting(
        None, "Other alphas by target; the last one that matches counts."
    )

    # B starts at zero and the frozen backbone cannot be forgotten, so LoRA bears, and needs,
    # about ten times full fine-tuning's rate.
    learning_rate = 3e-4
    starts_at_base = True

    def __post_init__(self) -> None:
        refuse_below(1, self, "rank")
        for target, rank in (self.ranks or {}).items():
            if rank < 1:
                raise SettingError("ranks", rank, "a whole number from 1 up.", within=(target,))
        right = "above 0, or the correction never counts."
        if self.alpha <= 0:
            raise SettingError("alpha", self.alpha, right)
        for target, alpha in (self.alphas or {}).items():
            if alpha <= 0:
                raise SettingError("alphas", alpha, right, within=(target,))
        if not 0 <= self.dropout < 1:
            raise SettingError("dropout", self.dropout, "from 0 up to, not including, 1.")
        if not self.targets:
            raise SettingError("targets", self.targets, "name at least one kind of linear layer.")
        if self.scaling not in ("rank", "root"):
            raise SettingError("scaling", self.scaling, "rank or root.")
        if self.ratio <= 0:
            raise SettingError("ratio", self.ratio, "a number above 0.")
        if self.layers is not None and not 0 <= self.layers[0] <= self.layers[1]:
            raise SettingError("layers", self.layers, "first and last block, from 0.")

    def unread(self) -> dict[str, str]:
        by_target = {"rank": self.ranks, "alpha": self.alphas}
        return {
            name: f"{name}s has one for every target"
            for name, values in by_target.items()
            if values and set(self.targets) <= set(values)
        }

    @property
    def version(self) -> int:  # type: ignore[override]  # it depends on the settings
        """2 since `all-linear` leaves a language model's output layer out."""
        return 2 if ALL_LINEAR in self.targets else 1

    def prepare(self, model: Model) -> None:
        chosen = dict(targets(model, self.targets))
        if self.layers is not None:
            first, last = self.layers
            paths = blocks(model)
            if last >= len(paths):
                raise InputError(
                    f"layers = [{first}, {last}]: this model has blocks 0 to {len(paths) - 1}."
                )
            starts = tuple(f"{path}." for path in paths[first : last + 1])
            chosen = {path: layer for path, layer in chosen.items() if path.startswith(starts)}
        ranks = _by_path(model, self.ranks, "ranks")
        alphas = _by_path(model, self.alphas, "alphas")
        for path, layer in chosen.items():
            rank, most = ranks.get(path, self.rank), min(shape_of(layer))
            if rank > most:
                inputs, outputs = shape_of(layer)
                raise InputError(
                    f"rank = {rank}: {path} maps {inputs} numbers to {outputs}, so that its "
                    f"rank cannot exceed {most}."
                )
        train_only(model, model.head)
        for path, layer in chosen.items():
            wrapped = LoRALinear(
                layer,
                rank=ranks.get(path, self.rank),
                alpha=alphas.get(path, self.alpha),
                scaling=self.scaling,
                dropout=self.dropout,
            )
            model.module.set_submodule(path, wrapped.train(layer.training))

    def groups(self, model: Model) -> list[dict[str, Any]]:
        """With a `ratio`, the Bs have a group of their own."""
        names = trained_names(model)
        if self.ratio == 1:
            return [{"params": names}]
        ups = {
            f"{path}.B"
            for path, layer in model.module.named_modules()
            if isinstance(layer, LoRALinear)
        }
        return [
            {"params": [name for name in names if name not in ups]},
            {"params": [name for name in names if name in ups], "rate": self.ratio},
        ]

    def save(self, model: Model, folder: Path) -> None:
        """Write an adapter as PEFT does, the head included."""
        save_adapter(model, folder, rank=self.rank, alpha=self.alpha)

    def load(self, model: Model, folder: Path) -> None:
        """Read an adapter that we or PEFT wrote."""
        load_adapter(model, folder)

    def merged(self, model: Model) -> nn.Module:
        """A copy with every correction folded into its layer."""
        return self.folded(replace(model, module=copy.deepcopy(model.module)))

    def folded(self, model: Model) -> nn.Module:
        """The module with every correction folded in, one layer after the other."""
        for path, layer in list(model.module.named_modules()):
            if isinstance(layer, LoRALinear):
                model.module.set_submodule(path, layer.merged())
        dequantize(model.module)
        settle_tie(model.module)
        return model.module


def _by_path(model: Model, values: Mapping[str, Number] | None, setting: str) -> dict[str, Number]:
    """Values by target name, spread over the layers that the names stand for."""
    found: dict[str, Number] = {}
    for name, value in (values or {}).items():
        found |= {path: value for path, _ in targets(model, [name])}
    return found
