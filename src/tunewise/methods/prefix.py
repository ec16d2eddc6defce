"""Trained embeddings in front of the text, before a frozen backbone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from tunewise.backbones.model import Model
from tunewise.core.errors import InputError, SettingError
from tunewise.core.settings import refuse_below, setting
from tunewise.methods.base import METHODS, Adaptation
from tunewise.methods.prefix_layer import Prefix, attach, noise_rows, token_rows
from tunewise.methods.trained import load_trained, one_backbone, save_trained, train_only

LEAST_TEXT = 4  # tokens that must remain for the text, as for `training.max_length`


@METHODS.register("prefix")
@dataclass(frozen=True)
class PrefixTuning(Adaptation):
    """`length` trained embeddings and the head; the backbone is frozen.

    Trained are exactly length d + head parameters. Their positions count against what the model
    can take.

    Source: Lester et al. 2021, arXiv:2104.08691, with embeddings at the input alone.
    """

    description = (
        "Prefix puts trained embeddings before the text of a frozen model, as prompt tuning does "
        "{lester-2021}."
    )
    references = MappingProxyType(
        {
            "lester-2021": "B. Lester, R. Al-Rfou, and N. Constant, “The power of scale for "
            "parameter-efficient prompt tuning,” arXiv:2104.08691, 2021."
        }
    )

    length: int = setting(16, "Positions of the prefix.")
    start: Literal["tokens", "noise"] = setting(
        "tokens", "Embeddings of random tokens, or noise as widely spread."
    )

    # The only way in is through a frozen backbone, which passes little gradient back: prompts want
    # rates far above full fine-tuning's. Lester et al. use 0.3 with Adafactor.
    learning_rate = 5e-3
    packs = False

    def __post_init__(self) -> None:
        refuse_below(1, self, "length")
        if self.start not in ("tokens", "noise"):
            raise SettingError("start", self.start, "tokens or noise.")

    def prepare(self, model: Model) -> None:
        """Raises InputError for two encoders, and where no room is left for a text."""
        one_backbone(model, self.name)
        if model.max_length - self.length < LEAST_TEXT:
            raise InputError(
                f"length = {self.length}: this model takes {model.max_length} tokens, prefix "
                f"included, and at least {LEAST_TEXT} must remain for the text."
            )
        rows = token_rows if self.start == "tokens" else noise_rows
        (backbone,) = model.backbones.values()
        attach(model.module.get_submodule(backbone), Prefix(rows(model, self.length)))
        model.max_length -= self.length
        train_only(model, [f"{backbone}.prefix.embeddings", *model.head])

    def save(self, model: Model, folder: Path) -> None:
        save_trained(model, folder)

    def load(self, model: Model, folder: Path) -> None:
        load_trained(model, folder)
