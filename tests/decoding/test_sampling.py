"""Drawn tokens have the frequencies that the formula gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare, kstest
from tests.decoding.models import Spelled, causal
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from tunewise.decoding.generate import generate
from tunewise.decoding.sampling import draw, draw_each, log_probabilities, probabilities, uniforms
from tunewise.decoding.strategies import Strategy

LOGITS = torch.tensor([2.0, 1.0, 0.5, 0.0, -0.5, -1.0, -3.0])
FIRST = (0.407451156157157, 0.17346137149497343)
STRATEGIES = (
    Strategy("sample"),
    Strategy("sample", temperature=0.7),
    Strategy("sample", temperature=1.3),
    Strategy("sample", top_k=3),
    Strategy("sample", top_p=0.8),
    Strategy("sample", top_k=4, top_p=0.9, temperature=1.5),
)


def expected(strategy: Strategy) -> np.ndarray:
    """The probabilities from the definitions, in numpy."""
    p = np.exp(LOGITS.double().numpy() / strategy.temperature)  # already in falling order
    if strategy.top_k:
        p[strategy.top_k :] = 0
    p /= p.sum()
    if strategy.top_p:
        # A token stays while those before it sum to less than the fraction asked for.
        p[np.cumsum(p) - p >= strategy.top_p] = 0
    return p / p.sum()


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.label)
def test_filters_give_the_probabilities_of_their_definition(strategy: Strategy) -> None:
    np.testing.assert_allclose(
        probabilities(LOGITS[None], strategy)[0].numpy(), expected(strategy), atol=1e-6
    )


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.label)
@pytest.mark.parametrize("spread", [0.1, 3.0])
def test_filters_are_those_of_transformers(strategy: Strategy, spread: float) -> None:
    scores = spread * torch.randn(20, 300, generator=torch.Generator().manual_seed(0))
    none, own = torch.empty(20, 0, dtype=torch.long), scores.clone()
    own = TemperatureLogitsWarper(strategy.temperature)(none, own)
    if strategy.top_k:
        own = TopKLogitsWarper(strategy.top_k)(none, own)
    if strategy.top_p:
        own = TopPLogitsWarper(strategy.top_p)(none, own)
    torch.testing.assert_close(
        probabilities(scores, strategy), own.double().softmax(-1), atol=1e-6, rtol=1e-4
    )


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.label)
def test_tokens_are_drawn_with_these_probabilities(strategy: Strategy) -> None:
    n = 20_000
    at = torch.cat([uniforms(0, f"row {row}", strategy.label, 0, 20) for row in range(n // 20)])
    tokens = draw(LOGITS.expand(n, -1), strategy, at).numpy()
    p = expected(strategy)
    counts = np.bincount(tokens, minlength=len(p))
    assert (counts[p == 0] == 0).all()
    assert chisquare(counts[p > 0], n * p[p > 0]).pvalue > 0.001


@pytest.mark.parametrize("words", [40, 300])
@pytest.mark.parametrize("spread", [0.01, 1.0, 5.0])
def test_rows_with_strategies_of_their_own_are_drawn_as_each_strategy_draws(
    words: int, spread: float
) -> None:
    """With few words and with more than are sorted, peaked, flat, and with ties at the edge."""
    generator = torch.Generator().manual_seed(0)
    ways = [*STRATEGIES, Strategy("sample", top_k=64), Strategy("sample", top_k=100, top_p=0.99)]
    rows = [way for way in ways for _ in range(200)]
    scores = spread * torch.randn(len(rows), words, generator=generator)
    scores[::5] = scores[::5].mul(4 / spread).round()  # whole numbers are often equal
    at = torch.rand(len(rows), generator=generator, dtype=torch.float64)
    together = draw_each(scores, rows, at)
    alone = [draw(scores[n : n + 1], way, at[n : n + 1]).item() for n, way in enumerate(rows)]
    assert together.tolist() == alone


def test_a_model_is_drawn_from_as_it_says() -> None:
    """The whole way, on the first token of many keys."""
    module, n = causal("gpt2"), 3000
    strategy = Strategy("sample", samples=n, max_new_tokens=1, stop=())
    [[found]] = generate(
        module, Spelled(), [[5, 6, 7]], [strategy], keys=["a"], seed=0, loops="allow"
    )
    counts = np.zeros(15)
    for answer in found:
        counts[int(answer.text.strip("<>")) if answer.text else 3] += 1
    with torch.inference_mode():
        p = module(torch.tensor([[5, 6, 7]])).logits[0, -1].double().softmax(-1).numpy()
    often = p > 5 / n
    rare = (counts[~often].sum(), n * p[~often].sum())
    assert chisquare([*counts[often], rare[0]], [*(n * p[often]), rare[1]]).pvalue > 0.001


def test_the_numbers_are_uniform_and_belong_to_their_names() -> None:
    numbers = torch.cat([uniforms(0, str(key), "greedy", 0, 50) for key in range(200)])
    assert kstest(numbers.numpy(), "uniform").pvalue > 0.001
    first = uniforms(0, "a", "top-k 10", 0, 8)
    others = ((1, "a", "top-k 10", 0), (0, "b", "top-k 10", 0), (0, "a", "top-k 25", 0))
    for seed, key, label, sample in (*others, (0, "a", "top-k 10", 1)):
        assert not torch.equal(uniforms(seed, key, label, sample, 8), first)


def test_a_longer_limit_keeps_the_beginning() -> None:
    assert torch.equal(uniforms(3, "a", "x", 0, 32)[:5], uniforms(3, "a", "x", 0, 5))


def test_the_numbers_are_those_that_were_first_drawn() -> None:
    """As printed by the first version: answers would change with them."""
    numbers = uniforms(0, "a", "greedy", 0, 2).tolist()
    assert numbers == pytest.approx(FIRST, abs=1e-15)


def test_the_ends_of_the_interval_draw_tokens_that_can_be_drawn() -> None:
    strategy = Strategy("sample", top_k=2)
    at = torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64)
    for logits in (LOGITS, LOGITS.flip(0)):
        kept = logits.topk(2).indices.tolist()
        assert {*draw(logits.expand(2, -1), strategy, at).tolist()} == {*kept}


def test_log_probabilities_ignore_the_strategy() -> None:
    tokens = torch.tensor([1, 6])
    torch.testing.assert_close(
        log_probabilities(LOGITS.expand(2, -1), tokens), LOGITS.log_softmax(0)[tokens]
    )
