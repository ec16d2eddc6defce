"""A model answers a text alike alone and in a batch, or is refused before it is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.conftest import CONFIGURATIONS, OPTIONS, SMALL, WORDS, tokenizer
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

from tunewise.backbones.load import build_writer
from tunewise.backbones.transformers_logging import quiet
from tunewise.core.errors import InputError
from tunewise.store.records import ModelRecord
from tunewise.studies.contenders.models import Inspector
from tunewise.tasks.base import TASKS, Task
from tunewise.training.checks.padding import SAME, check_finite, shift_by_padding, writer_shift

XLNET = {
    **{"d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 32, "vocab_size": len(WORDS)},
    **{"pad_token_id": 0, "initializer_range": 0.3},
}
FNET = SMALL | {"type_vocab_size": 4}
WRITERS = ("gpt2", "llama", "qwen2", "phi")


def classification(pooling: str = "library") -> Task:
    return TASKS.build("classification", {"text": ("text",), "label": "label", "pooling": pooling})


def question_answering() -> Task:
    return TASKS.build("question-answering", {"max_new_tokens": 4})


def saved(folder: Path, family: str, settings: dict[str, Any], kind: Any = AutoModel) -> Path:
    torch.manual_seed(0)
    with quiet():
        kind.from_config(AutoConfig.for_model(family, **settings)).save_pretrained(folder)
        tokenizer().save_pretrained(folder)
    return folder


def inspected(folder: Path, task: Task, **options: Any) -> Inspector:
    source = ModelRecord(str(folder), None, "h")
    return Inspector(source, task, OPTIONS, **options)


@pytest.mark.parametrize("pooling", ["library", "mean"])
@pytest.mark.parametrize("family", CONFIGURATIONS)
def test_usual_families_see_no_padding(
    checkpoint: Callable[[str], Path], family: str, pooling: str
) -> None:
    task = classification(pooling)
    model = task.builder.build(str(checkpoint(family)), options=OPTIONS, seed=0)
    assert shift_by_padding(task, model) < SAME / 10


@pytest.mark.parametrize("family", WRITERS)
def test_usual_writers_see_no_padding_on_either_side(tmp_path: Path, family: str) -> None:
    folder = saved(tmp_path, family, CONFIGURATIONS[family], AutoModelForCausalLM)
    assert writer_shift(build_writer(str(folder), seed=0)) < SAME / 10
    inspected(folder, question_answering())


def test_a_classifier_that_reads_a_fixed_side_is_refused_and_what_would_do_is_reported(
    tmp_path: Path,
) -> None:
    folder = saved(tmp_path, "xlnet", XLNET)
    with pytest.raises(
        InputError, match=r"changes with the padding .* With pooling: mean"
    ) as message:
        inspected(folder, classification())
    assert str(folder) in str(message.value) and "% of the largest logit" in str(message.value)
    inspected(folder, classification("mean"))


@pytest.mark.parametrize("pooling", ["library", "mean"])
def test_a_family_that_mixes_padding_in_is_refused_whatever_its_head(
    tmp_path: Path, pooling: str
) -> None:
    folder = saved(tmp_path, "fnet", FNET)
    with pytest.raises(InputError, match=r"changes with the padding .* Choose another model"):
        inspected(folder, classification(pooling))


def test_the_shift_is_the_distance_of_the_logits_over_the_largest(tmp_path: Path) -> None:
    """Worked out from a module whose answer is the number of columns that it was given."""

    class Counting(torch.nn.Module):
        def forward(self, input_ids: torch.Tensor, **_: Any) -> Any:
            rows, columns = input_ids.shape
            return type("Output", (), {"logits": torch.full((rows, 2), float(columns))})

    task = classification()
    model = task.builder.build(
        str(saved(tmp_path, "bert", CONFIGURATIONS["bert"])), options=OPTIONS, seed=0
    )
    model.module = Counting()
    short, long = 2 + 2, 15 + 2  # words of the two texts, with [CLS] and [SEP]
    assert shift_by_padding(task, model) == pytest.approx((long - short) / long)


@pytest.mark.parametrize("side", ["_left_shift", "_right_shift"])
def test_a_writer_that_differs_on_one_side_alone_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    folder = saved(tmp_path, "gpt2", CONFIGURATIONS["gpt2"], AutoModelForCausalLM)
    monkeypatch.setattr(f"tunewise.training.checks.padding.{side}", lambda model: 0.25)
    with pytest.raises(InputError, match=r"by 25\.0% of the largest logit"):
        inspected(folder, question_answering())
    asked = inspected(folder, classification())
    with pytest.raises(InputError, match=r"by 25\.0% of the largest logit"):
        asked._writer()


def test_a_model_that_sees_ahead_answers_no_question(tmp_path: Path) -> None:
    folder = saved(tmp_path, "bert", CONFIGURATIONS["bert"], AutoModelForCausalLM)
    with pytest.raises(InputError, match="its tokens see those that come after them"):
        inspected(folder, question_answering())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_checkpoint_with_a_number_that_is_none_is_refused(
    checkpoint: Callable[[str], Path], value: float
) -> None:
    task = classification()
    model = task.builder.build(str(checkpoint("bert")), options=OPTIONS, seed=0)
    check_finite(model)
    weight = model.module.get_parameter("bert.encoder.layer.1.output.dense.weight")
    weight.data[3, 4] = value
    with pytest.raises(InputError, match=r"1 of the 512 values of bert\.encoder\.layer\.1"):
        check_finite(model)
    with pytest.raises(InputError, match="what it answers to a text is not finite"):
        shift_by_padding(task, model)


def test_a_model_that_fails_on_every_text_is_the_users_to_mend(
    checkpoint: Callable[[str], Path],
) -> None:
    task = classification()
    model = task.builder.build(str(checkpoint("bert")), options=OPTIONS, seed=0)
    embedding: Any = model.module.get_submodule("bert.embeddings.word_embeddings")
    embedding.weight.data = embedding.weight.data[:1]
    with pytest.raises(InputError, match="it loads, but cannot answer a text"):
        shift_by_padding(task, model)
