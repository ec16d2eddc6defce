"""The vectors that pretrained encoders give, each computed once for all studies of a user.

They are addressed by their content: the encoder's weights, how it reads, and what it read.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tunewise.backbones.fusion import Fusion
from tunewise.backbones.image_threads import side_by_side
from tunewise.backbones.stored import (
    AT_ONCE,
    IMAGES_AT_ONCE,
    OnRows,
    Rows,
    read_rows,
    share,
    stored_rows,
)
from tunewise.core.cache import cache_folder
from tunewise.core.canonical import digest
from tunewise.core.errors import DamagedFile
from tunewise.core.files import check_complete, is_complete, read_json, write_json

FEATURES = "features"  # the folder in the cache
NAMES = "names.json"  # of the rows beside it
SAMPLES = 256  # values of each tensor that enter an encoder's name

Tokens = Mapping[str, Sequence[int]]
"""A text as its encoder reads it, by the names of the arguments."""


def image_vectors(
    module: Fusion,
    processor: Any,
    images: Mapping[str, str],
    *,
    opener: Callable[[str], Any],
    here: Path | None = None,
    on_rows: OnRows = lambda rows: None,
) -> Rows:
    """A row for each image, in the order of their names; one that any study had is not read.

    Args:
        module: whose image encoder is asked, in evaluation mode.
        processor: its processor turns images into what the encoder reads.
        images: where each lies, by a name made of its content.
        opener: opens what lies there.
        here: the study's own place for them, if it keeps them.
        on_rows: hears how many more are there.
    """
    names = sorted(images)
    settings = json.loads(processor.image_processor.to_json_string())
    place = Path(digest([name_of(module.image), settings]), digest(names))

    @functools.cache
    def known() -> dict[str, Tensor]:
        return known_rows(cache_folder() / FEATURES / place.parent, names)

    def compute(places: range) -> Tensor:
        wanted = [names[number] for number in places]
        lacking = [name for name in wanted if name not in known()]
        starts = range(0, len(lacking), IMAGES_AT_ONCE)
        parts = [lacking[start : start + IMAGES_AT_ONCE] for start in starts]
        module.image.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's own text lacks it
        rows = [row for vectors in side_by_side(_read, parts) for row in vectors.float().cpu()]
        found = {**known(), **dict(zip(lacking, rows, strict=True))}
        return torch.stack([found[name] for name in wanted])

    @torch.no_grad()  # a thread of its own does not know that of its caller
    def _read(part: Sequence[str]) -> Tensor:
        """Always a full batch: an image's last digits then do not depend on what is beside it."""
        pixels = processor.pixels([opener(images[name]) for name in part]).to(device_of(module))
        copies = pixels[-1:].expand(IMAGES_AT_ONCE - len(part), *pixels.shape[1:])
        pixels = torch.cat([pixels, copies])
        vectors: Tensor = module.image(pixels.contiguous(memory_format=torch.channels_last))
        return vectors[: len(part)]

    return _rows(module, place, len(names), compute, here=here, on_rows=on_rows, names=names)


def text_vectors(
    module: Fusion,
    processor: Any,
    texts: Sequence[Tokens],
    *,
    here: Path | None = None,
    on_rows: OnRows = lambda rows: None,
) -> Rows:
    """A row for each text, in their order. Arguments as `image_vectors`."""

    def compute(places: range) -> Tensor:
        by_length = sorted(places, key=lambda place: len(texts[place]["input_ids"]))
        found = torch.empty(len(places), module.text.size)
        for start in range(0, len(by_length), AT_ONCE):
            part = by_length[start : start + AT_ONCE]
            batch = processor.pad([dict(texts[place]) for place in part], return_tensors="pt")
            rows = torch.tensor([place - places.start for place in part])
            found[rows] = module.text(**batch.to(device_of(module))).float().cpu()
        return found

    key = digest([name_of(module.text), [list(text["input_ids"]) for text in texts]])
    return _rows(module, Path(key, "vectors"), len(texts), compute, here=here, on_rows=on_rows)


def name_of(encoder: nn.Module) -> str:
    """A name for an encoder by how it makes a vector and by its weights.

    Of each tensor some values, evenly picked, and the sum of all its bits: a whole hash of a
    large encoder would take longer than reading the vectors.
    """
    total = sha256(f"{type(encoder).__name__} {getattr(encoder, 'pooling', '')}".encode())
    for name, tensor in encoder.state_dict().items():
        total.update(f"{name} {tuple(tensor.shape)}".encode())
        picked = tensor.detach().flatten()[:: max(1, tensor.numel() // SAMPLES)]
        total.update(picked.float().cpu().numpy().tobytes())
        bits = tensor.detach().to(torch.float32).contiguous().view(torch.int32)
        total.update(str(int(bits.sum(dtype=torch.int64))).encode())  # exact in any order
    return total.hexdigest()


def known_rows(encoder: Path, names: Sequence[str]) -> dict[str, Tensor]:
    """The rows of these names that whole folders of one encoder have."""
    found: dict[str, Tensor] = {}
    for folder in sorted(encoder.iterdir()) if encoder.is_dir() else ():
        with suppress(OSError, DamagedFile):  # another process may be writing it
            places = {name: place for place, name in enumerate(read_json(folder / NAMES))}
            here = [name for name in names if name in places and name not in found]
            if here:
                check_complete(folder)
                rows = read_rows(folder).take([places[name] for name in here])
                found.update(zip(here, rows, strict=True))
    return found


def device_of(module: nn.Module) -> torch.device:
    return next(module.parameters()).device


def _rows(
    module: nn.Module,
    place: Path,
    count: int,
    compute: Callable[[range], Tensor],
    *,
    here: Path | None,
    on_rows: OnRows,
    names: Sequence[str] | None = None,
) -> Rows:
    """From the study's place, the user's cache at `place`, or the encoder: the first that has them.

    `names` of the rows, if they have any, are kept beside them for `known_rows`.
    """

    @torch.no_grad()
    def quietly(places: range) -> Tensor:
        module.eval()
        return compute(places).float().cpu()

    if here is not None and is_complete(here):
        return stored_rows(here, count, quietly, on_rows=on_rows)
    cache = cache_folder() / FEATURES / place
    with suppress(OSError):  # there can be no cache: computed below
        if names and not is_complete(cache):
            write_json(cache / NAMES, names)
        rows = stored_rows(cache, count, quietly, on_rows=on_rows)
        if here is None:
            return rows
        share(cache, here)
    if here is None:
        return Rows.of(quietly(range(count)))
    return stored_rows(here, count, quietly)
