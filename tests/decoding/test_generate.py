"""What holds of every strategy: nothing else in the batch changes an answer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from tests.decoding.models import END, Spelled, causal, prompts_of, spelled

from tunewise.backbones.model import Model
from tunewise.decoding.branches import Branches
from tunewise.decoding.generate import generate
from tunewise.decoding.strategies import Strategy
from tunewise.decoding.walks import Generated
from tunewise.methods.lora import LoRA

MANY = (
    Strategy(max_new_tokens=14),
    Strategy("beam", beams=3, max_new_tokens=10),
    Strategy("sample", top_k=3, samples=2, max_new_tokens=14),
    Strategy("sample", top_p=0.8, max_new_tokens=9),
    Strategy("sample", temperature=1.5, samples=3, max_new_tokens=14),
)


def answers(
    module: Any,
    prompts: list[list[int]],
    strategies: tuple[Strategy, ...] = MANY,
    *,
    keys: list[str] | None = None,
    **settings: Any,
) -> list[list[list[Generated]]]:
    keys = keys or [f"row {number}" for number in range(len(prompts))]
    chosen: dict[str, Any] = {"seed": 1, "loops": "allow"} | settings
    return generate(module, Spelled(), prompts, strategies, keys=keys, **chosen)


def alike(some: list[Generated], others: list[Generated]) -> bool:
    """The same but for the rounding of the probabilities."""
    return all(
        (one.text, one.tokens, one.stopped) == (other.text, other.tokens, other.stopped)
        and one.log_probability == pytest.approx(other.log_probability, abs=1e-4)
        for one, other in zip(some, others, strict=True)
    )


@pytest.mark.parametrize("family", ["gpt2", "llama", "qwen2"])
def test_the_size_of_the_batch_changes_nothing(family: str) -> None:
    module, prompts = causal(family), prompts_of(9)
    for one, other in zip(
        answers(module, prompts, batch_size=1), answers(module, prompts, batch_size=16), strict=True
    ):
        assert all(alike(a, b) for a, b in zip(one, other, strict=True))


def test_padding_changes_nothing() -> None:
    module, short, long = causal("gpt2"), [5, 6], [7, 8, 9, 10, 11, 12, 5, 4]
    [[alone], [among, _]] = (
        answers(module, prompts, MANY[:1])[0] for prompts in ([short], [short, long])
    )
    assert alike(alone, among)


def test_neither_order_nor_the_other_strategies_change_what_is_drawn() -> None:
    module, prompts = causal("llama"), prompts_of(6)
    keys = [f"row {number}" for number in range(6)]
    together = answers(module, prompts, keys=keys)
    for number, strategy in enumerate(MANY):
        [backwards] = answers(module, prompts[::-1], (strategy,), keys=keys[::-1])
        assert all(map(alike, backwards[::-1], together[number]))


def test_seed_key_and_sample_each_change_what_is_drawn() -> None:
    module, prompts = causal("gpt2"), [[5, 6, 7]] * 2
    strategy = Strategy("sample", temperature=2.0, samples=2, max_new_tokens=20)
    [[own, other_key]] = answers(module, prompts, (strategy,))
    [[other_seed, _]] = answers(module, prompts, (strategy,), seed=2)
    texts = [one.text for found in (own, other_key, other_seed) for one in found]
    assert len({*texts}) == 6


def test_answers_come_by_strategy_prompt_and_sample() -> None:
    found = answers(causal("gpt2"), prompts_of(5))
    assert [len(own) for own in found] == [5] * len(MANY)
    for strategy, own in zip(MANY, found, strict=True):
        assert all(len(samples) == strategy.samples for samples in own)


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_log_probabilities_are_those_of_the_model_read_at_once(family: str) -> None:
    module, prompts = causal(family), prompts_of(4)
    for own in answers(module, prompts):
        for prompt, samples in zip(prompts, own, strict=True):
            for answer in samples:
                tokens = spelled(answer)
                with torch.inference_mode():
                    logits = module(torch.tensor([prompt + tokens])).logits[0]
                every = logits.log_softmax(-1)[len(prompt) - 1 : -1]
                each = every.gather(1, torch.tensor(tokens)[:, None])
                assert answer.tokens == len(tokens)
                assert answer.log_probability == pytest.approx(float(each.sum()), abs=1e-3)


def test_a_prompt_is_read_once_and_the_finished_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    module, prompts = causal("gpt2", seed=1), prompts_of(8)
    widths: list[tuple[int, int]] = []
    step = Branches.step

    def counted(self: Branches, tokens: torch.Tensor) -> torch.Tensor:
        widths.append((tokens.shape[0], tokens.shape[1]))
        return step(self, tokens)

    monkeypatch.setattr(Branches, "step", counted)
    strategies = tuple(s for s in MANY if s.kind != "beam")
    found = answers(module, prompts, strategies)
    long = max(answer.tokens for own in found for samples in own for answer in samples)
    assert len(widths) == long - 1  # the first token comes from the prompt itself
    assert all(a >= b for one, two in pairwise(widths) for a, b in zip(one, two, strict=True))
    assert widths[-1][0] < 8


def test_an_answer_stops_at_the_end_of_the_context() -> None:
    prompt = [5 + number % 8 for number in range(36)]  # of 40 positions
    strategy = Strategy(stop=(), max_new_tokens=30)
    [[alone]] = answers(causal("gpt2", seed=2), [prompt], (strategy,))
    assert alone[0].tokens <= 4
    [[_, beside]] = answers(causal("gpt2", seed=2), [[5], prompt], (strategy,))
    assert alike(beside, alone)


@pytest.mark.parametrize(("prompt", "message"), [([], "is empty"), ([5] * 40, "has 40 tokens")])
def test_a_prompt_that_cannot_be_answered_is_refused(prompt: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        answers(causal("gpt2"), [prompt])


def test_the_mode_of_every_layer_comes_back() -> None:
    module = causal("gpt2").train()
    module.transformer.drop.eval()
    before = [layer.training for layer in module.modules()]
    answers(module, [[5, 6]])
    assert [layer.training for layer in module.modules()] == before


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_merged_corrections_write_the_same(family: str, lora: Callable[[str], Model]) -> None:
    """GPT-2's `Conv1D` stores its weight the other way round."""
    model, prompts = lora(family), prompts_of(6)
    merged = LoRA(rank=2, targets=("attention", "mlp")).merged(model)
    for one, other in zip(answers(model.module, prompts), answers(merged, prompts), strict=True):
        assert all(map(alike, one, other))
    assert answers(causal(family), prompts) != answers(merged, prompts)  # they do count


def test_no_token_follows_the_end() -> None:
    for own in answers(causal("gpt2"), prompts_of(20)):
        for answer in (answer for samples in own for answer in samples):
            assert END not in spelled(answer)[:-1]
