"""A head that is one linear layer on a frozen backbone is solved, not stepped.

Its cross-entropy is convex: multinomial logistic regression on vectors that do not change. L-BFGS
finds the one minimum in seconds, whatever the seed, where steps need a rate and may stop short.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tunewise.backbones.model import Model
from tunewise.core.errors import InputError
from tunewise.methods.logistic_path import Labeled, LinearClassifier, LogisticPath
from tunewise.store.trial_records import RegularizationRecord
from tunewise.training.batches import evaluation_batches
from tunewise.training.encoded_split import Feed
from tunewise.training.features import is_frozen
from tunewise.training.predictor import EVALUATION_BATCH
from tunewise.training.settings import SOLVER, TrainingSettings

STRENGTHS = tuple(10 ** (1 - k / 2) for k in range(11))
"""Of the L2 penalty, strong to weak: 10 leaves little but the bias, 1e-4 next to no penalty."""
MOST_FITS = 2 * len(STRENGTHS)
MOST_ITERATIONS = 1000  # at each strength; warm starts take a tenth of it
TOLERANCE = 1e-5  # of the gradient of the mean loss

Matrix = NDArray[np.float64]


def linear_head(model: Model) -> str | None:
    """The path of the one linear layer that is trained, on a backbone that is frozen.

    None where more is trained than that: a head with a hidden layer is not convex.
    """
    if not is_frozen(model):
        return None
    trained = {n for n, weight in model.module.named_parameters() if weight.requires_grad}
    paths = {name.rpartition(".")[0] for name in trained}
    if len(paths) != 1:
        return None
    (path,) = paths
    return path if isinstance(model.module.get_submodule(path), nn.Linear) else None


def is_solved(model: Model, training: TrainingSettings) -> bool:
    """Whether the settings of an adapted model lead to a solution rather than to steps."""
    return training.optimizer == SOLVER or (
        training.optimizer == "auto" and linear_head(model) is not None
    )


@dataclass(frozen=True)
class Solution:
    """What was tried, strong to weak, and whether the one that was taken has converged."""

    path: tuple[RegularizationRecord, ...]
    iterations: int  # of the solver, over the path
    converged: bool


def solve(
    model: Model,
    train: Feed,
    validation: Feed,
    *,
    classes: int,
    on_fit: Callable[[], None] = lambda: None,
) -> Solution:
    """Put the solution into the head: of those along the path, that of least validation loss.

    The penalty is ``strength / 2 * |W|^2`` beside the mean cross-entropy, on vectors whose features
    are standardized over the training split, and again on vectors that are by one common scale,
    which trusts features of large variance more; the bias is free. The scales of vectors and logits
    (`LogisticPath.best`) are folded into the layer afterwards, so that it reads plain vectors.

    Args:
        model: with a `linear_head`; it is put in evaluation mode.
        train: labeled examples, and possibly some without a label, which are left out.
        validation: likewise.
        classes: how many there are; training may show fewer.
        on_fit: called after each fit, of which there are at most `MOST_FITS`.

    Raises:
        InputError: the layer does not read one vector of each example.
    """
    path = linear_head(model)
    if path is None:
        raise InputError("optimizer = lbfgs: is for a head of one linear layer, not for this one.")
    layer = model.module.get_submodule(path)
    assert isinstance(layer, nn.Linear)
    known, held_out = labeled_inputs(model, layer, train), labeled_inputs(model, layer, validation)
    has_bias = layer.bias is not None
    tried: list[RegularizationRecord] = []
    found: list[tuple[float, Scale, LinearClassifier]] = []
    iterations = 0
    for standardized in (True, False):
        scale = Scale.of(known.x, centered=has_bias, standardized=standardized)
        fits = LogisticPath(
            Labeled(scale(known.x), known.y),
            classes,
            has_bias=has_bias,
            tolerance=TOLERANCE,
            most_iterations=MOST_ITERATIONS,
        )
        # scikit-learn's penalty stands beside the sum of the losses, ours beside their mean.
        penalties = [1 / (len(known.y) * strength) for strength in STRENGTHS]
        best, steps = fits.best(penalties, Labeled(scale(held_out.x), held_out.y), on_fit)
        tried += [
            RegularizationRecord(
                standardized, strength, one.train_loss, one.validation_loss, one.scale
            )
            for strength, one in zip(STRENGTHS, steps, strict=False)
        ]
        found.append((min(one.validation_loss for one in steps), scale, best))
        iterations += fits.iterations
    _, scale, best = min(found, key=lambda one: one[0])
    weight = best.weight / scale.deviation
    _fill(layer.weight, weight)
    if layer.bias is not None:
        _fill(layer.bias, best.bias - weight @ scale.mean)
    return Solution(tuple(tried), iterations, best.converged)


@torch.no_grad()
def _fill(parameter: Tensor, values: Matrix) -> None:
    parameter.copy_(torch.from_numpy(values))


@torch.no_grad()
def labeled_inputs(model: Model, layer: nn.Linear, feed: Feed) -> Labeled:
    """What the layer reads of each example with a label, (examples, d), and the labels."""
    seen: list[Tensor] = []
    rows = np.empty((len(feed.encoded), layer.in_features))
    model.module.eval()
    hook = layer.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    try:
        for places in evaluation_batches(
            [example.length for example in feed.encoded], EVALUATION_BATCH
        ):
            model.module(**feed.batch(places).to(model.device).inputs)
            vectors = seen.pop().float().cpu()
            if vectors.numel() != len(places) * layer.in_features:
                raise InputError(
                    "optimizer = lbfgs: the head reads every token, not one vector of a text; "
                    "set optimizer: adamw for this contender."
                )
            rows[places] = vectors.reshape(len(places), -1).numpy()
    finally:
        hook.remove()
    labels = [example.label for example in feed.encoded]
    kept = [place for place, label in enumerate(labels) if label is not None]
    return Labeled(rows[kept], np.array([labels[place] for place in kept], dtype=np.int64))


@dataclass(frozen=True)
class Scale:
    """Brings vectors to mean 0 and deviation 1, of each feature or of all together.

    Without a bias, which could not take up the shift, only to that size.
    """

    mean: Matrix
    deviation: Matrix

    @classmethod
    def of(cls, x: Matrix, *, centered: bool, standardized: bool) -> Scale:
        mean = x.mean(axis=0) if centered else np.zeros(x.shape[1])
        squares = ((x - mean) ** 2).mean(axis=0)
        deviation = np.sqrt(squares if standardized else np.full_like(squares, squares.mean()))
        return cls(mean, np.where(deviation > 0, deviation, 1.0))

    def __call__(self, x: Matrix) -> Matrix:
        return (x - self.mean) / self.deviation
