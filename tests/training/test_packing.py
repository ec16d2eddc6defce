"""Texts that share a row: the loss of a padded batch, and models that cannot are refused."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
import torch
from tests.tasks.conftest import questions
from tests.training.families import PLAIN, SHARED, WRITERS, save_family

from tunewise.backbones.fast_cpu import speed_up
from tunewise.backbones.load import build_writer
from tunewise.backbones.model import Model
from tunewise.core.errors import InputError
from tunewise.methods.base import Adaptation
from tunewise.methods.full import Full
from tunewise.methods.lora import LoRA
from tunewise.methods.peft import PEFTMethod
from tunewise.methods.prefix import PrefixTuning
from tunewise.store.records import ModelRecord
from tunewise.studies.contenders.models import Inspector
from tunewise.tasks.base import Batch, Encoded, Task
from tunewise.tasks.classification import Classification
from tunewise.tasks.language import token_losses
from tunewise.tasks.question_answering import QuestionAnswering
from tunewise.tasks.rows import IGNORED, packed, padded, positions_computed, shared_rows
from tunewise.training.checks.packing import packing_shift
from tunewise.training.checks.padding import SAME
from tunewise.training.encoded_split import Feed

TASK = QuestionAnswering(max_new_tokens=4)
WINDOW = {"sliding_window": 5}
PACKING: dict[str, dict[str, Any]] = {
    **{name: WRITERS[name] for name in ("gpt2", "llama", "qwen2", "gemma", "phi")},
    "gpt_neox": PLAIN,
    "mistral": SHARED | WINDOW,
    "gemma3_text": SHARED | WINDOW | {"head_dim": 8, "layer_types": ["sliding_attention"] * 2},
}
CANNOT: dict[str, dict[str, Any]] = {
    "opt": WRITERS["opt"],
    "falcon": PLAIN,
}


def texts(lengths: tuple[int, ...], seed: int = 0) -> list[Encoded]:
    random = Random(seed)
    return [
        Encoded(
            str(number),
            {"input_ids": [random.randrange(256) for _ in range(length)]},
            None,
            length,
            prompt=length // 3,
        )
        for number, length in enumerate(lengths)
    ]


TEXTS = texts((20, 9, 7, 11, 3, 4, 2))


@pytest.fixture(scope="module")
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A writer of the family that is named, as a trial makes it fast."""
    name: str = request.param
    sizes = PACKING | CANNOT
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(WRITERS, name, sizes[name])
        folder = save_family(tmp_path_factory.mktemp(name), name, writes=True)
    model = build_writer(str(folder), seed=0)
    return replace(model, source=str(folder))


def loss_and_gradients(model: Model, batch: Batch) -> tuple[torch.Tensor, list[torch.Tensor]]:
    model.module.zero_grad()
    loss = token_losses(model.module, batch)[0].sum()
    loss.backward()
    return loss.detach(), [w.grad.clone() for w in model.module.parameters() if w.grad is not None]


