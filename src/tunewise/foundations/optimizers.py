"""Gradient descent, SGD, AdaGrad and Adam, each from its update rule.

Letters: w a weight, g its gradient, t the number of the step from 1, and the rate as ``lr``, the
name that PyTorch's schedules look for. Weight decay adds ``weight_decay * w`` to the gradient, as
in PyTorch's optimizers of the same names (AdamW, which takes it off the weight, is another rule).

They take groups, schedules, closures and saved states as every ``torch.optim.Optimizer`` does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor
from torch.optim import Optimizer


class Rule(Optimizer, ABC):
    """What all four share: walk over the weights that have a gradient and update each."""

    def __init__(self, params: Iterable[Any], settings: dict[str, Any]) -> None:
        for name in ("lr", "eps", "weight_decay"):
            if not settings.get(name, 0.0) >= 0:
                raise ValueError(f"{name} = {settings[name]}: a number from 0 up.")
        super().__init__(params, settings)

    @staticmethod
    @abstractmethod
    def update(w: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Change ``w`` in place; ``state`` is this weight's own and starts empty."""

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Take one step. A closure computes loss and gradients anew; its loss is returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for w in group["params"]:
                if w.grad is not None:
                    decay = group["weight_decay"]
                    g = w.grad + decay * w if decay else w.grad
                    self.update(w, g, self.state[w], group)
        return loss


class GradientDescent(Rule):
    """``w <- w - lr g``, with g the gradient over the full batch.

    Source: Cauchy 1847, Méthode générale pour la résolution des systèmes d'équations simultanées.
    """

    def __init__(self, params: Iterable[Any], lr: float = 1e-3, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @staticmethod
    def update(w: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        w.sub_(group["lr"] * g)


class SGD(Rule):
    """``w <- w - lr g``, with g the gradient of one example, or of a few.

    The rule is that of gradient descent; only what the gradient is taken over differs, and that
    the caller decides. One example's gradient is an unbiased estimate of the batch's.

    Source: Robbins and Monro 1951, A Stochastic Approximation Method.
    """

    def __init__(self, params: Iterable[Any], lr: float = 1e-3, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @staticmethod
    def update(w: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        w.sub_(group["lr"] * g)


class AdaGrad(Rule):
    """A rate for each weight, smaller where gradients have been large.

    ``s <- s + g^2``,  ``w <- w - lr g / (sqrt(s) + eps)``

    Source: Duchi, Hazan and Singer 2011, JMLR 12, in its diagonal form.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        eps: float = 1e-10,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "eps": eps, "weight_decay": weight_decay})

    @staticmethod
    def update(w: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        if not state:
            state["s"] = torch.zeros_like(w)
        s = state["s"].add_(g * g)
        w.sub_(group["lr"] * g / (s.sqrt() + group["eps"]))


class Adam(Rule):
    """Running means of the gradient and of its square, both corrected for their start at zero.

    ``m <- b1 m + (1 - b1) g``      ``v <- b2 v + (1 - b2) g^2``
    ``w <- w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)``

    After t steps the weights in m sum to ``1 - b1^t``, not to one; dividing by that sum makes m a
    mean again. Without it the first step would be ``(1 - b1) / sqrt(1 - b2) = 3.2`` times too long.

    Source: Kingma and Ba 2015, arXiv:1412.6980, algorithm 1.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        for beta in betas:
            if not 0 <= beta < 1:
                raise ValueError(f"betas = {betas}: each from 0 up to, not including, 1.")
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, settings)

    @staticmethod
    def update(w: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        b1, b2 = group["betas"]
        if not state:
            state.update(step=0, m=torch.zeros_like(w), v=torch.zeros_like(w))
        # PyTorch casts every restored tensor to the weight's type except one called "step".
        t = state["step"] = int(state["step"]) + 1
        m = state["m"].mul_(b1).add_((1 - b1) * g)
        v = state["v"].mul_(b2).add_((1 - b2) * g * g)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        w.sub_(group["lr"] * m_hat / (v_hat.sqrt() + group["eps"]))


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "own-gd": GradientDescent,
    "own-sgd": SGD,
    "own-adagrad": AdaGrad,
    "own-adam": Adam,
}
"""The names a study file may use."""
