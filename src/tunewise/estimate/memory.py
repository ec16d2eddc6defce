"""The memory of a contender before it runs: the real step, taken on fake tensors."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from textwrap import shorten
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)

from tunewise.backbones.fusion import Fusion
from tunewise.backbones.model import Model
from tunewise.backbones.transformers_logging import quiet
from tunewise.core.errors import InputError
from tunewise.core.phases import Phase
from tunewise.costs.memory import Memory, StepMeter, held_tensors
from tunewise.decoding.stopping import end_tokens
from tunewise.estimate.fake_tensors import Mute, NotPredictable, StandIns, faked, fill_with_fakes
from tunewise.estimate.step_shape import StepBatches, StepShape, step_batches
from tunewise.methods.base import Adaptation, AsIs
from tunewise.tasks.base import Asking, Batch, Task
from tunewise.training.assembly import compute_as, settle
from tunewise.training.encoded_split import with_features
from tunewise.training.features import Stub, is_frozen, run_backbone
from tunewise.training.linear_head import is_solved
from tunewise.training.loop import Learner
from tunewise.training.optimizer import make_optimizer
from tunewise.training.settings import STEPS, TrainingSettings
from tunewise.training.vectors import frozen_encoders

MOST_LETTERS = 120  # letters of what a library says
FIRST = "cls"  # the pool that is counted; which one a head reads costs the same memory
STEPS_IN_ALL = 1000  # of the training that a step is thought to belong to
TRAINING = ("forward", "backward", "update")


@dataclass(frozen=True)
class MemoryPrediction:
    """What is known of a contender before it runs."""

    memory: Memory
    stored_features: bool  # the backbone is frozen, and its outputs stand for it
    solved: bool = False  # its head is solved: it takes no step

    @property
    def most_bytes(self) -> int:
        return self.memory.most_bytes


def predict_memory(
    model: Model,
    task: Task,
    method: Adaptation,
    training: TrainingSettings,
    shape: StepShape,
    *,
    device: str = "cpu",
) -> MemoryPrediction:
    """Take one step of the training loop and one evaluation on fake tensors.

    The optimizer has its state already, as from the second step on. `model` lies on the meta
    device and stays as it is; `device` is where the training would run, and is not touched.

    Raises:
        InputError: the method does not fit this model.
        NotPredictable: what the step does depends on values.
    """
    return predict_applied(applied(model, method), task, method, training, shape, device=device)


def applied(model: Model, method: Adaptation | AsIs) -> Model:
    """A copy of a model on fake tensors, with the method applied.

    Raises:
        InputError: the method does not fit this model.
        NotPredictable: it cannot be applied to shapes alone.
    """
    copied = replace(model, module=copy.deepcopy(model.module))
    try:
        method.prepare(copied)
    except (NotImplementedError, RuntimeError, InputError) as error:
        if isinstance(error, InputError) and not _needs_weights(method):
            raise
        reason = shorten(str(error).strip().splitlines()[0], MOST_LETTERS, placeholder=" ...")
        raise NotPredictable(
            f"it is built from weights, which a prediction does not load ({reason})."
        ) from error
    return copied


def _needs_weights(method: Adaptation | AsIs) -> bool:
    return isinstance(method, Adaptation) and method.needs_weights


def predict_applied(
    model: Model,
    task: Task,
    method: Adaptation | AsIs,
    training: TrainingSettings,
    shape: StepShape,
    *,
    device: str = "cpu",
) -> MemoryPrediction:
    """As `predict_memory`, of a model that `applied` made; it is used up.

    Of a method that trains nothing the evaluation alone.
    """
    batches = step_batches(model, task, shape, packs=training.packing)
    stand_ins = StandIns(1, ())
    if batches.prompts:
        module: Any = model.module
        words = module.get_input_embeddings().num_embeddings
        stand_ins = StandIns(words, end_tokens(module, model.processor))
    try:
        with quiet(), FakeTensorMode(allow_non_fake_inputs=True), stand_ins:
            fill_with_fakes(model.module, device)
            compute_as(model, training)
            settle(model, training)
            batches = batches.mapped(lambda batch: faked(batch, device))
            if isinstance(method, AsIs):
                return count_asking(model, task, batches)
            return count_step(model, task, method, training, batches)
    except (DataDependentOutputException, DynamicOutputShapeException) as error:
        raise NotPredictable(
            f"it reads values ({error.func}), which fake tensors do not have."
        ) from error
    except (NotImplementedError, RuntimeError, AssertionError) as error:
        if not _needs_weights(method):
            raise
        reason = str(error).strip().splitlines()[0]
        raise NotPredictable(f"it uses what runs on real tensors alone ({reason}).") from error


def count_step(
    model: Model, task: Task, method: Adaptation, training: TrainingSettings, given: StepBatches
) -> MemoryPrediction:
    """Take one step and one evaluation, real or fake, and count storages.

    Before the step frozen parts read what they are given, and after the evaluation answers are
    written, in the first way and, where there are several, in every way. `model` has the method
    applied and lies on its device; its weights change where they are real.
    """
    solved = is_solved(model, training)
    stepped = replace(training, optimizer=STEPS) if solved else training
    optimizer = make_optimizer(model.module, method.groups(model), stepped)
    method.begin(model, STEPS_IN_ALL)
    if not solved:
        # The optimizer makes its state, as its first step does.
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        for weight in weights:
            weight.grad = torch.zeros_like(weight)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    meter = StepMeter(held_tensors(model.module), optimizer)
    batches, evaluation = list(given.training), given.evaluation
    stub = _stub_for(model, evaluation) if is_frozen(model) else None
    encoders = frozen_encoders(model) if given.read is not None else ()
    # Copies, which go when they are read: what is touched counts for as long as it lives.
    copies = {n: tensor.clone() for n, tensor in (given.read or evaluation).inputs.items()}
    rows: dict[str, Tensor] = {}  # of what frozen parts put out, by the argument that takes it
    with meter.counting() as phase:
        if stub is not None:
            rows["inputs_embeds"] = _backbone_row(model, replace(evaluation, inputs=copies), phase)
        elif encoders:
            rows = _vector_rows(model, copies, encoders, phase)
        copies.clear()
        batches = [_with_rows(batch, rows) for batch in batches]
        with _replaced(model, stub) if stub is not None else nullcontext():
            if not solved:
                learner = Learner(model, task, method, optimizer, training.clip_norm, seed=0)
                learner.step(2, batches, learning_rate=1e-3, phase=phase)
                optimizer.zero_grad(set_to_none=True)
            model.module.eval()
            del batches
            _ask(model, task, _with_rows(evaluation, rows), given.prompts, phase)
    stored = stub is not None or set(encoders) == {"image", "text"}
    return MemoryPrediction(meter.memory(), stored, solved)


def count_asking(model: Model, task: Task, given: StepBatches) -> MemoryPrediction:
    """An evaluation of a model that nothing is trained of, real or fake."""
    meter = StepMeter(held_tensors(model.module), None)
    model.module.eval()
    with meter.counting() as phase:
        _ask(model, task, given.evaluation, given.prompts, phase)
    return MemoryPrediction(meter.memory(), stored_features=False)


def _backbone_row(model: Model, batch: Batch, phase: Phase) -> Tensor:
    """One row of a frozen backbone's outputs for a batch; in a trial they all lie in a file.

    A function of its own, so that nothing holds the other rows while steps are counted.
    """
    with phase("features"), torch.no_grad():
        features = run_backbone(model, batch, FIRST)
    return features[:1].clone()


def _vector_rows(
    model: Model, inputs: Mapping[str, Tensor], encoders: Sequence[str], phase: Phase
) -> dict[str, Tensor]:
    """One vector of each frozen encoder, by the argument that the model takes it by."""
    module: Any = model.module
    assert isinstance(module, Fusion)
    rows, tokens = {}, {name: inputs[name] for name in inputs if name != "pixel_values"}
    with torch.no_grad():
        if "text" in encoders:
            with phase("texts"):
                rows["text_embeds"] = module.text(**tokens).float()[:1].clone()
        if "image" in encoders:
            with phase("pictures"):
                rows["image_embeds"] = module.image(inputs["pixel_values"]).float()[:1].clone()
    return rows


def _with_rows(batch: Batch, rows: Mapping[str, Tensor]) -> Batch:
    """The batch with a row for each example in the place of what frozen parts would read."""
    filled = {
        name: row.expand(len(batch.ids), *row.shape[1:]).clone() for name, row in rows.items()
    }
    if "inputs_embeds" in filled:
        return with_features(batch, filled["inputs_embeds"])
    return replace(batch, inputs={**batch.inputs, **filled})


def _ask(model: Model, task: Task, evaluation: Batch, prompts: Batch | None, phase: Phase) -> None:
    """Evaluate, and write answers of the greatest length: in the first way, and in every way."""
    with phase("evaluation"):
        with torch.no_grad():  # inference mode bypasses fake tensors
            task.loss(model.module, evaluation)
        if prompts is not None:
            processor = Mute(model.processor.eos_token_id)
            task.predict(model.module, prompts, Asking(processor, phase=phase))
            if task.writing and len(task.writing.strategies) > 1:
                task.predict(model.module, prompts, Asking(processor, thorough=True, phase=phase))


def _stub_for(model: Model, batch: Batch) -> Stub | None:
    """What stands for a frozen backbone; None where the head reads more than one position.

    Which position it reads shows in values alone, and costs the same memory.
    """
    (path,) = model.backbones.values()
    backbone = model.module.get_submodule(path)
    with torch.no_grad():
        features = run_backbone(model, batch, FIRST)
        stub = Stub(backbone, has_pooler=features.shape[1] == 2)
        try:
            with _replaced(model, stub):
                model.module(**with_features(batch, features).inputs)
        except (RuntimeError, TypeError, IndexError):
            return None
    return stub


@contextmanager
def _replaced(model: Model, stub: Stub) -> Iterator[None]:
    (path,) = model.backbones.values()
    backbone = model.module.get_submodule(path)
    model.module.set_submodule(path, stub)
    try:
        yield
    finally:
        model.module.set_submodule(path, backbone)
