"""What goes wrong without an error: each thing is looked for in every training, and reported.

A finding is a line in the trial's record, never a crash. Here is what shows while a training
runs; `weights` looks at the weights, `answers` at what a model answers before
and after a method is applied or merged. Looking costs two sums over the bits of every weight, a
sum over each batch's mask and a few small batches; the loop itself is not slowed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tunewise.core.format import first_of
from tunewise.data.examples import Prediction
from tunewise.data.labels import IGNORED
from tunewise.store.trial_records import Check
from tunewise.tasks.base import Batch

BINS = 10  # a training's steps in tenths
LEAST_STEPS = 5 * BINS  # with fewer, a tenth of them says little
NOISE = 2.0  # standard errors that a fall of the loss must exceed


@dataclass
class Findings:
    """What was found while training, as far as it has come: plain values of a checkpoint."""

    unmoved: list[str] | None = None  # trained tensors as they were after `SETTLED` steps
    moved: list[str] | None = None  # frozen tensors that changed by then
    batches: int = 0  # seen so far, each part of a step for itself
    empty: int = 0  # of these, held nothing to learn
    masked: int = 0  # of these, have a mask that could be compared with their tokens
    hidden: int = 0  # real tokens that a mask hid, or padding that it showed
    single_class: list[int] = field(default_factory=list)  # epochs with one answer for all
    losses: list[list[float]] = field(default_factory=lambda: [[0, 0.0, 0.0] for _ in range(BINS)])

    def add_loss(self, step: int, steps: int, loss: float) -> None:
        """Count a step's loss towards its tenth: how many, their sum, the sum of squares."""
        found = self.losses[min((step - 1) * BINS // steps, BINS - 1)]
        found[0] += 1
        found[1] += loss
        found[2] += loss * loss

    def add_batch(self, batch: Batch) -> bool:
        """Count a batch that is about to be learned from; False where it holds nothing to learn.

        Nothing is to be learned where no label is asked for, and nothing where there is no text.
        """
        mask = batch.inputs.get("attention_mask")
        shown = None if mask is None else int(mask.sum())
        learnt = batch.targets > 0 and bool((batch.labels != IGNORED).any())
        learnt = learnt and batch.real_tokens > 0 and shown != 0
        self.batches += 1
        self.empty += not learnt
        if shown is not None and "input_ids" in batch.inputs:  # not a backbone's stored outputs
            self.masked += 1
            self.hidden += abs(batch.real_tokens - shown)
        return learnt

    def add_answers(self, epoch: int, predictions: Sequence[Prediction]) -> None:
        answered = [one for one in predictions if one.written or one.probabilities]
        if len(answered) > 1 and len({one.answer for one in answered}) == 1:
            self.single_class.append(epoch)


def checks_of(findings: Findings, *, steps: int, epochs: int) -> list[Check]:
    """What the findings of a whole training come to, after so many steps and evaluations."""
    return [
        _moved(findings),
        _still(findings),
        _learnt(findings),
        _mask(findings),
        _answers(findings.single_class, epochs),
        _loss(findings.losses, steps),
    ]


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
        return Check("moved", False, f"trained, but never moved: {first_of(findings.unmoved)}.")
    return Check("moved", True, "every trained tensor moved.")


def _still(findings: Findings) -> Check:
    if findings.moved is None:
        return Check("frozen", None, "no step was taken.")
    if findings.moved:
        return Check("frozen", False, f"frozen, but changed: {first_of(findings.moved)}.")
    return Check("frozen", True, "every frozen tensor is bit by bit as it was.")


def _learnt(findings: Findings) -> Check:
    if not findings.batches:
        return Check("learnt", None, "no batch was seen.")
    detail = f"{findings.empty:,} of {findings.batches:,} batches held nothing to learn"
    return Check("learnt", not findings.empty, f"{detail}.")


def _mask(findings: Findings) -> Check:
    if not findings.masked:
        return Check("mask", None, "no batch has tokens with a mask over them.")
    if findings.hidden:
        detail = f"the masks of {findings.masked:,} batches differ from their texts"
        return Check("mask", False, f"{detail} by {findings.hidden:,} tokens.")
    return Check("mask", True, "the masks show the tokens of the texts and no padding.")


def _answers(single_class: Sequence[int], epochs: int) -> Check:
    """One answer for everything at the last evaluation; at an earlier one it was a slow start."""
    if not single_class:
        return Check("answers", True, "more than one answer at every evaluation.")
    when = f"epoch {', '.join(map(str, single_class))} of {epochs}"
    if len(single_class) == epochs > 1:
        when = f"each of {epochs} epochs"
    detail = f"one answer for all validation examples at {when}."
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
    change = f"{before:.3g} in the first tenth of the steps, {after:.3g} in the last"
    if before - after > noise:
        return Check("loss", True, f"the training loss fell: {change}.")
    return Check("loss", False, f"the training loss did not fall by more than its noise: {change}.")


def _variance_of_mean(tenth: Sequence[float]) -> float:
    count, total, squares = tenth
    if count < 2:
        return 0.0
    return max(squares - total * total / count, 0.0) / (count - 1) / count
