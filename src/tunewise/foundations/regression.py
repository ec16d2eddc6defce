"""Linear regression trained step by step, with PyTorch's optimizers and with our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Optimizer

from tunewise.foundations.optimizers import OPTIMIZERS


@dataclass(frozen=True)
class Regression:
    """Points ``y = X w + b + noise``: X (n, inputs), y (n,)."""

    X: Tensor
    y: Tensor

    def loss(self, weights: Tensor, rows: slice | Tensor = slice(None)) -> Tensor:
        """Mean squared error over the rows; ``weights`` are w with b behind it."""
        return (self.X[rows] @ weights[:-1] + weights[-1] - self.y[rows]).square().mean()

    def best(self) -> Tensor:
        """The weights of least loss, from the normal equations."""
        X1 = torch.cat([self.X, torch.ones_like(self.X[:, :1])], dim=1)
        solution: Tensor = torch.linalg.lstsq(X1, self.y).solution
        return solution


@dataclass(frozen=True)
class Recipe:
    """An optimizer with its rate and with how many examples a gradient is taken over."""

    name: str
    rate: float
    batch: int | None  # None: all of them

    def optimizer(self, weights: Tensor) -> Optimizer:
        return OPTIMIZERS[self.name]([weights], lr=self.rate)  # type: ignore[call-arg]  # all have lr


# Rates at which each comes down within the 20 epochs of the demonstration; not tuned further.
RECIPES = (
    Recipe("own-gd", rate=0.3, batch=None),
    Recipe("own-sgd", rate=0.01, batch=1),
    Recipe("own-adagrad", rate=0.5, batch=16),
    Recipe("own-adam", rate=0.1, batch=16),
)

# The rule of PyTorch that each of ours follows. Gradient descent and SGD are one rule there.
TORCHS: dict[str, Callable[..., Optimizer]] = {
    "own-gd": torch.optim.SGD,
    "own-sgd": torch.optim.SGD,
    "own-adagrad": torch.optim.Adagrad,
    "own-adam": torch.optim.Adam,
}


def points(n: int, inputs: int, *, noise: float, generator: torch.Generator) -> Regression:
    """Points around a random plane, in double precision. ``noise`` is a standard deviation."""
    X, w, b, e = (
        torch.randn(shape, generator=generator, dtype=torch.float64)
        for shape in ((n, inputs), (inputs,), (1,), (n,))
    )
    return Regression(X, X @ w + b + noise * e)


def batches(n: int, size: int | None, generator: torch.Generator) -> Iterator[Tensor]:
    """The rows of one epoch in a random order, ``size`` at a time."""
    return iter(torch.randperm(n, generator=generator).split(size or n))


def train(
    data: Regression,
    optimizer: Callable[[Tensor], Optimizer],
    *,
    batch: int | None,
    epochs: int,
    seed: int,
) -> list[Tensor]:
    """The weights before training and after each epoch, from zero. One seed, one order of rows."""
    weights = torch.zeros(data.X.shape[1] + 1, dtype=data.X.dtype, requires_grad=True)
    rule = optimizer(weights)
    generator = torch.Generator().manual_seed(seed)
    history = [weights.detach().clone()]
    for _ in range(epochs):
        for rows in batches(len(data.y), batch, generator):
            rule.zero_grad()
            data.loss(weights, rows).backward()
            rule.step()
        history.append(weights.detach().clone())
    return history


def convergence(data: Regression, *, epochs: int, seed: int) -> dict[str, list[float]]:
    """For each recipe, how far the loss lies above the least possible one, epoch by epoch."""
    least = data.loss(data.best()).item()
    return {
        recipe.name: [
            data.loss(weights).item() - least
            for weights in train(
                data, recipe.optimizer, batch=recipe.batch, epochs=epochs, seed=seed
            )
        ]
        for recipe in RECIPES
    }
