"""Log-probabilities of continuations against transformers, token by token."""

from __future__ import annotations

import pytest
import torch
from tests.decoding.models import causal, prompts_of

from tunewise.decoding.likelihood import log_probabilities

CONTINUATIONS = [[5], [6, 7, 4], [9, 10], [6, 7, 8]]


@pytest.mark.parametrize("family", ["gpt2", "llama", "phi"])
def test_it_is_the_sum_over_tokens_each_asked_on_its_own(family: str) -> None:
    module, prompts = causal(family), prompts_of(5)
    found = log_probabilities(module, prompts, CONTINUATIONS)
    for row, prompt in enumerate(prompts):
        for column, continuation in enumerate(CONTINUATIONS):
            total, ids = 0.0, list(prompt)
            for token in continuation:
                with torch.no_grad():
                    logits = module(input_ids=torch.tensor([ids])).logits[0, -1]
                total += float(logits.double().log_softmax(-1)[token])
                ids.append(token)
            assert float(found[row, column]) == pytest.approx(total, abs=1e-4)


def test_all_continuations_of_one_token_together_are_certain() -> None:
    module = causal("gpt2")
    words = [[token] for token in range(module.config.vocab_size)]
    found = log_probabilities(module, prompts_of(3), words)
    torch.testing.assert_close(found.exp().sum(1), torch.ones(3, dtype=torch.float64))


@pytest.mark.parametrize("family", ["gpt2", "llama", "phi"])
def test_neither_padding_nor_the_other_prompts_matter(family: str) -> None:
    module, prompts = causal(family), prompts_of(8)
    alone = log_probabilities(module, prompts, CONTINUATIONS, batch_size=1)
    together = log_probabilities(module, prompts, CONTINUATIONS, batch_size=8)
    torch.testing.assert_close(alone, together, rtol=0, atol=1e-4)
    one = log_probabilities(module, prompts, CONTINUATIONS[:1])
    torch.testing.assert_close(one, together[:, :1], rtol=0, atol=1e-4)
