"""The memory of a contender before it runs: the real step, taken on tensors without numbers."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from torch.utils._python_dispatch import TorchDispatchMode

from tunewise.backbones.model import Model
from tunewise.backbones.quiet import quiet
from tunewise.core.errors import InputError
from tunewise.costs.largest import largest
from tunewise.costs.memory import Memory, StepMeter, held_tensors
from tunewise.methods.base import Adaptation
from tunewise.tasks.base import Batch, Encoded, Task
from tunewise.training.adapt import training_mode
from tunewise.training.assembly import settle
from tunewise.training.features import REDUCTIONS, Stub, is_frozen, run_trunk
from tunewise.training.feed import with_features
from tunewise.training.loop import train
from tunewise.training.optimizer import make_optimizer
from tunewise.training.predictor import EVALUATION_BATCH
from tunewise.training.settings import TrainingSettings

OURSELVES = ("torch", __name__, "tunewise.costs.memory")  # through which every operation passes
STEPS = 1000  # of the training that a step is thought to belong to
TRAINING = ("forward", "backward", "update")
READERS = ("tunewise", "transformers")  # whose reading of a number changes no shape


class NotPredictable(Exception):
    """What a step does depends on numbers, of which a prediction has none; the text says where."""


@dataclass(frozen=True)
class StepShape:
    """How much enters at once. `tokens` are those of the longest example, padding included."""

    examples: int  # of a step, over all its parts
    tokens: int
    parts: int = 1
    evaluated: int = EVALUATION_BATCH  # examples of an evaluation batch
    evaluated_tokens: int | None = None  # None: as in training

    @property
    def examples_at_once(self) -> int:
        return -(-self.examples // self.parts)


@dataclass(frozen=True)
class Foreseen:
    """What is known of a contender before it runs."""

    memory: Memory
    stored_features: bool  # the trunk is frozen, and its outputs stand for it

    @property
    def most_bytes(self) -> int:
        return self.memory.most_bytes


def foresee(
    model: Model,
    task: Task,
    method: Adaptation,
    training: TrainingSettings,
    shape: StepShape,
    *,
    device: str = "cpu",
) -> Foreseen:
    """Take one step of the training loop and one evaluation without any numbers.

    The optimiser has its state already, as from the second step on. `model` lies on the meta
    device and stays as it is; `device` is where the training would run, and is not touched.

    Raises:
        InputError: the method does not fit this model.
        NotPredictable: what the step does depends on numbers.
    """
    return foresee_applied(applied(model, method), task, method, training, shape, device=device)


def applied(model: Model, method: Adaptation) -> Model:
    """A copy of a model without numbers, with the method applied.

    Raises:
        InputError: the method does not fit this model.
        NotPredictable: it cannot be applied to shapes alone.
    """
    copied = replace(model, module=copy.deepcopy(model.module))
    try:
        method.prepare(copied)
    except (NotImplementedError, RuntimeError, InputError) as error:
        if isinstance(error, InputError) and not method.needs_numbers:
            raise
        reason = str(error).strip().splitlines()[0]
        raise NotPredictable(
            f"it is built from numbers, of which there are none ({reason})."
        ) from error
    return copied


def foresee_applied(
    model: Model,
    task: Task,
    method: Adaptation,
    training: TrainingSettings,
    shape: StepShape,
    *,
    device: str = "cpu",
) -> Foreseen:
    """As `foresee`, of a model that `applied` made; it is used up."""
    rows = fake_examples(model, shape.examples_at_once, shape.tokens)
    held_back = fake_examples(model, shape.evaluated, shape.evaluated_tokens or shape.tokens)
    try:
        with quiet(), FakeTensorMode(allow_non_fake_inputs=True) as fakes, _StandIns():
            _fill_with_fakes(model.module, device)
            settle(model, training)
            batch = _faked(task.collate(rows, model.coder), fakes, device)
            evaluation = _faked(task.collate(held_back, model.coder), fakes, device)
            return count_step(model, task, method, training, [batch] * shape.parts, evaluation)
    except (DataDependentOutputException, DynamicOutputShapeException) as error:
        raise NotPredictable(
            f"it reads numbers ({error.func}), and a prediction has none."
        ) from error
    except (NotImplementedError, RuntimeError, AssertionError) as error:
        if not method.needs_numbers:
            raise
        reason = str(error).strip().splitlines()[0]
        raise NotPredictable(f"it uses what runs on real numbers alone ({reason}).") from error


def largest_batch(
    model: Model,
    task: Task,
    method: Adaptation,
    training: TrainingSettings,
    tokens: int,
    *,
    limit_bytes: int,
    most: int = 1024,
    device: str = "cpu",
) -> int:
    """The most examples of so many tokens that one part of a step can hold; 0 where not one fits.

    Found by bisection over predictions up to `most`. The libraries are not part of the limit.

    Raises:
        InputError, NotPredictable: as `foresee`.
    """

    def fits(examples: int) -> bool:
        shape = StepShape(examples, tokens, evaluated=1)
        memory = foresee(model, task, method, training, shape, device=device).memory
        return max(memory.peak_bytes(phase) for phase in TRAINING) <= limit_bytes

    return largest(fits, most)


def count_step(  # noqa: PLR0917
    model: Model,
    task: Task,
    method: Adaptation,
    training: TrainingSettings,
    batches: Sequence[Batch],
    evaluation: Batch,
) -> Foreseen:
    """Take one step over the batches and one evaluation, real or fake, and count storages.

    `model` has the method applied and lies on its device; its weights change where they are real.
    """
    optimizer = make_optimizer(model.module, method.groups(model), training)
    method.begin(model, STEPS)
    _give_state(optimizer)
    meter = StepMeter(held_tensors(model.module), optimizer)
    stub = _stub_for(model, evaluation) if is_frozen(model) else None
    # Copies, which go when the features are made: what is touched counts for as long as it lives.
    given = {name: tensor.clone() for name, tensor in evaluation.inputs.items()}
    with meter.counting() as entering:
        if stub is not None:
            entering("features")
            with torch.no_grad():
                features = run_trunk(model, replace(evaluation, inputs=given), "first")
            entering("done")
            row, count = features[:1].clone(), len(features)
            del features  # in a trial they lie in a file
            batches = [
                with_features(batch, row.expand(len(batch.ids), -1, -1).clone())
                for batch in batches
            ]
        given.clear()
        with _replaced(model, stub) if stub is not None else nullcontext():
            training_mode(model)
            train(
                model.module,
                task,
                [(2, batches)],
                optimizer,
                learning_rate=lambda step: 1e-3,
                clip_norm=training.clip_norm,
                seed=0,
                penalty=lambda: method.penalty(model),
                after_step=lambda step: None,
                entering=entering,
            )
            model.module.eval()
            if stub is not None:
                del batches
                evaluation = with_features(evaluation, row.expand(count, -1, -1).clone())
            entering("evaluation")
            with torch.no_grad():  # inference mode bypasses fake tensors
                task.loss(model.module, evaluation)
            entering("done")
    return Foreseen(meter.memory(), stub is not None)


def _give_state(optimizer: torch.optim.Optimizer) -> None:
    """Let the optimiser make its state, as its first step does."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    for weight in weights:
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def _stub_for(model: Model, batch: Batch) -> Stub | None:
    """What stands for a frozen trunk; None where the head reads more than one position.

    Which position it reads shows in numbers alone, and costs the same memory.
    """
    (path,) = model.trunks.values()
    trunk = model.module.get_submodule(path)
    with torch.no_grad():
        features = run_trunk(model, batch, next(iter(REDUCTIONS)))
        stub = Stub(trunk, has_pooler=features.shape[1] == 2)
        try:
            with _replaced(model, stub):
                model.module(**with_features(batch, features).inputs)
        except (RuntimeError, TypeError, IndexError):
            return None
    return stub


