"""The contenders of a grid trained one by one with PEFT and transformers' Trainer.

Each for the epochs of the grid with batches grouped by length, validation answered after every
epoch, the best epoch's weights kept, and the test split answered at the end: what a person's own
script does for one cell of a grid.
"""

from __future__ import annotations

import tempfile
import time
from typing import Any

import peft
import torch
import transformers
from reference.cases import CaseRows
from reference.trainer import accuracy, arguments, tokenized

from tunewise.backbones.transformers_logging import quiet
from tunewise.store.records import ContenderRecord

LAST = 2  # layers that `last-layers` trains
ADAPTERS = {
    "lora": lambda: peft.LoraConfig(
        task_type="SEQ_CLS", r=8, lora_alpha=16, target_modules="all-linear"
    ),
    "ia3": lambda: peft.IA3Config(task_type="SEQ_CLS"),
    "prefix": lambda: peft.PrefixTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=16),
}


def rates_beside(row: ContenderRecord) -> list[float]:
    """Two rates of the grid: its default, and the next above it."""
    prior = row.rates.prior if row.rates else 0
    points = row.points[prior : prior + 2]
    return [float(point.settings.training["learning_rate"]) for point in points]


def trained(
    name: str, folder: str, rows: CaseRows, *, rate: float, epochs: int, seed: int = 0
) -> dict[str, Any]:
    """One training; its seconds from loading the model to the answers of the test split."""
    start, processor = time.perf_counter(), time.process_time()
    with quiet(), tempfile.TemporaryDirectory(prefix="one-by-one-") as scratch:
        transformers.set_seed(seed)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        model = adapted(name, folder, rows.classes)
        trainer = transformers.Trainer(
            model=model,
            args=arguments(
                scratch,
                learning_rate=rate,
                seed=seed,
                epochs=epochs,
                warmup=0,
                weight_decay=0.0,
            ),
            train_dataset=tokenized(rows.train, tokenizer),
            eval_dataset=tokenized(rows.validation, tokenizer),
            data_collator=transformers.DataCollatorWithPadding(tokenizer),
            compute_metrics=accuracy,
        )
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
        chosen = trainer.evaluate()
        tested = trainer.evaluate(tokenized(rows.test, tokenizer))
    return {
        "seconds": round(time.perf_counter() - start, 1),
        "processor_seconds": round(time.process_time() - processor, 1),
        "steps": int(trainer.state.global_step),
        "validation": round(float(chosen["eval_accuracy"]), 4),
        "test": round(float(tested["eval_accuracy"]), 4),
        "trainable": sum(each.numel() for each in model.parameters() if each.requires_grad),
    }


def adapted(name: str, folder: str, classes: int) -> Any:
    """The model with a new classifier, and what of it a method trains."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=classes, dtype=torch.float32
    )
    if name in ADAPTERS:
        return peft.get_peft_model(model, ADAPTERS[name]())
    if name == "full":
        return model
    layers = model.config.num_hidden_layers
    last = tuple(f"layer.{at}." for at in range(layers - LAST, layers))
    for place, weight in model.named_parameters():
        kept = place.endswith("bias") if name == "bitfit" else any(key in place for key in last)
        weight.requires_grad_(kept or place.startswith(("classifier", "bert.pooler")))
    return model
