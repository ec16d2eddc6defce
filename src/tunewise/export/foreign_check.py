"""Loads an exported folder with transformers and PEFT alone, and writes its logits.

`proof` runs this file in a process of its own. It imports nothing of Tunewise: what works here
works for whoever is given the folder.

    python -P foreign_check.py FOLDER QUESTION.json ANSWER.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import peft
import torch
import transformers
from peft import AutoPeftModelForCausalLM, AutoPeftModelForSequenceClassification
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)


def main(folder: str, question: str, answered: str) -> None:
    found = answer(folder, json.loads(Path(question).read_text(encoding="utf-8")))
    found["loaded_tunewise"] = "tunewise" in sys.modules
    Path(answered).write_text(json.dumps(found, allow_nan=False), encoding="utf-8")


def answer(folder: str, asked: dict[str, Any]) -> dict[str, Any]:
    """The logits of each example, alone and so without padding, and what they were made with."""
    model = load(folder, asked).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    values, written = [], []
    with torch.inference_mode():
        for example in asked["examples"]:
            inputs = tokenizer(
                *example["texts"],
                truncation=example.get("truncation", True),
                max_length=asked["max_length"],
                return_tensors="pt",
            )
            logits = model(**inputs).logits[0]
            values.append((logits[-1] if asked["writes"] else logits).double().tolist())
        for example in asked["examples"][: len(asked.get("generated", ()))]:
            written.append(generated(model, tokenizer, example, asked))
    labels = {} if asked["writes"] else model.config.id2label
    return {
        "values": values,
        "generated": written,
        "labels": [labels[number] for number in sorted(labels)],
        "dtype": str(next(model.parameters()).dtype).removeprefix("torch."),
        "versions": {module.__name__: module.__version__ for module in (torch, transformers, peft)},
    }


def generated(
    model: Any, tokenizer: Any, example: dict[str, Any], asked: dict[str, Any]
) -> list[int]:
    """The tokens after a prompt, the likeliest each."""
    inputs = tokenizer(
        *example["texts"], truncation=True, max_length=asked["max_length"], return_tensors="pt"
    )
    limit = getattr(model.config, "max_position_embeddings", None) or 1 << 24
    room = min(asked["new_tokens"], limit - inputs["input_ids"].shape[1])
    tokens: list[int] = model.generate(
        input_ids=inputs["input_ids"],
        attention_mask=inputs["attention_mask"],
        max_new_tokens=max(1, room),
        do_sample=False,
        pad_token_id=asked["pad_token_id"],
    )[0].tolist()
    return tokens[inputs["input_ids"].shape[1] :]


def load(folder: str, asked: dict[str, Any]) -> Any:
    """As the card says. An adapter's folder knows neither the labels nor the type."""
    if asked["writes"]:
        if asked["form"] == "transformers":
            return AutoModelForCausalLM.from_pretrained(folder)
        return AutoPeftModelForCausalLM.from_pretrained(folder, dtype="float32")
    if asked["form"] == "transformers":
        return AutoModelForSequenceClassification.from_pretrained(folder)
    return AutoPeftModelForSequenceClassification.from_pretrained(
        folder,
        id2label=dict(enumerate(asked["labels"])),
        pad_token_id=asked["pad_token_id"],
        dtype="float32",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
