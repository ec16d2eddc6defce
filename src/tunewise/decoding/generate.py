"""Decode prompts with many strategies at once: the prompt is read once, all go on from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from tunewise.decoding.beams import search
from tunewise.decoding.branches import context_length, prefill
from tunewise.decoding.sampling import uniforms
from tunewise.decoding.stopping import Ends
from tunewise.decoding.strategies import PROMPTS_AT_ONCE, Strategy
from tunewise.decoding.walks import Generated, Loops, Walk, Walks


def generate(
    module: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    strategies: Sequence[Strategy],
    *,
    keys: Sequence[str],
    seed: int,
    batch_size: int = PROMPTS_AT_ONCE,
    loops: Loops = "cut",
    watch: Callable[[Walk], None] | None = None,
) -> list[list[list[Generated]]]:
    """Answers by strategy, prompt and sample.

    What is drawn depends on seed, key, strategy and sample, not on what else is asked for. An
    answer that goes round in circles is cut after the first round, see `stopping.cycle`; beam
    search is left to run, since it drops what it finds unlikely.

    Args:
        module: a causal language model of transformers.
        tokenizer: its tokenizer.
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
    ends = Ends(module, tokenizer)
    by_length = sorted(range(len(prompts)), key=lambda number: len(prompts[number]))
    # Not inference mode, which fake tensors bypass: a plan comes this way with them.
    with evaluating(module), torch.no_grad():
        for start in range(0, len(prompts), batch_size):
            chosen = by_length[start : start + batch_size]
            branches, logits = prefill(module, [prompts[number] for number in chosen])
            room = [context_length(module) - len(prompts[number]) for number in chosen]
            for place, strategy in enumerate(strategies):
                if strategy.kind == "beam":
                    best = search(branches, logits, strategy, ends, room)
                    for number, one in zip(chosen, best, strict=True):
                        text = one.text(ends, strategy)
                        answer = Generated(text, len(one.tokens), one.stopped, one.log_probability)
                        found[place][number].append(answer)
            walks = [
                _walk(row, room[row], place, strategy, keys[number], seed, sample)
                for row, number in enumerate(chosen)
                for place, strategy in enumerate(strategies)
                if strategy.kind != "beam"
                for sample in range(strategy.samples)
            ]
            if walks:
                table = Walks(branches, walks, len(chosen))
                table.finish(logits, ends, loops=loops, watch=watch)
            for walk in walks:
                assert walk.done is not None
                found[walk.place][chosen[walk.prompt]].append(walk.done)
    return found


def _walk(  # noqa: PLR0917  # all of them make up an answer's name
    row: int, room: int, place: int, strategy: Strategy, key: str, seed: int, sample: int
) -> Walk:
    limit = min(strategy.max_new_tokens, room)
    drawn = strategy.kind == "sample"
    draws = uniforms(seed, key, strategy.label, sample, limit) if drawn else None
    return Walk(row, place, strategy, limit, draws)


@contextmanager
def evaluating(module: Any) -> Iterator[None]:
    """Without dropout, and afterwards as before, layer by layer."""
    training = [layer for layer in module.modules() if layer.training]
    module.eval()
    try:
        yield
    finally:
        for layer in training:
            layer.training = True
