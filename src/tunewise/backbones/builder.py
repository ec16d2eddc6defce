"""What model a task needs, as a value: the one place where its kind is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from tunewise.backbones import load, shapes
from tunewise.backbones.model import Model
from tunewise.backbones.pools import LIBRARY, Pooling
from tunewise.core.lazy import Later

if TYPE_CHECKING:
    from tunewise.backbones import fusion, fusion_shape
else:  # they load the encoders of transformers, which only a task with images needs
    fusion = Later("tunewise.backbones.fusion")
    fusion_shape = Later("tunewise.backbones.fusion_shape")

Form = Literal["choose", "write"]
"""What an answer is: one of a few options, or a text."""


@dataclass(frozen=True)
class Builder:
    """Builds the pretrained model whose answers have the form that a task asks for.

    A task that needs another kind of model has a subclass with its own `build` and `shape`.
    """

    form: Form = "choose"
    images: bool = False  # a pair of encoders, for an image and a text
    pooling: Pooling = LIBRARY  # of a text classifier

    def build(
        self,
        source: str,
        *,
        options: Sequence[str] = (),
        seed: int,
        revision: str | None = None,
        dropout: float | None = None,
        keep: torch.dtype = torch.float32,
    ) -> Model:
        """The model as its checkpoint has it, with a new head where one is needed.

        Args:
            source: a folder, a hub id or ``embedded:<name>``; with images also a pair of them.
            options: the possible answers, in the order of the logits; none where texts are written.
            seed: of the new head.
            revision: of a hub model.
            dropout: of the backbone; None: as its configuration says.
            keep: a language model whose checkpoint is of this format stays in it.

        Raises:
            InputError: there is no such model, or none of this kind.
        """
        if self.form == "write":
            return load.build_writer(
                source, seed=seed, revision=revision, dropout=dropout, keep=keep
            )
        if self.images:
            return fusion.build_fusion(
                source, options=options, seed=seed, revision=revision, dropout=dropout
            )
        return load.build(
            source,
            options=options,
            pooling=self.pooling,
            seed=seed,
            revision=revision,
            dropout=dropout,
        )

    def shape(
        self,
        folders: Sequence[Path],
        *,
        options: Sequence[str] = (),
        dropout: float | None = None,
        device: str = "meta",
    ) -> Model:
        """What `build` would make, from configurations alone; see `backbones.shapes`.

        Args:
            folders: those with the model's ``config.json``: one, or one of each encoder.
            options: as for `build`.
            dropout: as for `build`.
            device: ``cpu`` gives random numbers, for measuring.

        Raises:
            InputError: the library has no such model.
        """
        if self.form == "write":
            return shapes.build_writer_shape(folders[0], dropout=dropout, device=device)
        if self.images:
            return fusion_shape.build_fusion_shape(
                folders[0], folders[-1], options=options, dropout=dropout, device=device
            )
        return shapes.build_shape(
            folders[0], options=options, pooling=self.pooling, dropout=dropout, device=device
        )
