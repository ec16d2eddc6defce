"""The model as it comes: what tuning has to improve on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tunewise.backbones.model import Model
from tunewise.methods.base import METHODS, AsIs
from tunewise.methods.frozen import check_base, write_base
from tunewise.methods.trained import train_only


@METHODS.register("untuned")
@dataclass(frozen=True)
class Untuned(AsIs):
    """The pretrained model without any training, asked as the tuned ones are."""

    description = (
        "Untuned is the base model, asked like the others without any training: what there is "
        "before adaptation."
    )

    seeded = False
    cannot = MappingProxyType(
        {"choose": "its classifier is new, and answers at random before it is trained"}
    )

    def prepare(self, model: Model) -> None:
        train_only(model, ())

    def save(self, model: Model, folder: Path) -> None:
        """Write which model it was; there is nothing else."""
        write_base(model, folder)

    def load(self, model: Model, folder: Path) -> None:
        check_base(model, folder)
