"""A pretrained model with what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@dataclass
class Model:
    """A module, its tokenizer, and where its parts are.

    `backbones` names the pretrained submodules by their path, such as ``{"text": "bert"}``.
    `head` lists the parameters outside the backbones plus every number the checkpoint lacked: they
    are new and must be trained.
    """

    module: nn.Module
    processor: Any  # a transformers tokenizer, or a `PairProcessor` (untyped there)
    backbones: dict[str, str]
    head: list[str] = field(default_factory=list)
    max_length: int = 512  # tokens the model can take
    source: str = ""  # where it came from: a folder or a hub id; adapters name their base by it
    warnings: list[str] = field(default_factory=list)  # sentences for the audit
    adapter: Any = None  # what a method has to keep of what it put into the module
    longest_text: int | None = None  # tokens of a text that its trial reads; None: all it can take
    fingerprint: str | None = None  # of what is frozen, where it is kept in fewer bits since
    in_four_bits: int = 0  # numbers of frozen matrices that are quantized, and so no parameters
    reads: str = ""  # how it makes vectors, where older trials of the same files did otherwise
    stored: torch.dtype = torch.float32  # the one format of the checkpoint's numbers, if it has one

    @property
    def writes(self) -> bool:
        """Whether it goes on writing a text, rather than choosing among options."""
        can_write: Any = getattr(self.module, "can_generate", None)
        return can_write is not None and bool(can_write())

    @property
    def device(self) -> torch.device:
        return next(self.module.parameters()).device


def training_mode(model: Model) -> None:
    """Training mode for what is trained.

    A backbone stays as it is used where no trainable parameter lies in it or, as a prompt's do,
    before it. Running averages of a batch norm stay as they were pretrained: they are no
    parameters, and no artifact or checkpoint holds them.
    """
    model.module.train()
    for layer in model.module.modules():
        if isinstance(layer, _BatchNorm):
            layer.eval()
    trained = [name for name, weight in model.module.named_parameters() if weight.requires_grad]
    inside = tuple(f"{path}." for path in model.backbones.values())
    if any(name not in model.head and not name.startswith(inside) for name in trained):
        return
    for path in model.backbones.values():
        if not any(name.startswith(f"{path}.") for name in trained):
            model.module.get_submodule(path).eval()
