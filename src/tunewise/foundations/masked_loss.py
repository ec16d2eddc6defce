"""Why the prompt carries no loss, on a language model small enough to train in a second.

Each text is a prompt of ordinary words and then an answer: the prompt's first word once more.
The words of the prompt are drawn at random, so nothing that comes before them says which comes
next; the answer is certain once the prompt is read. That is question answering in miniature: the
context is nobody's to predict, the answer is the task.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tunewise.foundations.optimizers import Adam

WORDS = 16  # how many words there are
ASK = WORDS  # the token that ends the prompt, as "Answer:" does
PROMPT = 10  # tokens of the prompt, ASK included; one more is the answer
IGNORED = -100

Labels = Callable[[Tensor], Tensor]
"""From tokens (examples, length) to the tokens that count, -100 elsewhere."""


def texts(n: int, generator: torch.Generator) -> Tensor:
    """Tokens (n, PROMPT + 1). Words follow Zipf's law: the j-th most common has weight 1/j."""
    frequency = 1 / torch.arange(1, WORDS + 1, dtype=torch.float64)
    drawn = torch.multinomial(
        frequency, n * (PROMPT - 1), replacement=True, generator=generator
    ).reshape(n, PROMPT - 1)
    return torch.cat([drawn, torch.full((n, 1), ASK), drawn[:, :1]], dim=1)


def every_token(tokens: Tensor) -> Tensor:
    """Labels without masking: prompt and answer count alike."""
    return tokens


def answer_only(tokens: Tensor) -> Tensor:
    """Labels with the prompt masked."""
    return torch.cat([torch.full_like(tokens[:, :PROMPT], IGNORED), tokens[:, PROMPT:]], dim=1)


def prompt_only(tokens: Tensor) -> Tensor:
    """Labels that count only what masking leaves out."""
    return torch.cat([tokens[:, :PROMPT], torch.full_like(tokens[:, PROMPT:], IGNORED)], dim=1)


class TinyLanguageModel(nn.Module):
    """Embeddings, one causal attention head, a linear layer: tokens (n, t) to logits (n, t, v)."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.token = nn.Embedding(WORDS + 1, width)
        self.place = nn.Embedding(PROMPT + 1, width)
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.out = nn.Linear(width, WORDS + 1)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.token(tokens) + self.place(torch.arange(tokens.shape[1]))
        scores = self.query(x) @ self.key(x).mT / math.sqrt(x.shape[-1])
        later = torch.ones_like(scores[0]).triu(1).bool()
        seen = scores.masked_fill(later, -math.inf).softmax(-1) @ self.value(x)
        logits: Tensor = self.out(x + seen)
        return logits


def summed_loss(model: nn.Module, tokens: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy in nats, summed over the positions that count; position t predicts t + 1."""
    logits = model(tokens[:, :-1])
    return cross_entropy(
        logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED, reduction="sum"
    )


def targets(labels: Tensor) -> int:
    """How many positions count."""
    return int((labels[:, 1:] != IGNORED).sum())


def gradient(model: nn.Module, tokens: Tensor, labels: Tensor) -> Tensor:
    """The gradient of the mean loss in all parameters of the model, one flat vector."""
    mean = summed_loss(model, tokens, labels) / targets(labels)
    parts = torch.autograd.grad(mean, list(model.parameters()))
    return torch.cat([part.flatten() for part in parts])


def cosine(u: Tensor, v: Tensor) -> float:
    """1 for one direction, 0 for a right angle, -1 for opposite directions."""
    return float(u @ v / (u.norm() * v.norm()))


def trained(labels: Labels, *, steps: int, seed: int, rate: float = 0.01) -> TinyLanguageModel:
    """A model after ``steps`` steps of Adam on fresh batches of 32. One seed, one order of data.

    Adam's rule is applied as it stands: an optimizer of ``torch.optim`` would first import
    PyTorch's compiler, which takes longer than this training.
    """
    torch.manual_seed(seed)
    model = TinyLanguageModel().double()
    generator = torch.Generator().manual_seed(seed)
    settings = {"lr": rate, "betas": (0.9, 0.999), "eps": 1e-8}
    weights = list(model.parameters())
    states: list[dict[str, Any]] = [{} for _ in weights]
    for _ in range(steps):
        tokens = texts(32, generator)
        wanted = labels(tokens)
        loss = summed_loss(model, tokens, wanted) / targets(wanted)
        with torch.no_grad():
            for w, g, state in zip(
                weights, torch.autograd.grad(loss, weights), states, strict=True
            ):
                Adam.update(w, g, state, settings)
    return model


@torch.no_grad()
def accuracy(model: nn.Module, tokens: Tensor) -> float:
    """The fraction of texts whose answer is the model's first choice."""
    choice = model(tokens[:, :-1])[:, -1].argmax(-1)
    return float((choice == tokens[:, -1]).double().mean())
