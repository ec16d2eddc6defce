from __future__ import annotations

import torch

from tunewise.foundations.masked_loss import (
    ASK,
    IGNORED,
    PROMPT,
    TinyLanguageModel,
    accuracy,
    answer_only,
    cosine,
    every_token,
    gradient,
    prompt_only,
    summed_loss,
    targets,
    texts,
    trained,
)


def case() -> tuple[TinyLanguageModel, torch.Tensor]:
    torch.manual_seed(0)
    return TinyLanguageModel().double(), texts(64, torch.Generator().manual_seed(0))


def test_the_answer_is_the_first_word_and_stands_after_the_mark() -> None:
    tokens = texts(10, torch.Generator().manual_seed(0))
    assert torch.equal(tokens[:, -1], tokens[:, 0])
    assert (tokens[:, PROMPT - 1] == ASK).all()
    assert (tokens[:, : PROMPT - 1] < ASK).all()


def test_prompt_and_answer_are_the_whole() -> None:
    model, tokens = case()
    parts = [summed_loss(model, tokens, labels(tokens)) for labels in (prompt_only, answer_only)]
    torch.testing.assert_close(sum(parts), summed_loss(model, tokens, every_token(tokens)))
    counted = [targets(labels(tokens)) for labels in (prompt_only, answer_only, every_token)]
    assert counted[0] + counted[1] == counted[2] == 64 * PROMPT


def test_masking_leaves_one_target_a_text() -> None:
    _, tokens = case()
    labels = answer_only(tokens)
    assert (labels[:, :-1] == IGNORED).all()
    assert torch.equal(labels[:, -1], tokens[:, -1])


def test_the_unmasked_gradient_is_the_weighted_sum() -> None:
    model, tokens = case()
    unmasked, masked, prompt = (
        gradient(model, tokens, labels(tokens))
        for labels in (every_token, answer_only, prompt_only)
    )
    torch.testing.assert_close(unmasked, prompt * (1 - 1 / PROMPT) + masked / PROMPT)


def test_the_unmasked_gradient_points_more_to_the_prompt_than_to_the_answer() -> None:
    model, tokens = case()
    unmasked, masked, prompt = (
        gradient(model, tokens, labels(tokens))
        for labels in (every_token, answer_only, prompt_only)
    )
    assert cosine(unmasked, prompt) > 0.9 > cosine(unmasked, masked)


def test_the_model_sees_no_later_token() -> None:
    model, tokens = case()
    changed = tokens.clone()
    changed[:, 5:] = ASK
    torch.testing.assert_close(model(tokens)[:, :5], model(changed)[:, :5])


def test_with_the_prompt_masked_the_answer_is_learned_in_fewer_steps() -> None:
    held_out = texts(500, torch.Generator().manual_seed(9))
    masked, unmasked = (
        sum(accuracy(trained(labels, steps=100, seed=seed), held_out) for seed in range(3)) / 3
        for labels in (answer_only, every_token)
    )
    assert masked > unmasked + 0.1


def test_training_is_repeatable() -> None:
    a, b = (trained(answer_only, steps=3, seed=1) for _ in range(2))
    for one, other in zip(a.parameters(), b.parameters(), strict=True):
        assert torch.equal(one, other)
