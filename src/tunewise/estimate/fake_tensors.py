"""Fake tensors, and what stands for a value where one is read all the same."""

from __future__ import annotations

import random
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tunewise.tasks.base import Batch

OURSELVES = ("torch", __name__, "tunewise.costs.memory")  # through which every operation passes
READERS = ("tunewise", "transformers")  # whose reading of a number changes no shape
DROPPERS = ("peft.tuners.loha.layer", "peft.tuners.lokr.layer")
"""Which draw whether an adapter takes part in a step; here each does."""
WRITERS = "tunewise.decoding"  # which reads the tokens that it has chosen


class NotPredictable(Exception):
    """What a step does depends on values, which fake tensors do not have; the text says where."""


@dataclass(frozen=True)
class Mute:
    """Stands in for a tokenizer while answers are written: what they say ends none of them."""

    eos_token_id: int | None

    def decode(self, tokens: Any, **options: Any) -> str:
        return ""


class StandIns(TorchDispatchMode):
    """Gives a number where ours or the models' code reads one that decides nothing.

    The loop reads losses and norms; what an adapter reads may decide shapes, so that is refused.
    A token that is written is drawn, so that no answer turns in circles and is cut.

    Args:
        words: how many tokens there are.
        ends: those after which an answer is over; they are never drawn.
    """

    def __init__(self, words: int, ends: Collection[int]) -> None:
        super().__init__()
        self.random, self.words, self.ends = random.Random(0), words, ends  # no secret

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default:
            reader, place = _reader()
            if reader not in READERS and place not in DROPPERS:
                raise NotPredictable(f"{place} reads a number, and a prediction has none.")
            kind = args[0].dtype
            if kind == torch.bool and place in DROPPERS:
                return True
            if kind == torch.int64 and place.startswith(WRITERS):
                while (token := self.random.randrange(self.words)) in self.ends:
                    pass
                return token
            return False if kind == torch.bool else 1.0 if kind.is_floating_point else 1
        return func(*args, **(kwargs or {}))


def _reader() -> tuple[str, str]:
    """The package and the place of the innermost code that is not torch's own."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith(OURSELVES):
        frame = frame.f_back  # type: ignore[assignment]  # None ends the loop
    name = frame.f_globals.get("__name__", "") if frame is not None else ""
    return name.partition(".")[0], name


def fill_with_fakes(module: nn.Module, device: str) -> None:
    """Put a fake tensor of the device in the place of every parameter and buffer.

    So of tensors that a layer keeps in a dictionary of its own, as some adapters' layers do.
    """
    made: dict[int, Tensor] = {}  # tied parameters stay one
    for owner in module.modules():
        own = (values for values in vars(owner).values() if type(values) is dict)
        for values in own:  # parameters and buffers among them
            for name, old in values.items():
                if isinstance(old, Tensor):
                    values[name] = made.setdefault(id(old), _fake(old, device))


def _fake(old: Tensor, device: str) -> Tensor:
    fake = torch.empty_strided(old.shape, old.stride(), dtype=old.dtype, device=device)
    if isinstance(old, nn.Parameter):
        return nn.Parameter(fake, requires_grad=old.requires_grad)
    return fake


def faked(batch: Batch, device: str) -> Batch:
    """The batch as fake tensors; prompts keep theirs."""

    def fake(tensor: Tensor) -> Tensor:
        return torch.empty(tensor.shape, dtype=tensor.dtype, device=device)

    inputs = {name: fake(tensor) for name, tensor in batch.inputs.items()}
    asked = None if batch.asked is None else fake(batch.asked)
    return replace(batch, inputs=inputs, labels=fake(batch.labels), asked=asked)
