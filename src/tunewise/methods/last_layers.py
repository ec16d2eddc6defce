"""Train the last blocks of the backbone and the head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from tunewise.backbones.model import Model
from tunewise.backbones.modules import blocks
from tunewise.core.errors import InputError
from tunewise.core.settings import refuse_below, setting
from tunewise.methods.base import METHODS, Adaptation
from tunewise.methods.trained import load_trained, save_trained, train_only


@METHODS.register("last-layers")
@dataclass(frozen=True)
class LastLayers(Adaptation):
    """The last `count` transformer blocks and the head are trained; what lies below is frozen."""

    description = (
        "Last layers trains the topmost blocks and the classifier; everything below is frozen."
    )

    count: int = setting(2, "Blocks that are trained, from the last one down.")

    # The same matrices as in full fine-tuning, but fewer that move: the search chose 5e-5 and
    # 4.5e-4 (docs/explanations/tuning.md).
    learning_rate = 1.5e-4
    starts_at_base = True

    def __post_init__(self) -> None:
        refuse_below(1, self, "count")

    def prepare(self, model: Model) -> None:
        """Raises InputError where the backbone has fewer blocks."""
        paths = blocks(model)
        if self.count > len(paths):
            raise InputError(f"count = {self.count}: this model has {len(paths)} blocks.")
        starts = tuple(f"{path}." for path in paths[-self.count :])
        names = [name for name, _ in model.module.named_parameters() if name.startswith(starts)]
        train_only(model, [*names, *model.head])

    def save(self, model: Model, folder: Path) -> None:
        save_trained(model, folder)

    def load(self, model: Model, folder: Path) -> None:
        load_trained(model, folder)

    def merged(self, model: Model) -> nn.Module:
        return model.module