@contextmanager
def _replaced(model: Model, stub: Stub) -> Iterator[None]:
    (path,) = model.trunks.values()
    trunk = model.module.get_submodule(path)
    model.module.set_submodule(path, stub)
    try:
        yield
    finally:
        model.module.set_submodule(path, trunk)


def _fill_with_fakes(module: nn.Module, device: str) -> None:
    """Put a fake tensor of the device in the place of every parameter and buffer."""
    made: dict[int, Tensor] = {}  # tied parameters stay one
    for owner in module.modules():
        for values in (owner._parameters, owner._buffers):
            for name, old in values.items():
                if old is None:
                    continue
                if id(old) not in made:
                    fake = torch.empty_strided(
                        old.shape, old.stride(), dtype=old.dtype, device=device
                    )
                    made[id(old)] = (
                        nn.Parameter(fake, requires_grad=old.requires_grad)
                        if isinstance(old, nn.Parameter)
                        else fake
                    )
                values[name] = made[id(old)]  # type: ignore[assignment]  # of the old one's type


def fake_examples(model: Model, examples: int, tokens: int) -> list[Encoded]:
    """Examples of one length; all but the first are a token shorter, so that there is padding."""
    names = ["input_ids", "attention_mask"]
    if "token_type_ids" in getattr(model.coder, "model_input_names", ()):
        names.append("token_type_ids")
    lengths = [tokens, *[max(1, tokens - 1)] * (examples - 1)]
    return [
        Encoded(
            str(number),
            {name: [int(name == "attention_mask")] * length for name in names},
            0,
            length,
        )
        for number, length in enumerate(lengths)
    ]


def _faked(batch: Batch, fakes: FakeTensorMode, device: str) -> Batch:
    def fake(tensor: Tensor) -> Tensor:
        return torch.empty(tensor.shape, dtype=tensor.dtype, device=device)

    inputs = {name: fake(tensor) for name, tensor in batch.inputs.items()}
    return replace(batch, inputs=inputs, labels=fake(batch.labels))


class _StandIns(TorchDispatchMode):
    """Gives a number where ours or the models' code reads one that decides nothing.

    The loop reads losses and norms; what an adapter reads may decide shapes, so that is refused.
    """

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default:
            reader, place = _reader()
            if reader not in READERS:
                raise NotPredictable(f"{place} reads a number, and a prediction has none.")
            kind = args[0].dtype
            return False if kind == torch.bool else 1.0 if kind.is_floating_point else 1
        return func(*args, **(kwargs or {}))


def _reader() -> tuple[str, str]:
    """The package and the place of the innermost code that is not torch's own."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith(OURSELVES):
        frame = frame.f_back  # type: ignore[assignment]  # None ends the loop
    name = frame.f_globals.get("__name__", "") if frame is not None else ""
    return name.partition(".")[0], name
