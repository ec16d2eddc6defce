"""What a model answers before and after a method is applied to it, and before and after merging."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from heapq import nsmallest
from typing import Any

import torch
from torch import Tensor, nn

from tunewise.backbones.model import Model
from tunewise.data.examples import Example
from tunewise.methods.base import Adaptation
from tunewise.store.trial_records import Check
from tunewise.tasks.base import Task
from tunewise.tasks.lengths import limit

RTOL, ATOL = 1e-3, 1e-4  # other kernels round otherwise; a wrong start is far off
SAMPLE = 2  # examples that are answered before and after
TOLERANCE = {"float64": 1e-9, "float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}
"""Largest difference by type of number, relative to the largest value or 1. Rounding alone gives
about 1e-6 in float32; a wrong tensor gives far more than any of these."""


class StartCheck:
    """Compares a model's answers before and after a method is applied to it.

    Call it with the model before `prepare`, then ask for the check after.
    """

    def __init__(self, task: Task, examples: Sequence[Example]) -> None:
        self.task = task
        self.examples = nsmallest(SAMPLE, examples, key=lambda one: sum(map(len, one.texts)))
        self.before: Tensor | None = None

    def __call__(self, model: Model) -> None:
        self.before = _losses(self.task, self.examples, model)

    def check(self, model: Model, *, promised: bool, quantized: bool = False) -> Check:
        """What the method changed; `quantized` says that frozen numbers were rounded as well."""
        if not promised:
            return Check("start", None, "this method does not start at the pretrained model.")
        if self.before is None:
            return Check("start", None, "nothing was answered before.")
        after = _losses(self.task, self.examples, model)
        furthest = float((after - self.before.to(after)).abs().max())
        if quantized:
            moved = f"the loss of an example by {furthest:.2g}"
            return Check("start", None, f"four bits change the model before training: {moved}.")
        if torch.allclose(after, self.before.to(after), rtol=RTOL, atol=ATOL):
            return Check("start", True, "applying the method left every answer as it was.")
        detail = f"applying the method changed the model: the loss of an example by {furthest:.2g}."
        return Check("start", False, detail)


def merge_check(
    method: Adaptation, model: Model, task: Task, examples: Sequence[Example], *, computed_in: str
) -> Check:
    """Whether the model answers as before once what was trained is folded into its own layers.

    The model is spent: folding it in place keeps no second one. `computed_in` names the type of
    the matrix products. The default random generator is left as it was.
    """
    separate = {name for name, _ in model.module.named_parameters()}
    types = {str(weight.dtype).removeprefix("torch.") for weight in model.module.parameters()}
    tolerance = max(TOLERANCE.get(kind, 0.0) for kind in {*types, computed_in})
    with torch.random.fork_rng(devices=[]):
        before = _logits(task, examples, model)
        plain = method.folded(model)
        if plain is None:
            return Check("merge", None, "what this method trains does not fold into the model.")
        if separate == {name for name, _ in plain.named_parameters()}:
            return Check("merge", None, "this method trains nothing beside the model's own layers.")
        after = _logits(task, examples, replace(model, module=plain))
    if before.shape != after.shape or not after.isfinite().all():
        return Check("merge", False, "the merged model gives no finite logits of the same shape.")
    furthest = float((after - before).abs().max())
    detail = f"a logit by {furthest:.2g} at most on {len(examples)} examples"
    if furthest > tolerance * max(1.0, float(before.abs().max())):
        return Check("merge", False, f"merging changes the model's answers: {detail}.")
    return Check("merge", True, f"merging leaves the answers as they were: it moves {detail}.")


@contextmanager
def _quietly(module: nn.Module) -> Iterator[None]:
    """Inside, without dropout and without gradients."""
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        module.train(was_training)


def _losses(task: Task, examples: Sequence[Example], model: Model) -> Tensor:
    """The loss of each example alone, without dropout; shape (examples,)."""
    with _quietly(model.module):
        encoded = task.encode(examples, model.processor, max_length=limit(task, None, model))
        batches = [task.collate([example], model.processor).to(model.device) for example in encoded]
        return torch.stack([task.loss(model.module, batch).total.float() for batch in batches])


def _logits(task: Task, examples: Sequence[Example], model: Model) -> Tensor:
    """All logits that the losses of the examples are made of, one after another, on the CPU."""
    found: list[Tensor] = []

    def keep(module: nn.Module, inputs: Any, output: Any) -> None:
        found.append(output.logits.double().flatten().cpu())

    hook = model.module.register_forward_hook(keep)
    try:
        _losses(task, examples, model)
    finally:
        hook.remove()
    return torch.cat(found)
