"""Folders of transformers' Trainer, made by training a tiny model with it, whole and with LoRA.

    python scripts/files_of_trainer.py OUT     # transformers 5.23.0, peft 0.21.2, accelerate

Written as `examples/pytorch/text-classification` of transformers writes them: the model, the state,
the metrics, and predictions as `predict_results.txt`. Needs no network.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from peft import LoraConfig, TaskType, get_peft_model
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    Trainer,
    TrainingArguments,
)

EXAMPLES, LENGTH, WORDS = 24, 6, 20


def data(seed: int) -> Dataset:
    """Is the first word in the first half of the vocabulary?"""
    words = np.random.default_rng(seed).integers(1, WORDS, (EXAMPLES, LENGTH))
    return Dataset.from_dict({"input_ids": words, "labels": (words[:, 0] < WORDS // 2).astype(int)})


def accuracy(found: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
    return {"accuracy": float((found[0].argmax(axis=-1) == found[1]).mean())}


def train(folder: Path, seed: int, *, lora: bool) -> None:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=WORDS,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=LENGTH,
        num_labels=2,
    )
    model = BertForSequenceClassification(config)
    model.save_pretrained(folder.parent.parent / "base")
    model = BertForSequenceClassification.from_pretrained(folder.parent.parent / "base")
    if lora:
        settings = LoraConfig(task_type=TaskType.SEQ_CLS, r=4, lora_alpha=8)
        model = get_peft_model(model, settings)
    trainer = Trainer(
        model,
        TrainingArguments(
            str(folder),
            num_train_epochs=2,
            per_device_train_batch_size=16,
            learning_rate=2e-2,
            eval_strategy="epoch",
            logging_strategy="epoch",
            save_strategy="epoch",
            save_total_limit=1,
            seed=seed,
            use_cpu=True,
            report_to="none",
            disable_tqdm=True,
        ),
        train_dataset=data(0),
        eval_dataset=data(1),
        compute_metrics=accuracy,
    )
    found = trainer.train()
    trainer.save_model()
    trainer.log_metrics("train", found.metrics)
    trainer.save_metrics("train", found.metrics)
    trainer.save_state()
    metrics = trainer.evaluate()
    trainer.save_metrics("eval", {**metrics, "eval_samples": EXAMPLES})
    test = data(2)
    answers = trainer.predict(test.remove_columns("labels"), metric_key_prefix="predict")
    lines = [f"{n}\t{one}" for n, one in enumerate(answers.predictions.argmax(axis=-1))]
    (folder / "predict_results.txt").write_text("\n".join(["index\tprediction", *lines, ""]))


def main(out: Path) -> None:
    for seed in (1, 2):
        for name in ("lora", "full"):
            train(out / name / f"seed{seed}", seed, lora=name == "lora")
    labels = data(2)["labels"]
    rows = [json.dumps({"id": n, "label": label}) for n, label in enumerate(labels)]
    (out / "test.jsonl").write_text("\n".join([*rows, ""]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
