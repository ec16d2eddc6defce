"""The vectors of frozen encoders in the place of what they would read.

What `features` does for a single backbone, this does for two encoders that meet in a head:
whichever of them holds no trainable parameter runs once, and its vectors are given to the model
from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from tunewise.backbones.fusion import Fusion
from tunewise.backbones.model import Model
from tunewise.backbones.stored import OnRows, Rows
from tunewise.backbones.vectors import image_vectors, text_vectors
from tunewise.core.canonical import digest
from tunewise.data.images import open_image
from tunewise.tasks.base import Batch, Encoded


def frozen_encoders(model: Model) -> tuple[str, ...]:
    """Which of ``image`` and ``text`` have nothing to train; none without a head to meet in."""
    if not isinstance(model.module, Fusion):
        return ()
    trained = {n for n, weight in model.module.named_parameters() if weight.requires_grad}
    return tuple(
        name for name in model.backbones if not any(path.startswith(f"{name}.") for path in trained)
    )


def vectors_key(key: str, encoders: Sequence[str]) -> str:
    """The address of a study's vectors: of the same key, those of other encoders lie elsewhere."""
    return digest([key, list(encoders)])


class Vectors(NamedTuple):
    """Stored vectors, the argument that the model takes them by, and each example's row."""

    argument: str
    rows: Rows
    places: Sequence[int]


@dataclass(frozen=True)
class StoredVectors:
    """The stored vectors of a split, put into its batches."""

    vectors: Sequence[Vectors]

    def fill(self, batch: Batch, places: Sequence[int]) -> Batch:
        inputs = dict(batch.inputs)
        for argument, rows, own in self.vectors:
            inputs[argument] = rows.take([own[place] for place in places])
        return replace(batch, inputs=inputs)


@dataclass(frozen=True)
class VectorStore:
    """The vectors of a model's frozen encoders, kept in `folder` of the study."""

    folder: Path
    model: Model
    encoders: Sequence[str]
    on_rows: OnRows = lambda rows: None

    def get(
        self, split: str, encoded: Sequence[Encoded]
    ) -> tuple[Sequence[Encoded], StoredVectors]:
        """The examples without what need not be read any more, and the vectors instead."""
        vectors = []
        if "text" in self.encoders:
            texts = [example.inputs for example in encoded]
            rows = text_vectors(
                self._module,
                self.model.processor,
                texts,
                here=self.folder / f"{split}-texts",
                on_rows=self.on_rows,
            )
            vectors.append(Vectors("text_embeds", rows, range(len(texts))))
        if "image" in self.encoders:
            names = [Path(example.image).name for example in encoded]  # see `data.images.name_of`
            rows = image_vectors(
                self._module,
                self.model.processor,
                dict(zip(names, (example.image for example in encoded), strict=True)),
                opener=open_image,
                here=self.folder / f"{split}-pictures",
                on_rows=self.on_rows,
            )
            where = {name: place for place, name in enumerate(sorted(set(names)))}
            vectors.append(Vectors("image_embeds", rows, [where[name] for name in names]))
            encoded = [example._replace(image="") for example in encoded]
        return encoded, StoredVectors(vectors)

    @property
    def _module(self) -> Fusion:
        assert isinstance(self.model.module, Fusion)
        return self.model.module
