"""LoRA's factor alpha / r, and rsLoRA's alpha / sqrt(r)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tunewise.foundations.lora_algebra import Layer, backward, lora_scale, rslora_scale
from tunewise.foundations.topic import Check, Topic, difference

ALPHA = 32.0
RANKS = (1, 16, 256)
WIDTH = 128

Scale = Callable[[float, int], float]


def first_changes(rank: int, scale: Scale) -> tuple[float, float]:
    """How far one step moves the output: with gradient descent, and with Adam.

    B starts at zero and A as in LoRA, uniform on +-1/sqrt(k), of variance 1/(3 k). The rate is 1
    and x and g have length 1 (for Adam: x alone, and the mean over outputs); averaged over A.
    """
    rng = np.random.default_rng(rank)
    s, x, g = scale(ALPHA, rank), rng.normal(size=(1, WIDTH)), rng.normal(size=(1, WIDTH))
    x, g = x / np.linalg.norm(x), g / np.linalg.norm(g)
    descent, adam = [], []
    for _ in range(1024 // rank):
        A = rng.uniform(-1, 1, size=(rank, WIDTH)) / np.sqrt(WIDTH)
        layer = Layer(np.zeros((WIDTH, WIDTH)), A, np.zeros((WIDTH, rank)), s)
        dB = backward(layer, x, g).B
        descent.append(np.linalg.norm(s * dB @ (A @ x[0])))
        adam.append(np.abs(s * np.sign(dB) @ (A @ x[0])).mean())  # its first step is the sign
    return float(np.mean(descent)), float(np.mean(adam))


def expected(rank: int, scale: Scale) -> tuple[float, float]:
    """The same by the formulas: ``s^2 r / (3k)``, and ``s r sqrt(2 / (3 pi k))``."""
    s = scale(ALPHA, rank)
    return s**2 * rank / (3 * WIDTH), s * rank * np.sqrt(2 / (3 * np.pi * WIDTH))


def explain() -> Topic:
    scales = {"alpha / r": lora_scale, "alpha / sqrt(r)": rslora_scale}
    measured = {name: [first_changes(r, f) for r in RANKS] for name, f in scales.items()}
    formula = [[expected(r, f) for r in RANKS] for f in scales.values()]

    def row(values: list[float], form: str) -> str:
        return "  ".join(f"{value:>8{form}}" for value in values)

    return Topic(
        statement=(
            "With alpha fixed, LoRA's factor alpha / r falls as the rank rises: 32, 2, 0.125 for "
            "r = 1, 16, 256 at alpha = 32. The factor acts twice, on the output and on B's "
            "gradient, against r terms that add up: one step of gradient descent moves the "
            "output 1/r as far, so a sweep over ranks with alpha and rate fixed is also a sweep "
            "over step lengths. rsLoRA's alpha / sqrt(r) makes that step the same for every rank. "
            "Adam is another matter: its first step does not depend on the size of the gradient, "
            "so the factor acts once, and it is alpha / r that keeps the first change equal "
            "while alpha / sqrt(r) lets it grow as sqrt(r). What holds over a whole training "
            "has to be measured: compare ranks with the rate tuned for each, and both scalings."
        ),
        derivation=(
            "B = 0, u = A x:          dL/dB = s g u'",
            "gradient descent moves y by  s (s g u') u      = s^2 |u|^2 g",
            "Adam moves y_i by            s sum_j |u_j|     (sign of g_i)",
            "A uniform, |x| = 1:      E |u|^2 = r / (3k)    E |u_j| = sqrt(2 / (3 pi k))",
            "s = alpha / r            s^2 r = alpha^2 / r   s r = alpha",
            "s = alpha / sqrt(r)      s^2 r = alpha^2       s r = alpha sqrt(r)",
        ),
        quantities=(
            ("rank", "  ".join(f"{r:>8}" for r in RANKS)),
            *((name, row([f(ALPHA, r) for r in RANKS], "g")) for name, f in scales.items()),
            *(
                (f"first change, {rule}, {name}", row([pair[i] for pair in pairs], ".2g"))
                for i, rule in enumerate(("gradient descent", "Adam"))
                for name, pairs in measured.items()
            ),
        ),
        checks=(
            Check(
                "alpha / r is 32, 2, 0.125",
                difference([lora_scale(ALPHA, r) for r in RANKS], [32, 2, 0.125]),
                0,
            ),
            Check(
                "first changes over the formulas', as a ratio to 1",
                difference(np.array(list(measured.values())) / formula, np.ones((2, 3, 2))),
                0.15,
            ),
        ),
        source="Kalajdzievski 2023, arXiv:2312.03732, for rsLoRA; the first steps derived here.",
    )
