from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

import tunewise
from tunewise.data.embedded import EMBEDDED, embedded_splits

FOLDER = Path(tunewise.__file__).parent / "backbones" / "embedded" / "encoder"


def test_the_shipped_encoder_is_small() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 6e6


def test_the_shipped_weights_are_finite_halves() -> None:
    weights = load_file(FOLDER / "model.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.float16}
    assert all(weight.isfinite().all() for weight in weights.values())


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_tokenizer_knows_every_word_of_the_embedded_data(name: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    rows = embedded_splits(name)["test"]
    read = ("text", "question", "passage", "context", "statement")
    texts = [" ".join(row[column] for column in read if column in row) for row in rows]
    texts = [text.replace("?", "") for text in texts]  # of the data it was made for, none has one
    assert not any(tokenizer.unk_token_id in ids for ids in tokenizer(texts)["input_ids"])


def test_tokenizer_and_model_have_the_same_vocabulary() -> None:
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    assert len(tokenizer) == json.loads((FOLDER / "config.json").read_text())["vocab_size"]


def test_a_classifier_lacks_only_its_last_layer() -> None:
    _, report = AutoModelForSequenceClassification.from_pretrained(
        FOLDER, num_labels=5, dtype=torch.float32, output_loading_info=True
    )
    assert set(report["missing_keys"]) == {"classifier.weight", "classifier.bias"}
    assert not report["unexpected_keys"]
    assert not report["mismatched_keys"]


def test_padding_changes_nothing() -> None:
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    model = AutoModel.from_pretrained(FOLDER, dtype=torch.float32).eval()
    short, long = "The bed is soft.", "Although the bed is soft, the house is truly damp."
    with torch.no_grad():
        alone = model(**tokenizer([short], return_tensors="pt")).pooler_output[0]
        padded = model(**tokenizer([short, long], padding=True, return_tensors="pt"))
    torch.testing.assert_close(padded.pooler_output[0], alone, atol=1e-5, rtol=1e-4)


def test_the_encoder_tells_what_a_sentence_amounts_to() -> None:
    """Negation turns a word: nearer to blame in other words than to the same word's praise."""
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    model = AutoModel.from_pretrained(FOLDER, dtype=torch.float32).eval()
    texts = ["The bed is not soft.", "The house was damp.", "The bed is soft."]
    with torch.no_grad():
        turned, blame, praise = model(
            **tokenizer(texts, padding=True, return_tensors="pt")
        ).pooler_output
    near = torch.cosine_similarity(turned, blame, dim=0)
    assert near > torch.cosine_similarity(turned, praise, dim=0)