@pytest.mark.parametrize("family", PACKING, indirect=True)
@pytest.mark.parametrize("prepare", ["as-it-is", "fast"])
def test_the_loss_and_its_gradient_are_those_of_a_padded_batch(family: Model, prepare: str) -> None:
    if prepare == "fast":
        speed_up(family.module)
    loss, gradients = loss_and_gradients(family, padded(TEXTS, padding=256))
    ours, others = loss_and_gradients(family, packed(TEXTS, padding=256))
    torch.testing.assert_close(ours, loss, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(others, gradients, rtol=1e-3, atol=1e-4)
    assert packing_shift(family) < SAME / 10


@pytest.mark.parametrize("family", ["llama"], indirect=True)
def test_the_loss_is_another_where_a_text_is_seen_by_the_next(family: Model) -> None:
    """What the equality above would miss if it were no test: positions that go on in a row."""
    batch = packed(TEXTS, padding=256)
    width = batch.labels.shape[1]
    batch.inputs["position_ids"] = torch.arange(width).expand(batch.labels.shape)
    with torch.no_grad():
        apart = token_losses(family.module, packed(TEXTS, padding=256))[0].sum()
        together = token_losses(family.module, batch)[0].sum()
    assert abs(float(together - apart)) > 0.1


def test_rows_by_hand() -> None:
    batch = packed(
        [
            Encoded("a", {"input_ids": [1, 2, 3]}, None, 3, prompt=1),
            Encoded("b", {"input_ids": [4, 5, 6, 7, 8, 9]}, None, 6, prompt=4),
            Encoded("c", {"input_ids": [10, 11]}, None, 2, prompt=0),
        ],
        padding=99,
    )
    assert batch.inputs["input_ids"].tolist() == [[4, 5, 6, 7, 8, 9], [1, 2, 3, 10, 11, 99]]
    assert batch.inputs["position_ids"].tolist() == [[0, 1, 2, 3, 4, 5], [0, 1, 2, 0, 1, 0]]
    no = IGNORED
    # The first token of a text follows nothing, least of all the text before it in the row.
    assert batch.labels.tolist() == [[no, no, no, no, 8, 9], [no, 2, 3, no, 11, no]]
    assert batch.asked is not None and batch.asked.tolist() == [3, 4, 6, 7, 9]
    assert (batch.targets, batch.real_tokens, batch.padded_tokens) == (5, 11, 12)


def test_every_text_has_one_place_and_no_row_is_wider_or_further() -> None:
    random = Random(0)
    for _ in range(50):
        lengths = [random.randint(1, 40) for _ in range(random.randint(1, 30))]
        rows = shared_rows(lengths)
        assert sorted(at for row in rows for at in row) == list(range(len(lengths)))
        assert all(sum(lengths[at] for at in row) <= max(lengths) for row in rows)
        together, apart = (positions_computed(lengths, packs=packs) for packs in (True, False))
        assert sum(lengths) <= together <= apart


def test_the_same_tokens_are_learned() -> None:
    ours, theirs = packed(TEXTS, 256), padded(TEXTS, 256)
    assert ours.targets == theirs.targets
    assert ours.padded_tokens < theirs.padded_tokens
    learned = [sorted(batch.labels[batch.labels != IGNORED].tolist()) for batch in (ours, theirs)]
    assert learned[0] == learned[1]


@pytest.mark.parametrize("family", CANNOT, indirect=True)
def test_a_family_whose_texts_would_see_each_other_is_known_by_its_answers(family: Model) -> None:
    with pytest.raises(InputError, match=r"packing: .* moves? its answer by"):
        inspect(family, LoRA(rank=2, targets=("all-linear",)))


@pytest.mark.parametrize("family", ["llama"], indirect=True)
def test_a_method_that_puts_something_before_each_text_is_refused(family: Model) -> None:
    with pytest.raises(InputError, match=r"packing: 'prefix' puts something before every text"):
        inspect(family, PrefixTuning(length=2))


@pytest.mark.parametrize("family", ["llama"], indirect=True)
def test_what_can_is_let_through(family: Model) -> None:
    for method in (Full(), LoRA(rank=2), PEFTMethod("IA3")):
        inspect(family, method)


def inspect(model: Model, method: Adaptation) -> None:
    inspector = Inspector(ModelRecord(model.source, None, "h"), TASK, (), packs=True)
    inspector.inspect(method, 40, "d", packs=True)


def test_only_written_answers_can_share_a_row() -> None:
    task: Task = Classification(text=("text",), label="label")
    with pytest.raises(TypeError, match="a row for each example"):
        task.packed([], None)


@pytest.mark.parametrize("family", ["gpt2"], indirect=True)
def test_a_feed_packs_what_it_is_asked_to(family: Model) -> None:
    examples = [TASK.read(row) for row in questions(6, 0)]
    encoded = TASK.encode(examples, family.processor, max_length=200, learning=True)
    encoded = [one._replace(inputs={"input_ids": one.inputs["input_ids"]}) for one in encoded]
    feed = Feed(TASK, family.processor, encoded, packs=True)
    assert "position_ids" in feed.batch([0, 1, 2]).inputs
    assert "attention_mask" in replace(feed, packs=False).batch([0, 1, 2]).inputs
