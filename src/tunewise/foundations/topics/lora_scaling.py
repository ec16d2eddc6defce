"""LoRA's factor alpha / r, and rsLoRA's alpha / sqrt(r)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tunewise.foundations.lora_algebra import Layer, backward, lora_scale, rslora_scale
from tunewise.foundations.topic import Check, Topic, difference

ALPHA = 32.0
RANKS = (1, 16, 256)
D = 512


def first_change(rank: int, scale: Callable[[float, int], float], *, rate: float = 1e-3) -> float:
    """How far one step of gradient descent moves the output, as a length, averaged over A.

    B starts at zero and A as in LoRA: uniform on +-1/sqrt(k), variance 1/(3 k).
    """
    rng = np.random.default_rng(rank)
    s, lengths = scale(ALPHA, rank), []
    x, g = rng.normal(size=(1, D)), rng.normal(size=(1, D))
    for _ in range(512 // rank):
        A = rng.uniform(-1, 1, size=(rank, D)) / np.sqrt(D)
        layer = Layer(np.zeros((D, D)), A, np.zeros((D, rank)), s)
        B = -rate * backward(layer, x, g).B
        lengths.append(np.linalg.norm(s * x @ A.T @ B.T) / np.linalg.norm(g))
    return float(np.mean(lengths) / (x @ x.T)[0, 0])


def expected(rank: int, scale: Callable[[float, int], float], *, rate: float = 1e-3) -> float:
    """The same by the formula: ``rate s^2 r / (3 k)`` for g and x of length one."""
    return rate * scale(ALPHA, rank) ** 2 * rank / (3 * D)


def explain() -> Topic:
    lora = [first_change(r, lora_scale) for r in RANKS]
    rslora = [first_change(r, rslora_scale) for r in RANKS]
    formula = [expected(r, scale) for scale in (lora_scale, rslora_scale) for r in RANKS]

    def row(values: list[float], form: str) -> str:
        return "  ".join(f"{value:>9{form}}" for value in values)

    return Topic(
        statement=(
            "With alpha fixed, LoRA's factor alpha / r falls as fast as the rank rises: 32, 2, "
            "0.125 for r = 1, 16, 256 at alpha = 32. The output gains r terms but each is r times "
            "smaller twice over, once forwards and once in B's gradient, so the first step of "
            "gradient descent moves the output 1/r as far. A large rank then learns slowly at "
            "the same learning rate, and a sweep over ranks with alpha and rate fixed is also a "
            "sweep over step lengths. rsLoRA's alpha / sqrt(r) makes the step independent of r. "
            "Adam, which divides a gradient by its size, hides one of the two factors: there "
            "the change falls more slowly."
        ),
        derivation=(
            "first step, B = 0:   B1 = -rate s g (A x)'",
            "output moves by      s B1 A x = -rate s^2 |A x|^2 g",
            "A uniform, variance 1/(3k):  E |A x|^2 = r |x|^2 / (3k)",
            "s = alpha / r        alpha^2 / r      falls with the rank",
            "s = alpha / sqrt(r)  alpha^2          does not depend on it",
        ),
        numbers=(
            ("rank", "  ".join(f"{r:>9}" for r in RANKS)),
            ("alpha / r", row([lora_scale(ALPHA, r) for r in RANKS], "g")),
            ("alpha / sqrt(r)", row([rslora_scale(ALPHA, r) for r in RANKS], "g")),
            ("first change of the output, alpha / r", row(lora, ".2e")),
            ("first change of the output, alpha / sqrt(r)", row(rslora, ".2e")),
        ),
        checks=(
            Check(
                "alpha / r is 32, 2, 0.125",
                difference([lora_scale(ALPHA, r) for r in RANKS], [32, 2, 0.125]),
                0,
            ),
            Check(
                "measured change over the formula's, as a ratio to 1",
                float(np.max(np.abs(np.array([*lora, *rslora]) / formula - 1))),
                0.15,
            ),
        ),
        source="Kalajdzievski 2023, arXiv:2312.03732; Hu et al. 2021, arXiv:2106.09685.",
    )
