"""Decode prompts with many strategies at once: the prompt is read once, its branches share it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from tunewise.decoding.beams import search
from tunewise.decoding.branches import Branches, context_length, prefill
from tunewise.decoding.sampling import draw, log_probabilities, uniforms
from tunewise.decoding.stopping import Ends, Stopped, cycle
from tunewise.decoding.strategies import Strategy

PACK = 0.8  # share of live branches below which the finished leave the batch

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
    strategy: int
    sample: int
    limit: int  # tokens
    uniforms: Tensor | None
    tokens: list[int] = field(default_factory=list)
    log_probability: float = 0.0
    done: Generated | None = None


def generate(
    module: Any,
    coder: Any,
    prompts: Sequence[Sequence[int]],
    strategies: Sequence[Strategy],
    *,
    keys: Sequence[str],
    seed: int,
    batch_size: int = 16,
    loops: Loops = "cut",
    watch: Callable[[Walk], None] | None = None,
) -> list[list[list[Generated]]]:
    """Answers by strategy, prompt and sample.

    What is drawn depends on seed, key, strategy and sample, not on what else is asked for. An
    answer that goes round in circles is cut after the first round, see `stopping.cycle`; beam
    search is left to run, since it drops what it finds unlikely.

    Args:
        module: a causal language model of transformers.
        coder: its tokenizer.
        prompts: token ids.
        strategies: in any number; all share one reading of each prompt.
        keys: a name for each prompt, such as the example's id, that its draws are made from.
        seed: of all draws.
        batch_size: prompts read together.
        loops: `allow` to let circles run to the limit.
        watch: called after each token of an answer, greedy or drawn.

    Raises:
        ValueError: a prompt is empty or fills the context, or the keys are not one a prompt.
        InputError: the model does not take positions and a cache.
    """
    if len(keys) != len(prompts):
        raise ValueError(f"{len(prompts)} prompts and {len(keys)} keys")
    found: list[list[list[Generated]]] = [[[] for _ in prompts] for _ in strategies]
    ends = Ends(module, coder)
    by_length = sorted(range(len(prompts)), key=lambda number: len(prompts[number]))
    with _evaluating(module), torch.inference_mode():
        for start in range(0, len(prompts), batch_size):
            chosen = by_length[start : start + batch_size]
            branches, logits = prefill(module, [prompts[number] for number in chosen])
            room = [context_length(module) - len(prompts[number]) for number in chosen]
            for s, strategy in enumerate(strategies):
                if strategy.kind == "beam":
                    for number, hypothesis in zip(
                        chosen, search(branches, logits, strategy, ends, room), strict=True
                    ):
                        found[s][number] = [
                            Generated(
                                hypothesis.text(ends, strategy),
                                len(hypothesis.tokens),
                                hypothesis.stopped,
                                hypothesis.log_probability,
                            )
                        ]
            walks = [
                _walk(p, keys[number], s, strategy, sample, seed, room[p])
                for p, number in enumerate(chosen)
                for s, strategy in enumerate(strategies)
                if strategy.kind != "beam"
                for sample in range(strategy.samples)
            ]
            _decode(branches, logits, walks, strategies, ends, loops, watch)
            for walk in walks:
                assert walk.done is not None
                found[walk.strategy][chosen[walk.prompt]].append(walk.done)
    return found


def _walk(
    prompt: int, key: str, number: int, strategy: Strategy, sample: int, seed: int, room: int
) -> Walk:
    limit = min(strategy.max_new_tokens, room)
    drawn = strategy.kind == "sample"
    numbers = uniforms(seed, key, strategy.label, sample, limit) if drawn else None
    return Walk(prompt, number, sample, limit, numbers)


def _decode(
    branches: Branches,
    logits: Tensor,
    walks: list[Walk],
    strategies: Sequence[Strategy],
    ends: Ends,
    loops: Loops,
    watch: Callable[[Walk], None] | None,
) -> None:
    """Carry all walks of one batch to their end."""
    if not walks:
        return
    prompts = len(logits)
    table: list[list[Walk]] = [
        [walk for walk in walks if walk.prompt == prompt] for prompt in range(prompts)
    ]
    width = len(table[0])
    branches = branches.fork(width)
    logits = logits[:, None].expand(-1, width, -1)
    while True:
        tokens = torch.zeros(logits.shape[:2], dtype=torch.long, device=logits.device)
        for number, strategy in enumerate(strategies):
            live = [
                (row, column)
                for row, own in enumerate(table)
                for column, walk in enumerate(own)
                if walk.strategy == number and walk.done is None
            ]
            if live:
                _choose(logits, live, strategy, table, tokens)
        for walk in (walk for own in table for walk in own if walk.done is None):
            _settle(walk, strategies[walk.strategy], ends, loops)
            if watch:
                watch(walk)
        rows = [row for row, own in enumerate(table) if any(walk.done is None for walk in own)]
        if not rows:
            return
        alive = sum(walk.done is None for own in table for walk in own)
        if alive < PACK * len(table) * len(table[0]):
            table, tokens = _pack(branches, table, tokens, rows)
        logits = branches.step(tokens)


def _choose(
    logits: Tensor,
    live: list[tuple[int, int]],
    strategy: Strategy,
    table: list[list[Walk]],
    tokens: Tensor,
) -> None:
    """Choose a token for each live walk of one strategy, and write it down."""
    rows = torch.tensor([row for row, _ in live], device=logits.device)
    columns = torch.tensor([column for _, column in live], device=logits.device)
    scores = logits[rows, columns]  # (live, words)
    chosen = scores.argmax(-1)
    if strategy.kind == "sample":
        chosen = draw(scores, strategy, torch.stack([_number(table[r][c]) for r, c in live]))
    tokens[rows, columns] = chosen
    found = zip(live, chosen.tolist(), log_probabilities(scores, chosen).tolist(), strict=True)
    for (row, column), token, log_probability in found:
        table[row][column].tokens.append(token)
        table[row][column].log_probability += log_probability


def _number(walk: Walk) -> Tensor:
    """The random number of the walk's next step."""
    assert walk.uniforms is not None
    return walk.uniforms[len(walk.tokens)]


