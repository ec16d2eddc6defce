"""One step on a model of noise: whether a method that a library brings works on a model at all."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tunewise.backbones.model import Model
from tunewise.backbones.transformers_logging import quiet
from tunewise.core.errors import InputError
from tunewise.methods.base import Adaptation
from tunewise.tasks.base import Batch, Task
from tunewise.tasks.lengths import limit
from tunewise.training.checks.probes import probe

SCALE = 0.02  # of the noise, as most families initialize their matrices
BLOCK = 65_521  # numbers drawn, then repeated; a prime, so that no two rows of a matrix are alike
SAME = 1e-4  # nats: losses nearer than this are the same but for rounding
TEXTS = ("a", "a b c a b c")  # one is padded beside the other


@torch.no_grad()
def fill_with_noise(module: nn.Module, buffers: dict[str, Tensor]) -> None:
    """Give a module on fake tensors some values on the CPU, quickly: a plan asks only whether it
    runs.

    Args:
        module: on the meta device.
        buffers: its true ones by name, such as tables of positions, which are no noise.
    """
    module.to_empty(device="cpu")
    block = SCALE * torch.randn(BLOCK)
    for name, weight in module.named_parameters():
        if weight.ndim >= 2:
            weight.view(-1).copy_(repeated(block, weight.numel()))
        else:
            weight.fill_(1.0 if name.endswith("weight") else 0.0)
    for name, buffer in module.named_buffers():
        buffer.copy_(buffers[name])


def repeated(block: Tensor, count: int) -> Tensor:
    """The first `count` numbers of a block that is written again and again."""
    return block.repeat(-(-count // len(block)))[:count]


def rehearse(task: Task, method: Adaptation, model: Model) -> None:
    """Take one step's gradient, and compare an example alone with the same one padded.

    Raises:
        InputError: the step fails, a trainable parameter takes no part in it, or padding changes
            what the model answers.
    """
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            unused = _step(task, method, model)
            shift = _shift_by_padding(task, model)
    except (torch.OutOfMemoryError, MemoryError):
        raise
    except Exception as error:  # whatever a library raises in the middle of its work
        lines = str(error).strip().splitlines()
        reason = lines[0] if lines else type(error).__name__
        raise InputError(f"a step of it fails on this model ({reason})") from error
    if unused:
        raise InputError(
            f"{len(unused)} of its trained tensors take no part in a step, such as {unused[0]}"
        )
    if shift > SAME:
        raise InputError(
            "on this model the padding of a batch would change the answers, because what the head "
            "reads is found by the text's tokens, and a prompt hides them"
        )


def _step(task: Task, method: Adaptation, model: Model) -> list[str]:
    """The trainable parameters that got no gradient."""
    model.module.train()
    total = task.loss(model.module, _batch(task, model, TEXTS)).total
    extra = method.penalty(model)
    (total if extra is None else total + extra).backward()
    trained = [(n, weight) for n, weight in model.module.named_parameters() if weight.requires_grad]
    return [name for name, weight in trained if weight.grad is None]


@torch.no_grad()
def _shift_by_padding(task: Task, model: Model) -> float:
    model.module.eval()
    alone = [_loss(task, model, [text]) for text in TEXTS]
    return abs(_loss(task, model, TEXTS) - sum(alone))


def _loss(task: Task, model: Model, texts: Sequence[str]) -> float:
    return task.loss(model.module, _batch(task, model, texts)).total.item()


def _batch(task: Task, model: Model, texts: Sequence[str]) -> Batch:
    examples = [probe(task, str(place), text) for place, text in enumerate(texts)]
    most = limit(task, None, model)
    return task.collate(task.encode(examples, model.processor, max_length=most), model.processor)
