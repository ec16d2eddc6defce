"""Texts that trip others up, from end to end: empty ones, and those that spell special tokens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.conftest import OPTIONS, WORDS, tokenizer
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

from tunewise.backbones.load import build
from tunewise.backbones.model import Model
from tunewise.backbones.transformers_logging import quiet
from tunewise.data.examples import Example
from tunewise.methods.full import Full
from tunewise.methods.nearest_neighbour import vectors_of
from tunewise.methods.prompt_script import within
from tunewise.tasks.classification import Classification
from tunewise.training.features import FeatureStore, reduction_for
from tunewise.training.predictor import ModelPredictor

SMALL = {"vocab_size": len(WORDS), "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
ENCODER_DECODERS: dict[str, dict[str, Any]] = {
    "t5": {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    | SMALL
    | {"decoder_start_token_id": 0},
    "bart": {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "decoder_start_token_id": 3}
    | {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "max_position_embeddings": 40}
    | {"encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "forced_eos_token_id": None}
    | SMALL,
}
FAMILIES = ("bert", "roberta", "distilbert", "gpt2", "llama", "qwen2", "t5", "bart")
TEXTS = ["", "good", "", "not good the bed", "good [SEP] bad", "[SEP]", "[SEP] [SEP] [CLS]"]


def without_special_tokens() -> PreTrainedTokenizerFast:
    """As GPT-2's and Qwen's: nothing stands around a text."""
    processor = tokenizer()
    processor.backend_tokenizer.post_processor = TemplateProcessing("$A", "$A $B", [])
    return processor


def with_an_end() -> PreTrainedTokenizerFast:
    """As T5's: the end token is a piece of the vocabulary."""
    pieces = [(word, 0.0 if word.startswith("[") else -1.0) for word in WORDS]
    backend = Tokenizer(models.Unigram(pieces, unk_id=1))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = TemplateProcessing("$A [SEP]", "$A [SEP] $B [SEP]", [("[SEP]", 3)])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]", eos_token="[SEP]"
    )


@pytest.fixture
def model_of(checkpoint: Callable[[str], Path], tmp_path: Path) -> Callable[..., Model]:
    def make(family: str, pooling: Any) -> Model:
        torch.manual_seed(0)
        if family in ENCODER_DECODERS:
            with quiet():
                config = AutoConfig.for_model(family, **ENCODER_DECODERS[family])
                AutoModel.from_config(config).save_pretrained(tmp_path)
            with_an_end().save_pretrained(tmp_path)
            return build(str(tmp_path), options=OPTIONS, pooling=pooling, seed=0)
        model = build(str(checkpoint(family)), options=OPTIONS, pooling=pooling, seed=0)
        if family in ("gpt2", "llama", "qwen2"):
            bare = without_special_tokens()
            bare.pad_token = model.processor.pad_token
            model.processor = bare
        return model

    return make


@pytest.mark.parametrize("pooling", ["library", "mean"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_text_has_an_answer_and_the_same_one_in_any_company(
    model_of: Callable[..., Model], family: str, pooling: Any
) -> None:
    model = model_of(family, pooling)
    task = Classification(text=("text",), label="label", pooling=pooling)
    predictor = ModelPredictor(task, Full(), model, 32)
    examples = [Example(str(at), (text,), 0) for at, text in enumerate(TEXTS)]
    together = predictor.predict(examples)
    alone = [predictor.predict([one])[0] for one in examples]
    empty = predictor.predict([examples[0], examples[2]])
    for one, other in zip([*together, *empty], [*alone, alone[0], alone[2]], strict=True):
        assert all(torch.isfinite(torch.tensor(one.probabilities)))
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)


@pytest.mark.parametrize("family", ["gpt2", "qwen2"])
def test_stored_outputs_of_empty_texts_are_those_of_their_end_token(
    model_of: Callable[..., Model], family: str, tmp_path: Path
) -> None:
    model = model_of(family, "mean")
    task = Classification(text=("text",), label="label", pooling="mean")
    encoded = task.encode(
        [Example("0", ("",), 0), Example("1", ("good bed",), 0)], model.processor, max_length=8
    )
    reduction = reduction_for(model, task, encoded)
    assert reduction is not None
    told: list[int] = []
    store = FeatureStore(tmp_path / f"empty-{family}", model, task, reduction, told.append)
    rows = store.get("train", encoded)
    assert sum(told) == len(encoded)  # whether they were made, or found in the cache
    (backbone,) = model.backbones.values()
    end = torch.tensor([[model.processor.eos_token_id]])
    with torch.no_grad():
        hidden = model.module.get_submodule(backbone)(input_ids=end).last_hidden_state
    torch.testing.assert_close(rows.take([0])[0, 0], hidden[0, 0])


def test_t5_is_averaged_over_its_encoder(model_of: Callable[..., Model]) -> None:
    model = model_of("t5", "mean")
    ids = torch.tensor([[4, 5, 3]])
    backbone = model.module.get_submodule(model.backbones["text"])
    with torch.no_grad():
        hidden = backbone(input_ids=ids).last_hidden_state
        logits = model.module(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        expected: Any = model.module
        expected = expected.classifier(hidden.mean(1))
    assert not any("decoder" in name for name, _ in model.module.named_parameters())
    torch.testing.assert_close(logits, expected)


def test_neighbours_are_sought_in_as_much_of_a_text_as_the_loop_reads(
    tiny: Callable[..., Model],
) -> None:
    model = tiny("bert", pooling="mean")
    long, short = ("good bed is cold the room", "good bed")
    examples = [Example(str(at), (text,), 0) for at, text in enumerate((long, short, ""))]
    assert not torch.allclose(*vectors_of(model, examples[:2]))
    model.longest_text = 4  # two words between the first and the last token
    torch.testing.assert_close(*vectors_of(model, examples[:2]))
    assert torch.isfinite(vectors_of(model, examples)).all()


def test_a_prompt_holds_as_much_of_its_texts_as_the_loop_reads() -> None:
    def words(texts: Any) -> int:
        return sum(len(text.split()) for text in texts)

    assert within(("a b c", "d"), words, None) == ("a b c", "d")
    assert within(("a b c", "d"), words, 4) == ("a b c", "d")
    assert within(("a b c", "d"), words, 3) == ("a b", "d")
    assert within(("a b c d", "e f g"), words, 2) == ("a", "e")