def _settle(walk: Walk, strategy: Strategy, ends: Ends, loops: Loops) -> None:
    """Finish a walk whose last token ended it."""
    tokens = walk.tokens
    text, stopped = None, None
    if tokens[-1] in ends.tokens:
        text, stopped = ends.text(tokens), "end"
    elif (before := ends.stopped_at(tokens, strategy.stop)) is not None:
        text, stopped = before, "stop"
    elif loops == "cut" and (rest := cycle(tokens)) is not None:
        text, stopped = ends.text(tokens[:rest]), "loop"
    elif len(tokens) == walk.limit:
        text, stopped = ends.text(tokens), "length"
    if text is not None and stopped is not None:
        walk.done = Generated(text, len(tokens), stopped, walk.log_probability)


def _pack(
    branches: Branches, table: list[list[Walk]], tokens: Tensor, rows: list[int]
) -> tuple[list[list[Walk]], Tensor]:
    """Let finished prompts and branches leave; what is left moves to the front."""
    width = max(sum(walk.done is None for walk in table[row]) for row in rows)
    # Where a prompt has fewer live branches than another, finished ones fill the place.
    columns = [
        sorted(range(len(table[row])), key=lambda c, row=row: table[row][c].done is not None)[
            :width
        ]
        for row in rows
    ]
    prompts = torch.tensor(rows, device=tokens.device)
    kept = torch.tensor(columns, device=tokens.device)
    branches.keep(prompts, kept)
    table = [[table[row][c] for c in own] for row, own in zip(rows, columns, strict=True)]
    return table, tokens[prompts].gather(1, kept)


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """Without dropout, and afterwards as before, layer by layer."""
    training = [layer for layer in module.modules() if layer.training]
    module.eval()
    try:
        yield
    finally:
        for layer in training:
            layer.training = True
