"""The vectors that pretrained encoders give, each computed once for all studies of a user.

They are addressed by their content: the encoder's numbers, how it reads, and what it read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tunewise.backbones.fusion import Fusion
from tunewise.backbones.side_by_side import side_by_side
from tunewise.backbones.stored import (
    AT_ONCE,
    PICTURES_AT_ONCE,
    OnRows,
    Rows,
    share,
    stored_rows,
)
from tunewise.core.cache import cache_folder
from tunewise.core.canonical import digest
from tunewise.core.files import is_complete

SAMPLES = 256  # numbers of each tensor that enter an encoder's name

Tokens = Mapping[str, Sequence[int]]
"""A text as its encoder reads it, by the names of the arguments."""


def picture_vectors(
    module: Fusion,
    coder: Any,
    pictures: Mapping[str, str],
    *,
    opener: Callable[[str], Any],
    here: Path | None = None,
    on_rows: OnRows = lambda rows: None,
) -> Rows:
    """A row for each picture, in the order of their names.

    Args:
        module: whose picture encoder is asked, in evaluation mode.
        coder: its processor turns pictures into what the encoder reads.
        pictures: where each lies, by a name made of its content.
        opener: opens what lies there.
        here: the study's own place for them, if it keeps them.
        on_rows: hears how many more are there.
    """
    names = sorted(pictures)

    def compute(places: range) -> Tensor:
        starts = range(places.start, places.stop, PICTURES_AT_ONCE)
        parts = [names[start : min(start + PICTURES_AT_ONCE, places.stop)] for start in starts]
        module.image.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's own text lacks it
        return torch.cat(side_by_side(_read, parts))

    @torch.no_grad()  # a thread of its own does not know that of its caller
    def _read(part: Sequence[str]) -> Tensor:
        pixels = coder.pixels([opener(pictures[name]) for name in part]).to(device_of(module))
        vectors: Tensor = module.image(pixels.contiguous(memory_format=torch.channels_last))
        return vectors

    processor = json.loads(coder.processor.to_json_string())
    key = digest([name_of(module.image), processor, names])
    return _rows(module, key, len(names), compute, here=here, on_rows=on_rows)


def text_vectors(
    module: Fusion,
    coder: Any,
    texts: Sequence[Tokens],
    *,
    here: Path | None = None,
    on_rows: OnRows = lambda rows: None,
) -> Rows:
    """A row for each text, in their order. Arguments as `picture_vectors`."""

    def compute(places: range) -> Tensor:
        by_length = sorted(places, key=lambda place: len(texts[place]["input_ids"]))
        found = torch.empty(len(places), module.text.size)
        for start in range(0, len(by_length), AT_ONCE):
            part = by_length[start : start + AT_ONCE]
            batch = coder.pad([dict(texts[place]) for place in part], return_tensors="pt")
            rows = torch.tensor([place - places.start for place in part])
            found[rows] = module.text(**batch.to(device_of(module))).float().cpu()
        return found

    key = digest([name_of(module.text), [list(text["input_ids"]) for text in texts]])
    return _rows(module, key, len(texts), compute, here=here, on_rows=on_rows)


def name_of(encoder: nn.Module) -> str:
    """A name for an encoder by how it makes a vector and by its numbers.

    Of each tensor some numbers, evenly picked, and the sum of all its bits: a whole hash of a
    large encoder would take longer than reading the vectors.
    """
    reads = (getattr(encoder, name, "") for name in ("pooling", "unit"))
    total = sha256(f"{type(encoder).__name__} {list(reads)}".encode())
    for name, tensor in encoder.state_dict().items():
        total.update(f"{name} {tuple(tensor.shape)}".encode())
        picked = tensor.detach().flatten()[:: max(1, tensor.numel() // SAMPLES)]
        total.update(picked.float().cpu().numpy().tobytes())
        bits = tensor.detach().to(torch.float32).contiguous().view(torch.int32)
        total.update(str(int(bits.sum(dtype=torch.int64))).encode())  # exact in any order
    return total.hexdigest()


def device_of(module: nn.Module) -> torch.device:
    return next(module.parameters()).device


def _rows(
    module: nn.Module,
    key: str,
    count: int,
    compute: Callable[[range], Tensor],
    *,
    here: Path | None,
    on_rows: OnRows,
) -> Rows:
    """From the study's place, the user's cache, or the encoder, whichever has them first."""

    @torch.no_grad()
    def quietly(places: range) -> Tensor:
        module.eval()
        return compute(places).float().cpu()

    if here is not None and is_complete(here):
        return stored_rows(here, count, quietly, on_rows=on_rows)
    cache = cache_folder() / "features" / key / "vectors"
    with suppress(OSError):  # there can be no cache: computed below
        rows = stored_rows(cache, count, quietly, on_rows=on_rows)
        if here is None:
            return rows
        share(cache, here)
    if here is None:
        return Rows.of(quietly(range(count)))
    return stored_rows(here, count, quietly)
