"""Merging LoRA into the weights, and why not with dropout."""

from __future__ import annotations

import numpy as np

from tunewise.foundations.lora_algebra import Layer, forward, merged
from tunewise.foundations.lora_costs import LinearLayer
from tunewise.foundations.topic import Check, Topic, difference

P = 0.4
DRAWS = 4000
STATEMENT = (
    "Without dropout W x + s B A x = (W + s B A) x, so after training the correction "
    "folds into W and inference costs what it did before. In training with dropout on x "
    "the two are different functions: LoRA drops entries of x on the way to A only, and "
    "W sees all of x. One matrix cannot do both, for it has one input. Dropping before "
    "the merged matrix hits W too. In expectation all three agree; in each step "
    "they do not, and the gradients of A and B come from the step. Without dropout "
    "merging in training is possible, but B A must be built anew in every step."
)
DERIVATION = (
    "LoRA with dropout    y = W x + s B A (m * x)      m_i = 0 or 1/(1-p)",
    "merged               y = (W + s B A) x",
    "difference           s B A ((m - 1) * x)          0 in the mean, as E m = 1",
    "dropout, then merged y = (W + s B A)(m * x)       differs by W ((m - 1) * x)",
    "cost of merging      d k r multiplications a step, against r (d + k) a token:",
    "                     pays back above d k / (d + k) tokens a step",
)


def explain() -> Topic:
    rng = np.random.default_rng(0)
    d, k, r = 24, 16, 4
    layer = Layer(rng.normal(size=(d, k)), rng.normal(size=(r, k)), rng.normal(size=(d, r)), 0.5)
    x = rng.normal(size=k)
    W, A, B, s = layer
    whole = merged(layer) @ x

    keep = (rng.random((DRAWS, k)) >= P) / (1 - P)  # each entry has mean 1
    separate = W @ x + s * (keep * x) @ A.T @ B.T
    both = (keep * x) @ merged(layer).T
    typical = LinearLayer(768, 768, rank=16)

    # In the mean the two are one; in a step they are not. Shapes: (draws, d) and (d,).
    apart = separate - whole
    error = separate.std(axis=0) / np.sqrt(DRAWS)
    mean = float(np.max(np.abs(apart.mean(axis=0)) / error))
    agreeing = int((np.abs(apart).max(axis=1) < 1e-6).sum())
    return Topic(
        statement=STATEMENT,
        derivation=DERIVATION,
        quantities=(
            ("dropout", f"{P:g}"),
            ("|y merged|", f"{np.linalg.norm(whole):.3f}"),
            (
                "mean |y LoRA - y merged| in a step",
                f"{np.linalg.norm(separate - whole, axis=1).mean():.3f}",
            ),
            (
                "mean |y LoRA - y dropped, then merged| in a step",
                f"{np.linalg.norm(separate - both, axis=1).mean():.3f}",
            ),
            (
                f"|mean over {DRAWS:,} draws of y LoRA - y merged|",
                f"{np.linalg.norm(separate.mean(axis=0) - whole):.3f}",
            ),
            (
                "d = k = 768, r = 16: tokens a step from which merging pays back",
                f"{typical.break_even_rank:.0f}",
            ),
        ),
        checks=(
            Check(
                "no dropout: merged and separate give one output",
                difference(forward(layer, x), whole),
                1e-10,
            ),
            Check(
                "the difference is s B A ((m - 1) * x)",
                difference(separate - whole, s * ((keep - 1) * x) @ A.T @ B.T),
                1e-10,
            ),
            Check("its mean is 0, in standard errors", mean, 5),
            Check("draws in which the two happen to agree", agreeing, 0),
        ),
        source="derived here; dropout as in Hu et al. 2021, their published code.",
    )
