"""Where a trial stands, so that it can go on after any interruption as if there had been none.

Tensors are safetensors, scalars JSON. No state of a random generator is kept: every draw is
derived (`seeds`). A checkpoint counts once its marker stands; the one before is removed after.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from tunewise.core.errors import DamagedFile
from tunewise.core.files import (
    check_complete,
    mark_complete,
    read_json,
    remove_folder,
    write_json,
)
from tunewise.methods.base import State
from tunewise.training.ranks.group import ALONE, Ranks
from tunewise.training.ranks.sharding import sliced, whole


def trained_tensors(module: nn.Module) -> dict[str, Tensor]:
    """A copy of every trainable parameter, by name, each once."""
    return {
        name: weight.detach().clone().contiguous()
        for name, weight in module.named_parameters()
        if weight.requires_grad
    }


@torch.no_grad()
def put_back(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copy tensors into the parameters of those names, all of them or an error."""
    named = dict(module.named_parameters())
    missing = sorted(set(tensors) - set(named))
    if missing:
        raise ValueError(f"the model has no parameter called {missing[0]}")
    for name, tensor in tensors.items():
        named[name].copy_(sliced(tensor, like=named[name]))


class Checkpoint(NamedTuple):
    """What goes on beside weights and optimizer: all scalars, the best epoch's weights so far,
    and what the method carries from step to step.
    """

    state: dict[str, Any]
    best: dict[str, Tensor] | None
    method: State


def save_checkpoint(
    folder: Path,
    module: nn.Module,
    optimizer: Optimizer,
    found: Checkpoint,
    ranks: Ranks = ALONE,
) -> None:
    """Write the checkpoint of step ``state["step"]`` and remove the older ones.

    All ranks call this, and the first writes.
    """
    tensors = {}  # <parameter number>.<name>, numbers as optimizers number them
    for number, entries in optimizer.state_dict()["state"].items():
        for name, value in entries.items():
            tensor = value if isinstance(value, Tensor) else torch.tensor(value)
            tensors[f"{number}.{name}"] = tensor.contiguous()
    trained, tensors = whole(trained_tensors(module), ranks), whole(tensors, ranks)
    best = None if found.best is None else whole(found.best, ranks)
    if not ranks.is_first:
        return
    target = folder / f"step-{found.state['step']}"
    remove_folder(target)
    target.mkdir(parents=True)
    save_file(trained, target / "trained.safetensors")
    save_file(tensors, target / "optimizer.safetensors")
    if best is not None:
        save_file(best, target / "best.safetensors")
    if found.method.tensors:
        save_file(found.method.tensors, target / "method.safetensors")
    write_json(target / "method.json", found.method.scalars)
    write_json(target / "state.json", found.state)
    mark_complete(target)
    for other in folder.glob("step-*"):
        if other != target:
            remove_folder(other)


def remove_after(folder: Path, step: int) -> None:
    """Remove the checkpoints of later steps: a training is to stop at this one."""
    for target in folder.glob("step-*"):
        if target.name[5:].isdecimal() and int(target.name[5:]) > step:
            remove_folder(target)


def load_checkpoint(folder: Path, module: nn.Module, optimizer: Optimizer) -> Checkpoint | None:
    """Put back weights and optimizer of the newest whole checkpoint; the rest of it, if any.

    A damaged checkpoint is passed over for the one before it.
    """
    steps = [path for path in folder.glob("step-*") if path.name[5:].isdecimal()]
    newest_first = sorted(steps, key=lambda path: -int(path.name[5:]))
    for target in newest_first:
        try:
            check_complete(target)
            state = read_json(target / "state.json")
        except (DamagedFile, FileNotFoundError):
            continue
        if state["step"] != int(target.name[5:]):
            continue  # renamed
        put_back(module, load_file(target / "trained.safetensors"))
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        entries: dict[int, dict[str, Tensor]] = {}
        for key, tensor in load_file(target / "optimizer.safetensors").items():
            number, name = key.split(".", 1)
            like = weights[int(number)]
            is_of_each = tensor.shape == like.shape  # a number for each of the weight's
            part = sliced(tensor, like=like) if is_of_each else tensor
            entries.setdefault(int(number), {})[name] = part
        optimizer.load_state_dict(
            {"state": entries, "param_groups": optimizer.state_dict()["param_groups"]}
        )
        best, tensors = target / "best.safetensors", target / "method.safetensors"
        method = target / "method.json"  # checkpoints of before it have none
        return Checkpoint(
            state,
            load_file(best) if best.exists() else None,
            State(
                load_file(tensors) if tensors.exists() else {},
                read_json(method) if method.exists() else {},
            ),
        )
    return None
