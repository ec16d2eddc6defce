"""Beam search as transformers does it, over branches that share their prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from tunewise.decoding.branches import Branches
from tunewise.decoding.stopping import Ends, Stopped
from tunewise.decoding.strategies import Strategy

NEVER = -1e9  # a score below any that a sequence of tokens has


@dataclass(frozen=True)
class Hypothesis:
    """A beginning of an answer, finished or not."""

    tokens: tuple[int, ...]
    log_probability: float
    stopped: Stopped

    @property
    def score(self) -> float:
        """The mean log probability of a token, by which answers of any length are compared."""
        return self.log_probability / len(self.tokens)

    def text(self, ends: Ends, strategy: Strategy) -> str:
        before = ends.stopped_at(self.tokens, strategy.stop) if self.stopped == "stop" else None
        return ends.text(self.tokens) if before is None else before


@dataclass
class Search:
    """The search on one prompt: its beams as they run, and the best finished answers."""

    limit: int
    running: list[tuple[tuple[int, ...], float]]  # tokens and log probability of each beam
    finished: list[Hypothesis] = field(default_factory=list)
    over: bool = False


def search(
    prompt: Branches, logits: Tensor, strategy: Strategy, ends: Ends, room: Sequence[int]
) -> list[Hypothesis]:
    """The best answer found for each prompt.

    Each step keeps the `beams` likeliest of all continuations. One that ends among these is set
    aside with the mean log probability of its tokens; a prompt is over when `beams` are set aside
    and no running beam is better than the worst of them. So does transformers with
    ``length_penalty=1, early_stopping=False``.

    Args:
        prompt: what `prefill` made; it is forked, not changed.
        logits: of the first token, (prompts, words).
        strategy: of kind `beam`.
        ends: what ends an answer.
        room: tokens that each prompt leaves in the context.
    """
    k = strategy.beams
    searches = [Search(min(strategy.max_new_tokens, space), []) for space in room]
    for one in searches:
        one.running = [((), 0.0), *(k - 1) * [((), NEVER)]]
    branches, live = prompt.fork(k), list(searches)
    logits = logits[:, None].expand(-1, k, -1)
    while True:
        parents, tokens = _advance(live, logits, strategy, ends)
        rows = [row for row, one in enumerate(live) if not one.over]
        if not rows:
            return [max(one.finished, key=lambda found: found.score) for one in searches]
        branches.follow(torch.tensor(parents, device=logits.device))
        if len(rows) < len(live):
            every = torch.arange(k, device=logits.device).expand(len(rows), k)
            branches.keep(torch.tensor(rows, device=logits.device), every)
            live = [live[row] for row in rows]
        logits = branches.step(torch.tensor([tokens[row] for row in rows], device=logits.device))


def _advance(
    live: list[Search], logits: Tensor, strategy: Strategy, ends: Ends
) -> tuple[list[list[int]], list[list[int]]]:
    """One step of every search: from which beam each new one comes, and its token."""
    k, words = strategy.beams, logits.shape[-1]
    before = torch.tensor([[score for _, score in one.running] for one in live])
    scores = logits.float().log_softmax(-1) + before.to(logits.device)[:, :, None]
    # Were all the best to end, there would still be as many to go on with.
    most = min(max(2, 1 + len(ends.tokens)) * k, k * words)
    best, places = scores.flatten(1).topk(most)
    parents, tokens = [], []
    for one, own, at in zip(live, best.tolist(), places.tolist(), strict=True):
        found = [
            (place // words, place % words, score) for place, score in zip(at, own, strict=True)
        ]
        chosen = _extend(one, found, k, strategy, ends)
        parents.append([parent for parent, _ in chosen])
        tokens.append([token for _, token in chosen])
    return parents, tokens


def _extend(
    one: Search,
    found: list[tuple[int, int, float]],
    k: int,
    strategy: Strategy,
    ends: Ends,
) -> list[tuple[int, int]]:
    """Set aside what ended, go on with the rest; beams and tokens of what goes on."""
    candidates = []  # (score to go on with, rank, parent, token, tokens)
    length = 0
    for rank, (parent, token, score) in enumerate(found):
        tokens = (*one.running[parent][0], token)
        length = len(tokens)
        stopped: Stopped | None = "length" if length == one.limit else None
        if token in ends.tokens:
            stopped = "end"
        elif ends.stopped_at(tokens, strategy.stop) is not None:
            stopped = "stop"
        if stopped and rank < k and score > NEVER / 2:
            one.finished.append(Hypothesis(tokens, score, stopped))
        candidates.append((score + (NEVER if stopped else 0.0), -rank, parent, token, tokens))
    one.finished = sorted(one.finished, key=lambda done: -done.score)[:k]
    going = sorted(candidates, reverse=True)[:k]
    one.running = [(tokens, score) for score, _, _, _, tokens in going]
    full = len(one.finished) == k
    hopeless = full and going[0][0] / length <= one.finished[-1].score
    one.over = hopeless or all(score < NEVER / 2 for score, *_ in going)
    return [(parent, token) for _, _, parent, token, _ in going]
