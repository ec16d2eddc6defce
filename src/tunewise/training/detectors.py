"""What goes wrong without an error: each thing is looked for in every training, and told.

A finding is a line in the trial's record, never a crash. Looking costs two sums over the bits of
every weight, and one small batch before training; the loop itself is not slowed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from tunewise.backbones.model import Model
from tunewise.data.examples import Example, Prediction
from tunewise.tasks.base import Task

SETTLED = 3  # steps: LoRA's A has no gradient in the first, because its B is zero
BINS = 10  # a training's steps in tenths
LEAST_STEPS = 5 * BINS  # with fewer, a tenth of them says little
NOISE = 2.0  # standard errors that a fall of the loss must exceed
RTOL, ATOL = 1e-3, 1e-4  # other kernels round otherwise; a wrong start is far off
SAMPLE = 2  # examples of the batch that is answered before and after the method is applied
MOST_NAMES = 3  # of tensors in a sentence


@dataclass(frozen=True)
class Check:
    """One thing looked for. `passed` is None where it could not be judged; `detail` says why."""

    name: str
    passed: bool | None
    detail: str

    def plain(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Findings:
    """What was found while training, as far as it has come: plain values of a checkpoint."""

    unmoved: list[str] | None = None  # trained tensors as they were after `SETTLED` steps
    moved: list[str] | None = None  # frozen tensors that changed by then
    single_class: list[int] = field(default_factory=list)  # epochs with one answer for all
    losses: list[list[float]] = field(default_factory=lambda: [[0, 0.0, 0.0] for _ in range(BINS)])

    def add_loss(self, step: int, steps: int, loss: float) -> None:
        """Count a step's loss towards its tenth: how many, their sum, the sum of squares."""
        found = self.losses[min((step - 1) * BINS // steps, BINS - 1)]
        found[0] += 1
        found[1] += loss
        found[2] += loss * loss

    def add_answers(self, epoch: int, predictions: Sequence[Prediction]) -> None:
        if len(predictions) > 1 and len({answer.answer for answer in predictions}) == 1:
            self.single_class.append(epoch)


class Watch:
    """Remembers the weights a training starts from, to say later which of them moved."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.start = _sums(module)
        self.trained = {name for name, w in module.named_parameters() if w.requires_grad}

    def look(self, findings: Findings) -> None:
        """Note what has moved by now that should not have, and what has not that should have.

        A tensor that is slow to move, under a long warm-up, is forgiven once it has moved.
        """
        now = _sums(self.module)
        still = [name for name in now if now[name] == self.start.get(name)]
        unmoved = [name for name in still if name in self.trained]
        if findings.unmoved is not None:
            unmoved = [name for name in unmoved if name in findings.unmoved]
        moved = [name for name in now if name not in still and name not in self.trained]
        findings.unmoved = unmoved
        findings.moved = sorted({*moved, *(findings.moved or [])})


def checks_of(findings: Findings, *, steps: int, epochs: int) -> list[Check]:
    """What the findings of a whole training come to, after so many steps and evaluations."""
    checks = [_moved(findings), _still(findings), _answers(findings.single_class, epochs)]
    return [*checks, _loss(findings.losses, steps)]


def as_promised(
    module: nn.Module, head: Sequence[str], promised: Mapping[str, int] | None
) -> Check:
    """Whether as many numbers are trained as the plan says, the head's among them."""
    named = dict(module.named_parameters())
    trained = sum(weight.numel() for weight in named.values() if weight.requires_grad)
    frozen_head = [name for name in head if name in named and not named[name].requires_grad]
    if frozen_head:
        return Check("promised", False, f"the head is not trained: {_listed(frozen_head)}.")
    if promised is None:
        return Check("promised", None, f"{trained:,} numbers are trained; no plan says how many.")
    if trained != promised["trainable"]:
        detail = f"{trained:,} numbers are trained where the plan has {promised['trainable']:,}."
        return Check("promised", False, detail)
    return Check("promised", True, f"{trained:,} numbers are trained, as planned.")


class StartCheck:
    """Compares a model's answers before and after a method is applied to it.

    Call it with the model before `prepare`, then ask for the check after.
    """

    def __init__(self, task: Task, examples: Sequence[Example]) -> None:
        self.task = task
        short = sorted(examples, key=lambda example: sum(map(len, example.texts)))
        self.examples = short[:SAMPLE]
        self.before: Tensor | None = None

    def __call__(self, model: Model) -> None:
        self.before = self._losses(model)

    def check(self, model: Model, *, promised: bool) -> Check:
        if not promised:
            return Check("start", None, "this method does not start at the pretrained model.")
        if self.before is None:
            return Check("start", None, "nothing was answered before.")
        after = self._losses(model)
        furthest = float((after - self.before.to(after)).abs().max())
        if torch.allclose(after, self.before.to(after), rtol=RTOL, atol=ATOL):
            return Check("start", True, "applying the method left every answer as it was.")
        detail = f"applying the method changed the model: the loss of an example by {furthest:.2g}."
        return Check("start", False, detail)

    @torch.no_grad()
    def _losses(self, model: Model) -> Tensor:
        """The loss of each example alone, without dropout; shape (examples,)."""
        was_training = model.module.training
        model.module.eval()
        encoded = self.task.encode(
            self.examples, model.coder, max_length=self.task.limit(None, model)
        )
        batches = [self.task.collate([item], model.coder).to(model.device) for item in encoded]
        losses = [self.task.loss(model.module, batch).total.float() for batch in batches]
        model.module.train(was_training)
        return torch.stack(losses)


def all_saved(folder: Path, trainable: int) -> Check:
    """Whether the artefact holds as many numbers as were trained: a lost head would be missing."""
    saved = 0
    for path in folder.rglob("*.safetensors"):
        with safe_open(path, "pt") as file:
            saved += sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118  # no mapping
    if saved < trainable:
        return Check("saved", False, f"{saved:,} numbers are saved of {trainable:,} trained.")
    return Check("saved", True, "every trained number is in the artefact.")


def guarded(look: Callable[[], Check], name: str) -> Check:
    """The check, or that it could not be made: a detector that fails must not end a trial."""
    try:
        return look()
    except MemoryError:
        raise
    except Exception as error:
        return Check(name, None, f"could not be looked at ({type(error).__name__}: {error}).")


def _moved(findings: Findings) -> Check:
    if findings.unmoved is None:
        return Check("moved", None, "no step was taken.")
    if findings.unmoved:
        return Check("moved", False, f"trained, but never moved: {_listed(findings.unmoved)}.")
    return Check("moved", True, "every trained tensor moved.")


def _still(findings: Findings) -> Check:
    if findings.moved is None:
        return Check("frozen", None, "no step was taken.")
    if findings.moved:
        return Check("frozen", False, f"frozen, but changed: {_listed(findings.moved)}.")
    return Check("frozen", True, "every frozen tensor is bit by bit as it was.")


def _answers(single_class: Sequence[int], epochs: int) -> Check:
    """One answer for everything at the last evaluation; at an earlier one it was a slow start."""
    if not single_class:
        return Check("answers", True, "more than one answer at every evaluation.")
    listed = ", ".join(map(str, single_class))
    detail = f"one answer for all validation examples at epoch {listed} of {epochs}."
    return Check("answers", single_class[-1] != epochs, detail)


def _loss(bins: Sequence[Sequence[float]], steps: int) -> Check:
    """The last tenth that was reached against the first, by two standard errors."""
    full = [tenth for tenth in bins if tenth[0]]
    if steps < LEAST_STEPS or len(full) < 2:
        detail = f"fewer than {LEAST_STEPS} steps, too few to judge by."
        return Check("loss", None, detail)
    first, last = full[0], full[-1]
    before, after = (total / count for count, total, _ in (first, last))
    noise = NOISE * math.sqrt(_variance_of_mean(first) + _variance_of_mean(last))
    told = f"{before:.3g} in the first tenth of the steps, {after:.3g} in the last"
    if before - after > noise:
        return Check("loss", True, f"the training loss fell: {told}.")
    return Check("loss", False, f"the training loss did not fall by more than its noise: {told}.")


def _variance_of_mean(tenth: Sequence[float]) -> float:
    count, total, squares = tenth
    if count < 2:
        return 0.0
    return max(squares - total * total / count, 0.0) / (count - 1) / count


BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
PIECE = 1 << 20  # numbers summed at once: torch copies what it sums in another type


@torch.no_grad()
def _sums(module: nn.Module) -> dict[str, int]:
    """The sum of each parameter's bits, read as whole numbers: any one change changes it."""
    return {name: _sum(weight.detach()) for name, weight in module.named_parameters()}


def _sum(weight: Tensor) -> int:
    bits = weight.view(BITS[weight.element_size()]).reshape(-1)
    return sum(int(piece.sum(dtype=torch.int64)) for piece in bits.split(PIECE))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMES])
    return shown if len(names) <= MOST_NAMES else f"{shown} and {len(names) - MOST_NAMES} more"
