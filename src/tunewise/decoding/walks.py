"""Answers that are written token by token, greedy or drawn, all of a batch side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from tunewise.decoding.branches import Branches
from tunewise.decoding.sampling import draw_each, log_probabilities
from tunewise.decoding.stopping import Ends, Stopped, cycle
from tunewise.decoding.strategies import Strategy

PACK = 0.8  # fraction of live branches below which the finished leave the batch

Loops = Literal["cut", "allow"]


@dataclass(frozen=True)
class Generated:
    """One answer.

    `tokens` were generated, the one that ended it included; `log_probability` is their sum under
    the model itself, whatever the strategy made of it, in nats.
    """

    text: str
    tokens: int
    stopped: Stopped
    log_probability: float


@dataclass
class Walk:
    """One answer while it is written."""

    prompt: int  # in its batch
    place: int  # of its strategy
    strategy: Strategy
    limit: int  # tokens
    uniforms: Tensor | None = None  # one a step, if drawn
    tokens: list[int] = field(default_factory=list)
    log_probability: float = 0.0
    done: Generated | None = None

    def settle(self, ends: Ends, loops: Loops) -> None:
        """Finish, if the last token ended it."""
        tokens = self.tokens
        if tokens[-1] in ends.tokens:
            self._finish(ends.text(tokens), "end")
        elif (before := ends.stopped_at(tokens, self.strategy.stop)) is not None:
            self._finish(before, "stop")
        elif loops == "cut" and (rest := cycle(tokens)) is not None:
            self._finish(ends.text(tokens[:rest]), "loop")
        elif len(tokens) == self.limit:
            self._finish(ends.text(tokens), "length")

    def _finish(self, text: str, stopped: Stopped) -> None:
        self.done = Generated(text, len(self.tokens), stopped, self.log_probability)


class Walks:
    """The walks of one batch in a table: a row is a prompt, a column one branch on it."""

    def __init__(self, branches: Branches, walks: Sequence[Walk], prompts: int) -> None:
        self.table = [[walk for walk in walks if walk.prompt == row] for row in range(prompts)]
        self.branches = branches.fork(len(self.table[0]))

    def finish(
        self, logits: Tensor, ends: Ends, *, loops: Loops, watch: Callable[[Walk], None] | None
    ) -> None:
        """Write all to their end, from the logits of the first token, (prompts, words)."""
        logits = logits[:, None].expand(-1, len(self.table[0]), -1)
        while True:
            tokens = self._choose(logits)
            live = [walk for own in self.table for walk in own if walk.done is None]
            for walk in live:
                walk.settle(ends, loops)
                if watch:
                    watch(walk)
            alive = sum(walk.done is None for walk in live)
            if not alive:
                return
            if alive < PACK * tokens.numel():
                tokens = self._pack(tokens)
            logits = self.branches.step(tokens)

    def _choose(self, logits: Tensor) -> Tensor:
        """A token for each live walk, written down; 0 for what only fills the table."""
        places = [
            (row, column)
            for row, own in enumerate(self.table)
            for column, walk in enumerate(own)
            if walk.done is None
        ]
        walks = [self.table[row][column] for row, column in places]
        rows, columns = torch.tensor(places, device=logits.device).T
        scores = logits[rows, columns]  # (walks, words)
        chosen = scores.argmax(-1)
        drawn = [number for number, walk in enumerate(walks) if walk.uniforms is not None]
        if drawn:
            own = torch.tensor(drawn, device=logits.device)
            at = [walks[number].uniforms[len(walks[number].tokens)] for number in drawn]  # type: ignore[index]
            ways = [walks[number].strategy for number in drawn]
            chosen[own] = draw_each(scores[own], ways, torch.stack(at))
        tokens = torch.zeros(logits.shape[:2], dtype=torch.long, device=logits.device)
        tokens[rows, columns] = chosen
        found = log_probabilities(scores, chosen).tolist()
        for walk, token, log_probability in zip(walks, chosen.tolist(), found, strict=True):
            walk.tokens.append(token)
            walk.log_probability += log_probability
        return tokens

    def _pack(self, tokens: Tensor) -> Tensor:
        """Let finished prompts and branches leave; what is left moves to the front."""
        live = [[walk.done is None for walk in own] for own in self.table]
        rows = [row for row, own in enumerate(live) if any(own)]
        width = max(sum(own) for own in live)
        # Where a prompt has fewer live branches than another, finished ones fill the place.
        columns = [
            [column for _, column in sorted((not one, c) for c, one in enumerate(live[row]))][
                :width
            ]
            for row in rows
        ]
        prompts = torch.tensor(rows, device=tokens.device)
        kept = torch.tensor(columns, device=tokens.device)
        self.branches.keep(prompts, kept)
        self.table = [
            [self.table[row][column] for column in own]
            for row, own in zip(rows, columns, strict=True)
        ]
        return tokens[prompts].gather(1, kept)
