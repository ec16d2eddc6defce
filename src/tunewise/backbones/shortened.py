"""A model of its first blocks alone, which shows what a method does to all at little cost."""

from __future__ import annotations

import copy
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from tunewise.backbones.model import Model
from tunewise.backbones.modules import blocks
from tunewise.backbones.transformers_logging import quiet
from tunewise.backbones.weights import save_tensors

LEAST = 2  # blocks that stay: the first, which may be special, and one that follows another
DEPTH = re.compile(r"(^|_)layers?$")  # how configurations call a number of blocks


@dataclass(frozen=True)
class Shortened:
    """A checkpoint of the first blocks, with the pretrained weights, not written yet."""

    whole: Any  # the configuration of the whole model
    lengths: frozenset[int]  # of its lists of blocks
    kept: int  # of each list
    tensors: dict[str, Tensor]
    processor: Any

    @property
    def config(self) -> Any:
        """The configuration with every number of blocks, and every list by block, cut."""
        config = copy.deepcopy(self.whole)
        for name, value in config.to_dict().items():
            if DEPTH.search(name) and value in self.lengths:
                setattr(config, name, self.kept)
            elif isinstance(value, list) and len(value) in self.lengths:  # a word for each block
                setattr(config, name, value[: self.kept])
        return config

    def write(self, folder: Path) -> None:
        with quiet():
            self.config.save_pretrained(folder)
            self.processor.save_pretrained(folder)
        save_tensors(self.tensors, folder / "model.safetensors")


def shortened(model: Model) -> Shortened | None:
    """The model's checkpoint with as few blocks as show every kind of block that it has.

    Widths, words, what is tied and what the checkpoint lacks stay as they are. None where little
    would be saved, or where the structure does not say what the blocks are.
    """
    paths = blocks(model)
    lengths = Counter(path.rpartition(".")[0] for path in paths)
    if len(model.backbones) != 1 or not lengths:
        return None
    kept = max(LEAST, *(_kinds_within(model.module, start, lengths[start]) for start in lengths))
    if kept * 2 > min(lengths.values()):
        return None
    dropped = tuple(f"{path}." for path in paths if int(path.rpartition(".")[2]) >= kept)
    stored = model.module.state_dict(keep_vars=True)
    named: dict[str, Tensor] = dict(model.module.named_parameters())
    named |= {name: stored[name] for name, _ in model.module.named_buffers() if name in stored}
    tensors = {
        name: tensor
        for name, tensor in named.items()
        if name not in model.head and not name.startswith(dropped)
    }
    (backbone,) = model.backbones.values()
    if all(
        name.startswith(f"{backbone}.") for name in tensors
    ):  # a checkpoint of the backbone alone
        tensors = {name.removeprefix(f"{backbone}."): tensor for name, tensor in tensors.items()}
    whole: Any = model.module.config
    return Shortened(whole, frozenset(lengths.values()), kept, tensors, model.processor)


def _kinds_within(module: nn.Module, start: str, count: int) -> int:
    """How many of the first blocks there must be so that every later one is like one of them."""
    shapes = [
        tuple((name, tuple(weight.shape)) for name, weight in block.named_parameters())
        for block in (module.get_submodule(f"{start}.{number}") for number in range(count))
    ]
    return max(shapes.index(shape) for shape in shapes) + 1
