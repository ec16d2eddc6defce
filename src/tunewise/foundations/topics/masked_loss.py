"""Why the prompt carries no loss."""

from __future__ import annotations

import torch

from tunewise.foundations.masked_loss import (
    PROMPT,
    TinyLanguageModel,
    accuracy,
    answer_only,
    cosine,
    every_token,
    gradient,
    prompt_only,
    targets,
    texts,
    trained,
)
from tunewise.foundations.topic import Check, Topic

SEEDS = (0, 1, 2)
STEPS = 100
STATEMENT = (
    "The model is asked to write answers, not prompts. If the prompt's tokens count too, "
    "the mean is taken over all tokens, and where the prompt is much longer than the "
    "answer its gradient dominates: it points where prompts become likelier, which is not "
    "where answers become right. Masked (label -100), the "
    "prompt is read but not predicted, and the whole gradient is the answer's. It costs "
    "nothing: the forward pass is the same. Shown on a language model of one attention "
    "head whose answer is the prompt's first word."
)
DERIVATION = (
    "unmasked  L = (sum over prompt + sum over answer) / (n_p + n_a)",
    "masked    L = (sum over answer) / n_a",
    "gradient  unmasked = (1 - w) prompt's + w answer's,   w = n_a / (n_p + n_a)",
    "Prompt words drawn at random cannot be predicted beyond their frequency: their",
    "loss ends at the entropy of the words, and every batch still has a gradient.",
)


def explain() -> Topic:
    torch.manual_seed(0)
    model = TinyLanguageModel().double()
    tokens = texts(256, torch.Generator().manual_seed(1))
    unmasked, masked, prompt = (
        gradient(model, tokens, labels(tokens))
        for labels in (every_token, answer_only, prompt_only)
    )
    fraction = targets(answer_only(tokens)) / targets(every_token(tokens))
    held_out = texts(1000, torch.Generator().manual_seed(2))
    quality = {
        name: [accuracy(trained(labels, steps=STEPS, seed=seed), held_out) for seed in SEEDS]
        for name, labels in (("masked", answer_only), ("unmasked", every_token))
    }

    return Topic(
        statement=STATEMENT,
        derivation=DERIVATION,
        quantities=(
            ("tokens that count, prompt and answer", f"{PROMPT - 1} and 1"),
            ("weight of the answer, unmasked", f"{fraction:.3f}"),
            (
                "norm of the gradient: masked, unmasked",
                f"{masked.norm():.3f}, {unmasked.norm():.3f}",
            ),
            ("cosine, unmasked against masked", f"{cosine(unmasked, masked):.3f}"),
            ("cosine, unmasked against the prompt's alone", f"{cosine(unmasked, prompt):.3f}"),
            ("cosine, the prompt's against the answer's", f"{cosine(prompt, masked):.3f}"),
            *(
                (
                    f"right after {STEPS} steps, {name}, seeds {SEEDS[0]} to {SEEDS[-1]}",
                    ", ".join(f"{fraction:.0%}" for fraction in fractions),
                )
                for name, fractions in quality.items()
            ),
        ),
        checks=(
            Check(
                "the unmasked gradient is the weighted sum of the two",
                float((unmasked - (1 - fraction) * prompt - fraction * masked).abs().max()),
                1e-12,
            ),
            Check(
                "its direction is the prompt's more than the answer's (shortfall)",
                max(0.0, cosine(unmasked, masked) - cosine(unmasked, prompt)),
                0,
            ),
        ),
        source="measured here, at one learning rate (0.01), Adam, batches of 32.",
    )
