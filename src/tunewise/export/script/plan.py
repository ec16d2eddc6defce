"""What the script of a contender is made of: its blocks, what is decided, and its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, floor
from typing import Any

from torch.nn.modules.batchnorm import _BatchNorm

from tunewise.backbones.model import Model, training_mode
from tunewise.backbones.modules import head_modules
from tunewise.core.errors import InputError
from tunewise.export.script.blocks import constants, decided
from tunewise.methods.base import Adaptation
from tunewise.store.trial_records import EpochRecord, TrialResult
from tunewise.training.assembly import Parts, prepared_model
from tunewise.training.course import Course
from tunewise.training.linear_head import linear_head
from tunewise.training.progress import best_epoch
from tunewise.training.settings import DECAY, SOLVER, STEPS, TrainingSettings


def no_script(reason: str) -> InputError:
    return InputError(f"--as script: {reason}")


@dataclass
class Plan:
    """What `assemble` is given.

    `decided` and `constants` begin with the examples of the blocks; whoever knows better puts the
    contender's values in their place. Of a constant that is an example a script makes no use.
    """

    blocks: list[str]
    decided: dict[str, Any] = field(default_factory=lambda: _upper(decided))
    constants: dict[str, Any] = field(default_factory=lambda: _upper(constants))


def _upper(module: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if name.isupper()}


@dataclass
class Structure:
    """A model as it was before its method changed it, by names."""

    parameters: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    head: list[str] = field(default_factory=list)
    new_modules: list[str] = field(default_factory=list)  # that hold the head
    backbones: dict[str, str] = field(default_factory=dict)

    def look(self, model: Model) -> None:
        self.parameters = [name for name, _ in model.module.named_parameters()]
        self.modules = [path for path, _ in model.module.named_modules() if path]
        self.head, self.backbones = list(model.head), dict(model.backbones)
        self.new_modules = head_modules(model) if model.head else []


def adapted(parts: Parts) -> tuple[Model, Structure]:
    """The contender's model before its first step, and what it was made of."""
    structure = Structure()
    model = prepared_model(parts, parts.method, before=structure.look)  # type: ignore[arg-type]  # one of the two that have a model
    return model, structure


def add_training(plan: Plan, parts: Parts, result: TrialResult, model: Model) -> None:
    """The values of the loop."""
    training, method = parts.training, parts.method
    assert isinstance(method, Adaptation)
    plan.constants |= {
        "BATCH_SIZE": training.batch_size,
        "ACCUMULATE": training.parts,  # which one process computes in a row
        "LEARNING_RATE": training.learning_rate or method.learning_rate,
        "WEIGHT_DECAY": training.weight_decay,
        "WARMUP": training.warmup,
        "CLIP_NORM": training.clip_norm,
        "PATIENCE": training.patience,
        "DROPOUT": training.dropout,
        "RESTING": _resting(model),
    }
    if training.precision == "float16":
        raise no_script(
            "no script is written for float16, which needs its loss scaled. Train the contender in "
            "bfloat16 or float32, or export it as a folder."
        )
    if training.quantize is not None:
        raise no_script(
            f"no script is written for quantize: {training.quantize}, whose rounding depends on "
            "the library that does it. Train the contender without, or export it as a folder."
        )
    if training.optimizer == SOLVER:
        plan.decided |= {"SOLVED": True, "TRAINS": False}
        plan.blocks += ["fitted/solved", "fitted/penalty"]
        plan.constants["CLASSIFIER"] = linear_head(model)
        return
    plan.decided |= {
        "OPTIMIZER": STEPS if training.optimizer == "auto" else training.optimizer,
        "SCHEDULE": training.schedule,
        "PRECISION": training.precision,
        "CHOOSE": training.choose,
        "HAS_PATIENCE": training.epochs != "auto" and training.patience is not None,
        "ACCUMULATES": training.parts > 1,
        "RECOMPUTES": training.gradient_checkpointing,
        "SETS_DROPOUT": training.dropout is not None,
        "KEEPS_AVERAGES": any(isinstance(m, _BatchNorm) for m in model.module.modules()),
        "RESTS": bool(_resting(model)),
        "OPEN_LENGTH": training.epochs == "auto",
    }
    if training.epochs == "auto":
        plan.constants |= _length(training, result, parts.task.metrics[0])
    else:
        plan.constants["EPOCHS"] = training.epochs


def _resting(model: Model) -> list[str]:
    """The backbones that the loop leaves in evaluation mode."""
    training_mode(model)
    paths = list(model.backbones.values())
    found = [path for path in paths if not model.module.get_submodule(path).training]
    model.module.eval()
    return found


def _length(
    training: TrainingSettings, result: TrialResult, metric: str
) -> dict[str, int | list[int]]:
    """How long a training of open length was at its constant rate, and in its decay.

    And the epochs that were the best so far when they ended: their weights were kept.
    """
    epochs = result.epochs
    per_epoch = (result.steps or 0) // max(1, len(epochs))
    kept = _kept(epochs, metric) if training.choose == "best" else [e.epoch for e in epochs]
    lengths = (
        (constant, _decay(training, max(epoch for epoch in kept if epoch <= constant)))
        for constant in range(1, len(epochs) + 1)
    )
    constant, decay = next(
        (found for found in lengths if sum(found) == len(epochs)), (len(epochs), 0)
    )
    return {
        "WARMUP_STEPS": ceil(training.warmup * Course(training, per_epoch, 0.0).search_steps),
        "CONSTANT_EPOCHS": constant,
        "DECAY_EPOCHS": decay,
        "KEPT_EPOCHS": kept,
    }


def _kept(epochs: Sequence[EpochRecord], metric: str) -> list[int]:
    """As the trial says; before it did, the epochs with a higher score than all before them."""
    scores = [one.validation for one in epochs]
    return [one.epoch for one in epochs if one.kept] or [
        place for place in range(1, len(epochs) + 1) if best_epoch(scores[:place], metric) == place
    ]


def _decay(training: TrainingSettings, best: int) -> int:
    """The epochs of a decay that begins at the weights of this one."""
    return 0 if training.schedule == "constant" else max(1, floor(DECAY * best))
