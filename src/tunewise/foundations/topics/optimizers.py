"""Gradient descent, SGD, AdaGrad and Adam, from their rules."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.optim import Optimizer

from tunewise.foundations.regression import (
    RECIPES,
    TORCHS,
    Recipe,
    Regression,
    convergence,
    points,
    train,
)
from tunewise.foundations.topic import Check, Topic, difference

EPOCHS = 20
SHOWN = (0, 1, 5, EPOCHS)


def torchs(recipe: Recipe, weights: Tensor) -> Optimizer:
    return TORCHS[recipe.name]([weights], lr=recipe.rate)


def gap(recipe: Recipe, data: Regression) -> float:
    """The largest difference to PyTorch's weights over 100 steps or more, after each epoch."""
    epochs = 100 if recipe.batch is None else -(-100 * recipe.batch // len(data.y))
    ours = train(data, recipe.optimizer, batch=recipe.batch, epochs=epochs, seed=0)
    theirs = train(data, partial(torchs, recipe), batch=recipe.batch, epochs=epochs, seed=0)
    return max(difference(a, b) for a, b in zip(ours, theirs, strict=True))


def example() -> Regression:
    """The regression that the topic trains: fifty points around a plane in four dimensions."""
    return points(50, 4, noise=0.1, generator=torch.Generator().manual_seed(0))


def by_pytorch(data: Regression) -> float:
    """The loss above its minimum after PyTorch's own SGD over the full batch."""
    recipe = RECIPES[0]
    *_, last = train(data, partial(torchs, recipe), batch=recipe.batch, epochs=EPOCHS, seed=0)
    return data.loss(last).item() - data.loss(data.best()).item()


def explain() -> Topic:
    data = example()
    curves = convergence(data, epochs=EPOCHS, seed=0)
    return Topic(
        statement=(
            "A linear regression on 50 points, first with torch.optim and then with the rules "
            "written out. All four move a weight against its gradient; they differ in what the "
            "gradient is taken over and in the length of the step. Gradient descent takes all "
            "examples and comes down smoothly. SGD takes one and makes as many steps an epoch as "
            "there are examples; at a fixed rate it then wanders about the minimum. AdaGrad "
            "divides by the root of the sum of all squared gradients, so its steps shrink. Adam "
            "divides by a running mean of them, and its first step has the length of the rate "
            "whatever the gradient's size. In a study they are called own-gd, own-sgd, "
            "own-adagrad, own-adam; --plot FILE draws how fast each comes down."
        ),
        derivation=(
            "gradient descent, SGD   w <- w - lr g",
            "AdaGrad   s <- s + g^2       w <- w - lr g / (sqrt(s) + eps)",
            "Adam      m <- b1 m + (1 - b1) g        v <- b2 v + (1 - b2) g^2",
            "          w <- w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)",
            "",
            "Bias correction: m starts at 0, so m = (1 - b1) sum_i b1^(t-i) g_i, and those",
            "weights sum to 1 - b1^t. Divided by that, m is a mean of the gradients.",
            "SGD, one example drawn at random: E g_i = (1/n) sum_i g_i, the full gradient.",
        ),
        quantities=(
            ("loss above its minimum after epoch", "  ".join(f"{i:<7}" for i in SHOWN)),
            (f"torch.optim.SGD, batch all, rate {RECIPES[0].rate:g}", f"{by_pytorch(data):>34.1e}"),
            *(
                (
                    f"{recipe.name}, batch {recipe.batch or 'all'}, rate {recipe.rate:g}",
                    "  ".join(f"{curves[recipe.name][i]:.1e}" for i in SHOWN),
                )
                for recipe in RECIPES
            ),
        ),
        checks=tuple(
            Check(f"{recipe.name} against PyTorch's, 100 steps", gap(recipe, data), 1e-6)
            for recipe in RECIPES
        ),
        source="Duchi et al. 2011, JMLR 12; Kingma and Ba 2015, arXiv:1412.6980.",
    )
