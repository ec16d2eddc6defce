"""Masked-language-model inputs and labels: 80, 10, 10."""

from __future__ import annotations

import numpy as np

from tunewise.foundations.masking import IGNORED, mask_tokens
from tunewise.foundations.topic import Check, Topic

PAD, MASK, FIRST, VOCABULARY = 0, 1, 2, 1000
FRACTION = 0.15
STATEMENT = (
    "Choose 15 % of the tokens and let the model say what they were. Of the chosen, 80 % "
    "are shown as the mask, 10 % as a random token, 10 % unchanged. The label is the "
    "original token where one was chosen and -100, which the loss leaves out, elsewhere. "
    "The two tenths are there because the mask never occurs after pretraining: a model "
    "that met only masks would need to represent nothing at the other positions."
)
DERIVATION = (
    "chosen      token outside the special ones, with probability 0.15",
    "shown as    mask 0.8 | random token 0.1 | itself 0.1",
    "label       the original if chosen, else -100",
    "loss        mean over chosen of -log p(original | what is shown)",
)


def explain() -> Topic:
    rng = np.random.default_rng(0)
    tokens = rng.integers(FIRST, VOCABULARY, size=(2000, 100))
    tokens[:, 80:] = PAD
    inputs, labels = mask_tokens(
        tokens, mask=MASK, vocabulary=VOCABULARY, special={PAD, MASK}, rng=rng, fraction=FRACTION
    )
    chosen, words = labels != IGNORED, tokens != PAD
    n = int(chosen.sum())
    masked = (inputs[chosen] == MASK).mean()
    kept = (inputs[chosen] == tokens[chosen]).mean()

    # Of the 10 % drawn at random, 1 in 1000 is the mask and 1 in 1000 the token itself.
    wanted_mask, wanted_kept = 0.8 + 0.1 / VOCABULARY, 0.1 + 0.1 / VOCABULARY

    def deviation(fraction: float, wanted: float, trials: int) -> float:
        return abs(fraction - wanted) / np.sqrt(wanted * (1 - wanted) / trials)

    return Topic(
        statement=STATEMENT,
        derivation=DERIVATION,
        quantities=(
            ("tokens that may be chosen", f"{int(words.sum()):,}"),
            ("share chosen", f"{n / words.sum():.4f}"),
            (
                "of those: mask, unchanged, random",
                f"{masked:.4f}, {kept:.4f}, {1 - masked - kept:.4f}",
            ),
        ),
        checks=(
            Check("special tokens chosen", int((chosen & ~words).sum()), 0),
            Check(
                "labels that are not the original", int((labels[chosen] != tokens[chosen]).sum()), 0
            ),
            Check("tokens changed without being chosen", int((inputs != tokens)[~chosen].sum()), 0),
            Check(
                "share chosen, in standard errors from 0.15",
                deviation(n / words.sum(), FRACTION, int(words.sum())),
                4,
            ),
            Check(
                "share masked, in standard errors from 0.8", deviation(masked, wanted_mask, n), 4
            ),
            Check(
                "share unchanged, in standard errors from 0.1", deviation(kept, wanted_kept, n), 4
            ),
        ),
        source="Devlin et al. 2019, arXiv:1810.04805, section 3.1.",
    )
