"""The vectors of frozen encoders, each picture's and each question's computed once.

What `features` does for a single trunk, this does for two encoders that meet in a head: whichever
of them holds no trained number runs once, and its vectors are given to the model from then on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tunewise.backbones.fusion import Fusion
from tunewise.backbones.model import Model
from tunewise.backbones.stored import OnRows, Rows, share, stored_rows
from tunewise.core.cache import cache_folder
from tunewise.core.canonical import digest
from tunewise.core.files import is_complete
from tunewise.data.pictures import open_picture
from tunewise.tasks.base import Batch, Encoded, Task
from tunewise.training.batches import evaluation_batches
from tunewise.training.predictor import EVALUATION_BATCH

PICTURES_AT_ONCE = 32
SAMPLES = 256  # numbers of each tensor that enter an encoder's name


def frozen_encoders(model: Model) -> tuple[str, ...]:
    """Which of ``image`` and ``text`` hold no trained number; none without a head."""
    if not isinstance(model.module, Fusion):
        return ()
    trained = {n for n, weight in model.module.named_parameters() if weight.requires_grad}
    return tuple(
        name for name in model.trunks if not any(path.startswith(f"{name}.") for path in trained)
    )


class Vectors(NamedTuple):
    """Stored vectors under the name that the model takes them by, and each example's row."""

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
    """Computes the vectors of frozen encoders into `folder`, by way of the user's cache."""

    folder: Path
    model: Model
    task: Task
    encoders: Sequence[str]
    on_rows: OnRows = lambda rows: None

    def get(
        self, split: str, encoded: Sequence[Encoded]
    ) -> tuple[Sequence[Encoded], StoredVectors]:
        """The examples without what need not be read any more, and the vectors instead."""
        vectors = []
        if "text" in self.encoders:
            vectors.append(self._texts(split, encoded))
        if "image" in self.encoders:
            vectors.append(self._pictures(split, encoded))
            encoded = [item._replace(picture="") for item in encoded]
        return encoded, StoredVectors(vectors)

    def _texts(self, split: str, encoded: Sequence[Encoded]) -> Vectors:
        plain = [item._replace(picture="") for item in encoded]

        def compute(places: range) -> Tensor:
            return self._text_vectors([plain[place] for place in places])

        key = digest([name_of(self.module.text), [item.inputs["input_ids"] for item in plain]])
        rows = self._rows(f"{split}-texts", key, len(plain), compute)
        return Vectors("text_embeds", rows, range(len(plain)))

    def _pictures(self, split: str, encoded: Sequence[Encoded]) -> Vectors:
        paths = {Path(item.picture).name: item.picture for item in encoded}
        names = sorted(paths)  # by content: see `data.pictures.name_of`

        def compute(places: range) -> Tensor:
            return self._picture_vectors([paths[names[place]] for place in places])

        processor = json.loads(self.model.coder.processor.to_json_string())
        key = digest([name_of(self.module.image), processor, names])
        rows = self._rows(f"{split}-pictures", key, len(names), compute)
        where = {name: place for place, name in enumerate(names)}
        return Vectors("image_embeds", rows, [where[Path(item.picture).name] for item in encoded])

    @property
    def module(self) -> Fusion:
        assert isinstance(self.model.module, Fusion)
        return self.model.module

    def _rows(self, name: str, key: str, count: int, compute: Callable[[range], Tensor]) -> Rows:
        here = self.folder / name
        if not is_complete(here):
            cache = cache_folder() / "features" / key / "vectors"
            with suppress(OSError):  # no cache here: computed below, for this study alone
                stored_rows(cache, count, compute, on_rows=self.on_rows)
                share(cache, here)
        return stored_rows(here, count, compute)

    @torch.no_grad()
    def _text_vectors(self, encoded: Sequence[Encoded]) -> Tensor:
        found: dict[int, Tensor] = {}
        self.module.eval()
        for places in evaluation_batches([item.length for item in encoded], EVALUATION_BATCH):
            batch = self.task.collate([encoded[place] for place in places], self.model.coder)
            vectors = self.module.text(**batch.to(self.model.device).inputs)
            found.update(zip(places, vectors.float().cpu(), strict=True))
        return torch.stack([found[place] for place in range(len(encoded))])

    @torch.no_grad()
    def _picture_vectors(self, paths: Sequence[str]) -> Tensor:
        found = []
        self.module.eval()
        for start in range(0, len(paths), PICTURES_AT_ONCE):
            pictures = [open_picture(path) for path in paths[start : start + PICTURES_AT_ONCE]]
            pixels = self.model.coder.pixels(pictures).to(self.model.device)
            found.append(self.module.image(pixels).float().cpu())
        return torch.cat(found)


def name_of(encoder: nn.Module) -> str:
    """A name for an encoder by its numbers, evenly picked: models that differ do so everywhere."""
    total = sha256()
    for name, tensor in encoder.state_dict().items():
        total.update(f"{name} {tuple(tensor.shape)}".encode())
        picked = tensor.detach().flatten()[:: max(1, tensor.numel() // SAMPLES)]
        total.update(picked.float().cpu().numpy().tobytes())
    return total.hexdigest()


def vectors_key(key: str, encoders: Sequence[str]) -> str:
    """The address of a study's vectors: of the same key, those of other encoders lie elsewhere."""
    return digest([key, list(encoders)])
