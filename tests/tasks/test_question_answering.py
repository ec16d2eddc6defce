"""Questions as tokens, and the loss on their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tasks.conftest import byte_tokenizer, questions
from torch.nn import functional as F

from tunewise.backbones.model import Model
from tunewise.backbones.texts import PromptReader
from tunewise.core.errors import InputError
from tunewise.data.examples import Example
from tunewise.data.sources import Data
from tunewise.tasks.base import Asking, Encoded
from tunewise.tasks.language import rows_of, token_losses
from tunewise.tasks.lengths import limit
from tunewise.tasks.prompts import Asked, Template, prompts
from tunewise.tasks.question_answering import QuestionAnswering

PROCESSOR: Any = byte_tokenizer()
PROCESSOR.pad_token = PROCESSOR.eos_token  # as for GPT-2, so that only lengths can tell them apart
END = PROCESSOR.eos_token_id
TASK = QuestionAnswering(max_new_tokens=8)


def examples(count: int = 6) -> list[Example]:
    return [TASK.read(row) for row in questions(count, 0)]


def text(ids: Sequence[int]) -> str:
    return str(PROCESSOR.decode(ids))


def example(context: str, answer: str, question: str = "Where?") -> Example:
    return Example("1", (question, context), references=(answer,), start=context.index(answer))


def learnt(encoded: Encoded) -> str:
    """What the labels ask for, as text."""
    batch = TASK.collate([encoded], PROCESSOR)
    return text(batch.labels[batch.labels != -100].tolist())


def test_the_prompt_is_masked_and_the_blank_belongs_to_the_answer() -> None:
    for learning in (False, True):
        encoded = TASK.encode(examples(), PROCESSOR, max_length=200, learning=learning)
        for one, row in zip(encoded, questions(6, 0), strict=True):
            asked = f"Context: {row['context']}\nQuestion: {row['question']}\nAnswer:"
            assert text(one.inputs["input_ids"][: one.prompt]) == asked
            assert learnt(one) == f" {row['answers']['text'][0]}<|endoftext|>"
            assert one.inputs["input_ids"][-1] == END


def test_no_answer_is_learned_as_the_end_alone() -> None:
    none = TASK.read(
        {"id": "1", "context": "c", "question": "q", "answers": {"text": [], "answer_start": []}}
    )
    assert none.references == ("",)
    (one,) = TASK.encode([none], PROCESSOR, max_length=200, learning=True)
    assert learnt(one) == "<|endoftext|>"


def test_what_looks_like_the_end_token_is_text() -> None:
    (one,) = TASK.encode(
        [example(f"It says {PROCESSOR.eos_token} here", PROCESSOR.eos_token)],
        PROCESSOR,
        max_length=200,
        learning=True,
    )
    assert one.inputs["input_ids"].count(END) == 1
    assert one.inputs["input_ids"][-1] == END


LONG = "Left left left. " * 30 + "The key is in the drawer. " + "Right right right. " * 30


def test_training_shortens_the_context_around_the_answer() -> None:
    for most in (120, 128, 129, 130, 200, 400):
        (one,) = TASK.encode([example(LONG, "drawer")], PROCESSOR, max_length=most, learning=True)
        assert most - 8 < one.length <= most
        assert learnt(one) == " drawer<|endoftext|>"
        prompt = text(one.inputs["input_ids"][: one.prompt])
        assert "drawer" in prompt
        assert prompt.endswith("\nQuestion: Where?\nAnswer:")
        assert one.full_length > most
        before, after = prompt.split("drawer")
        assert ("Left" in before.lower().title()) == ("Right" in after.lower().title())


@pytest.mark.parametrize("place", [0, len(LONG)])
def test_an_answer_at_either_end_leaves_the_room_to_the_other_side(place: int) -> None:
    context = f"{LONG[:place]}Key{LONG[place:]}" if place else f"Key {LONG}"
    one = example(context, "Key")
    (prediction,) = TASK.encode([one], PROCESSOR, max_length=150, learning=True)
    assert 140 < prediction.length <= 150
    assert "Key" in text(prediction.inputs["input_ids"][: prediction.prompt])


def test_evaluation_keeps_the_beginning_and_room_for_the_answer() -> None:
    (one,) = TASK.encode([example(LONG, "drawer")], PROCESSOR, max_length=120)
    prompt = text(one.inputs["input_ids"][: one.prompt])
    assert prompt.startswith("Context: Left left")
    assert prompt.endswith("\nQuestion: Where?\nAnswer:")
    assert "drawer" not in prompt
    assert one.prompt + max(TASK.max_new_tokens, len(" drawer") + 1) <= 120
    assert one.prompt > 120 - 8 - 8


def test_what_cannot_fit_is_left_out_of_training_and_not_asked() -> None:
    wide = example(LONG, "drawer", question="Where? " * 40)
    assert TASK.encode([wide, *examples(2)], PROCESSOR, max_length=200, learning=True)[0].id != "1"
    (one,) = TASK.encode([wide], PROCESSOR, max_length=200)
    assert not one.fits
    answer = example(LONG, LONG[:300])  # longer than everything
    assert TASK.encode([answer], PROCESSOR, max_length=200, learning=True) == []


def test_without_an_answer_there_is_nothing_to_learn_and_no_loss(model: Model) -> None:
    unknown = [one._replace(references=None, start=None) for one in examples(3)]
    assert TASK.encode(unknown, PROCESSOR, max_length=200, learning=True) == []
    batch = TASK.collate(TASK.encode(unknown, PROCESSOR, max_length=200), PROCESSOR)
    assert batch.targets == 0
    with torch.inference_mode():
        found = TASK.predict(model.module, batch, Asking(PROCESSOR))
    assert all(one.loss is None and len(one.written) == 1 for one in found)


def test_a_batch_without_a_supervised_token_is_an_error_and_never_a_loss_of_zero(
    model: Model,
) -> None:
    (one,) = TASK.encode(examples(1), PROCESSOR, max_length=200)
    empty = one._replace(prompt=one.length)
    with pytest.raises(ValueError, match="no supervised token in the batch of 0-0"):
        TASK.loss(model.module, TASK.collate([empty], PROCESSOR))


@pytest.fixture(scope="module")
def model(writer: Path) -> Model:
    return TASK.builder.build(str(writer), seed=0)


def plain_loss(model: Model, encoded: Sequence[Encoded]) -> torch.Tensor:
    """The loss of each example alone, unpadded, from all its logits."""
    total = torch.zeros(())
    for one in encoded:
        ids = torch.tensor([one.inputs["input_ids"]])
        logits = model.module(input_ids=ids).logits[0]
        first = max(one.prompt, 1)
        total = total + F.cross_entropy(logits[first - 1 : -1], ids[0, first:], reduction="sum")
    return total


@pytest.mark.parametrize("loss_on", ["answer", "all"])
def test_loss_and_gradient_are_those_of_all_logits(model: Model, loss_on: Any) -> None:
    task = QuestionAnswering(loss_on=loss_on, max_new_tokens=8)
    encoded = task.encode(examples(), PROCESSOR, max_length=200, learning=True)
    batch = task.collate(encoded, PROCESSOR)
    assert batch.targets == sum(one.length - max(one.prompt, 1) for one in encoded)
    module = model.module
    gradients = []
    losses = (task.loss(module, batch).total, plain_loss(model, encoded))
    for loss in losses:
        module.zero_grad()
        loss.backward()
        gradients.append(
            {n: p.grad.clone() for n, p in module.named_parameters() if p.grad is not None}
        )
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-5)
    for name, gradient in gradients[1].items():
        torch.testing.assert_close(gradients[0][name], gradient, rtol=1e-3, atol=1e-5)


def test_what_is_learned_changes_training_examples_alone() -> None:
    task = replace(TASK, loss_on="all")
    ours, theirs = ([*one.encode(examples(), PROCESSOR, max_length=200)] for one in (task, TASK))
    assert ours == theirs
    learnt_too = task.encode(examples(), PROCESSOR, max_length=200, learning=True)
    assert all(prediction.prompt == 0 for prediction in learnt_too)


def test_logits_of_the_prompt_are_never_computed(model: Model) -> None:
    batch = TASK.collate(
        TASK.encode(examples(), PROCESSOR, max_length=200, learning=True), PROCESSOR
    )
    seen = []
    module: Any = model.module
    hook = module.get_output_embeddings().register_forward_hook(
        lambda layer, inputs, output: seen.append(output.shape)
    )
    TASK.loss(model.module, batch)
    hook.remove()
    assert seen == [(1, batch.targets, 257)]
    assert model.module(**batch.inputs).logits.shape[:2] == batch.inputs["input_ids"].shape


def test_padding_is_masked_and_changes_no_loss(model: Model) -> None:
    encoded = TASK.encode(examples(), PROCESSOR, max_length=200, learning=True)
    assert len({one.length for one in encoded}) > 1
    batch = TASK.collate(encoded, PROCESSOR)
    for row, one in enumerate(encoded):
        assert batch.inputs["attention_mask"][row].sum() == one.length
        assert (batch.labels[row, one.length :] == -100).all()
        assert batch.labels[row, one.length - 1] == END
    together, _ = token_losses(model.module, batch)
    alone = [token_losses(model.module, TASK.collate([one], PROCESSOR))[0] for one in encoded]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-5)
    assert rows_of(batch).tolist() == sorted(rows_of(batch).tolist())


def test_predictions_carry_every_way_and_the_first_counts(model: Model) -> None:
    task = QuestionAnswering(max_new_tokens=4, decoding=("greedy", "top-k 3"), samples=2)
    listed_examples = examples(3)
    batch = task.collate(task.encode(listed_examples, PROCESSOR, max_length=200), PROCESSOR)
    with torch.inference_mode():
        quick = task.predict(model.module, batch, Asking(PROCESSOR, seed=1))
        found = task.predict(model.module, batch, Asking(PROCESSOR, seed=1, thorough=True))
    assert [one.answer for one in quick] == [one.answer for one in found]
    assert [(way.strategy, way.sample) for way in found[0].written] == [
        ("greedy", 0),
        ("top-k 3", 0),
        ("top-k 3", 1),
    ]
    scores = task.score(found, listed_examples)
    expected = plain_loss(model, task.encode(listed_examples, PROCESSOR, max_length=200)).item()
    assert scores["loss"] == pytest.approx(expected / batch.targets, rel=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prompt": "{question}"}, "must hold"),
        ({"prompt": "{context} {question} Answer: "}, "must not end in a blank"),
        ({"decoding": ("top-q 3",)}, "decoding = 'top-q 3'"),
        ({"decoding": ("top-k 2.5",)}, "whole number"),
        ({"decoding": ("top-p 0",)}, "above 0, at most 1"),
        ({"decoding": ("beam 2 temperature 1",)}, "decoding = 'beam 2 temperature 1'"),
        ({"decoding": ("greedy", "Greedy")}, "stands twice"),
        ({"decoding": ()}, "at least one way"),
        ({"max_length": 32}, "must leave room"),
        ({"samples": 0}, "samples = 0"),
        ({"metrics": ()}, "at least one metric"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        QuestionAnswering(**settings)


def test_a_limit_without_room_for_a_prompt_is_refused(model: Model) -> None:
    with pytest.raises(InputError, match="leaves no room for a prompt in 8 tokens"):
        limit(TASK, 8, model)
    assert limit(TASK, None, model) == 256  # what this model can take
    assert limit(QuestionAnswering(max_length=100), None, model) == 100
    assert limit(QuestionAnswering(max_length=100), 60, model) == 60


def test_a_context_without_blanks_can_be_shortened_too() -> None:
    template = Template("{context} {question}?")
    reader = PromptReader(PROCESSOR, template.text)
    (found,) = prompts(reader, template, [Asked("q", "x" * 500, 100)])
    assert found is not None
    assert 70 < len(found.ids) <= 100


def test_braces_in_the_data_are_text() -> None:
    assert Template("{context}|{question}").filled("{context}", "{question}") == (
        "{question}|{context}"
    )


def test_a_free_answer_need_not_stand_in_its_context() -> None:
    row: dict[str, Any] = {
        "id": "1",
        "context": "It lies on the Tiber.",
        "question": "Where?",
        "_place": "a:1",
    }
    row |= {"answers": {"text": ["Rome", "In Rome"], "answer_start": [None, None]}}
    data = Data({"train": [row]}, None, {}, ())
    with pytest.raises(InputError, match="free: true"):
        TASK.settle(data)
    free = replace(TASK, free=True)
    (kept,) = free.settle(data).splits["train"]
    one = free.read(kept)
    assert (one.references, one.start) == (("Rome", "In Rome"), None)
    (encoded,) = free.encode([one], PROCESSOR, max_length=120, learning=True)
    assert learnt(encoded) == " Rome<|endoftext|>"
