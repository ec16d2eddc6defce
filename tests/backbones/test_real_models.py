"""What `make models` makes is what it is called: real models that need no hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoImageProcessor, AutoModelForImageClassification

from tunewise.backbones.encoders import load_image_encoder
from tunewise.backbones.load import build_writer
from tunewise.backbones.model import Model
from tunewise.backbones.texts import tokens
from tunewise.decoding.generate import generate
from tunewise.decoding.strategies import Strategy

pytestmark = pytest.mark.real

MODELS = Path(__file__).resolve().parents[2] / "models"


def folder(name: str) -> Path:
    if not (path := MODELS / name).is_dir():
        pytest.skip(f"no {path}: make models")
    return path


@pytest.fixture(scope="module")
def smollm2() -> Model:
    return build_writer(str(folder("smollm2-135m-instruct")), seed=0)


def continued(model: Model, ids: list[int], most: int) -> str:
    greedy = Strategy(max_new_tokens=most, stop=())
    [[[answer]]] = generate(model.module, model.processor, [ids], [greedy], keys=["a"], seed=0)
    return answer.text


def test_smollm2_is_the_model_that_was_published(smollm2: Model) -> None:
    config: Any = smollm2.module.config
    assert sum(p.numel() for p in smollm2.module.parameters()) == 134_515_008
    assert (config.num_hidden_layers, config.hidden_size) == (30, 576)
    assert (config.num_attention_heads, config.num_key_value_heads) == (9, 3)
    assert (config.vocab_size, smollm2.max_length) == (49_152, 8_192)
    assert config.tie_word_embeddings
    assert smollm2.processor.chat_template
    assert smollm2.processor.pad_token == smollm2.processor.eos_token == "<|im_end|>"


def test_smollm2_knows_the_capital_of_france(smollm2: Model) -> None:
    [ids] = tokens(smollm2.processor, ["The capital of France is"])
    assert continued(smollm2, ids, 1) == " Paris"


def test_smollm2_answers_in_its_chat_form(smollm2: Model) -> None:
    asked = [{"role": "user", "content": "Is this statement true or false? Sharks are mammals."}]
    ids = smollm2.processor.apply_chat_template(asked, add_generation_prompt=True)["input_ids"]
    assert continued(smollm2, ids, 16) == "False. Sharks are fish."


def test_efficientnet_lite0_recognizes_the_sample_images() -> None:
    """ImageNet's numbers of bell cote, monastery, palace and daisy."""
    images = pytest.importorskip("sklearn.datasets").load_sample_images().images
    path = folder("efficientnet-lite0")
    model = AutoModelForImageClassification.from_pretrained(path, local_files_only=True).eval()
    processor = AutoImageProcessor.from_pretrained(path, local_files_only=True, backend="pil")
    with torch.no_grad():
        logits = model(**processor(list(images), return_tensors="pt")).logits
    temple, flower = logits.topk(3).indices.tolist()
    assert set(temple) == {442, 663, 698}
    assert flower[0] == 985


def test_efficientnet_lite0_is_an_image_encoder() -> None:
    encoder, processor = load_image_encoder(
        {
            "pretrained_model_name_or_path": str(folder("efficientnet-lite0")),
            "local_files_only": True,
        }
    )
    assert (encoder.size, encoder.pooling) == (1280, "pooler_output")
    pixels = processor([torch.zeros(3, 48, 64)], return_tensors="pt")["pixel_values"]
    assert encoder(pixels).shape == (1, 1280)
