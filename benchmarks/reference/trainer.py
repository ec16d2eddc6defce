"""An expert's hours: LoRA of PEFT and full fine-tuning with transformers' Trainer.

Nine rates over two decades with one seed, early stopping on validation, the best epoch's
weights; the rate that answers most validation examples right is run with the other seeds. Every
training is written as soon as it is there, so that a measurement cut short goes on.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import peft
import torch
import transformers
from reference.cases import Case, CaseRows, Rows, model_folder
from reference.records import (
    ExpertResult,
    as_letters,
    command_of,
    made_by,
    read_result,
    result_file,
    write_result,
)
from reference.simple import MAX_TOKENS

from tunewise.backbones.transformers_logging import quiet

DATASETS = ("sst5", "tweeteval-emotion", "tweeteval-sentiment")  # five, four and three classes
ROWS = 1000
CONTENDERS = ("lora", "full")
RATES: Mapping[str, tuple[float, ...]] = {  # nine, a factor of 10^(1/4) apart
    "full": tuple(10 ** (-5 + step / 4) for step in range(9)),
    "lora": tuple(10 ** (-4 + step / 4) for step in range(9)),
}
RANK, ALPHA, DROPOUT = 16, 32, 0.1
SEARCH_SEED = 0  # with which the rate is chosen
EPOCHS, PATIENCE = 20, 5  # at most; epochs without a better validation accuracy
BATCH, WARMUP, WEIGHT_DECAY = 32, 0.1, 0.01


def measure(
    case: Case,
    rows: CaseRows,
    results: Path,
    contender: str,
    *,
    seeds: Sequence[int],
    rates: Sequence[float] | None = None,
    epochs: int = EPOCHS,
) -> list[ExpertResult]:
    """Train what is not there yet; the results of all trainings that are asked for."""

    def trained(rate: float, seed: int) -> ExpertResult:
        path = result_file(results, case, contender, learning_rate=rate, seed=seed)
        if not path.is_file():
            result = train(case, rows, contender, learning_rate=rate, seed=seed, epochs=epochs)
            write_result(path, result)
            print(
                f"{case.name} {contender} rate {rate:.2e} seed {seed}: validation "
                f"{result.accuracy['validation']:.1%}, test {result.accuracy['test']:.1%}, "
                f"{result.seconds:.0f} s",
                flush=True,
            )
        return read_result(path)

    searched = [trained(rate, SEARCH_SEED) for rate in rates or RATES[contender]]
    best = chosen_rate(searched)
    return searched + [trained(best, seed) for seed in seeds if seed != SEARCH_SEED]


def chosen_rate(results: Sequence[ExpertResult]) -> float:
    """The rate of the highest validation accuracy; among equals, of the lowest validation loss."""
    searched = [result for result in results if result.seed == SEARCH_SEED]

    def merit(result: ExpertResult) -> tuple[float, float]:
        loss = math.inf if result.validation_loss is None else result.validation_loss
        return result.accuracy["validation"], -loss

    rate = max(searched, key=merit).learning_rate
    assert rate is not None
    return rate


def train(
    case: Case, rows: CaseRows, contender: str, *, learning_rate: float, seed: int, epochs: int
) -> ExpertResult:
    """One training, scored on validation and on the whole test split."""
    start = time.perf_counter()
    with quiet(), tempfile.TemporaryDirectory(prefix="expert-") as scratch:
        transformers.set_seed(seed)
        trainer = trainer_of(
            case,
            rows,
            adapted(contender, model_folder(case.model), rows.classes),
            arguments(scratch, learning_rate=learning_rate, seed=seed, epochs=epochs),
        )
        trainer.train()
        chosen = trainer.evaluate()
        test = tokenized(rows.test, trainer.processing_class)
        # Answers come in the order that batches are drawn in, which is to be that of the split.
        trainer.args.train_sampling_strategy = "sequential"
        answered = trainer.predict(test)
        assert (answered.label_ids == rows.test.labels).all()
        answers = answered.predictions.argmax(-1)
    loss, taken = float(chosen["eval_loss"]), int(trainer.state.global_step)
    options = {"methods": contender, **({} if epochs == EPOCHS else {"epochs": epochs})}
    return ExpertResult(
        contender,
        case.dataset,
        case.rows,
        case.model,
        rows.hash,
        {"epochs": epochs, "patience": PATIENCE, "batch_size": BATCH, "steps": taken},
        {
            "validation": float(chosen["eval_accuracy"]),
            "test": float((answers == rows.test.labels).mean()),
        },
        loss if math.isfinite(loss) else None,
        round(time.perf_counter() - start, 1),
        as_letters(answers),
        seed=seed,
        learning_rate=learning_rate,
        made_by=made_by(command_of("expert-trainer", case, options)),
    )


def trainer_of(case: Case, rows: CaseRows, model: Any, settings: Any) -> Any:
    """A Trainer that stops early, and prints nothing."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_folder(case.model))
    trainer = transformers.Trainer(
        model=model,
        args=settings,
        train_dataset=tokenized(rows.train, tokenizer),
        eval_dataset=tokenized(rows.validation, tokenizer),
        processing_class=tokenizer,
        data_collator=transformers.DataCollatorWithPadding(tokenizer),
        compute_metrics=accuracy,
        callbacks=[transformers.EarlyStoppingCallback(early_stopping_patience=PATIENCE)],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


def tokenized(split: Rows, tokenizer: Any) -> list[dict[str, Any]]:
    """One dictionary an example, as the Trainer reads it."""
    columns = [list(column) for column in zip(*split.texts, strict=True)]
    encoded = tokenizer(*columns, truncation=True, max_length=MAX_TOKENS)
    return [
        {**{key: encoded[key][at] for key in encoded}, "labels": label}
        for at, label in enumerate(split.labels.tolist())
    ]


def adapted(contender: str, folder: Path, classes: int) -> Any:
    """The model with a new classifier; with LoRA beside every linear layer, or trained whole."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=classes, dtype=torch.float32
    )
    if contender == "full":
        return model
    config = peft.LoraConfig(
        task_type="SEQ_CLS",
        r=RANK,
        lora_alpha=ALPHA,
        lora_dropout=DROPOUT,
        target_modules="all-linear",
    )
    return peft.get_peft_model(model, config)


def arguments(
    scratch: str,
    *,
    learning_rate: float,
    seed: int,
    epochs: int,
    warmup: float = WARMUP,
    weight_decay: float = WEIGHT_DECAY,
) -> Any:
    return transformers.TrainingArguments(
        output_dir=scratch,
        per_device_train_batch_size=BATCH,
        per_device_eval_batch_size=2 * BATCH,
        train_sampling_strategy="group_by_length",  # half the padding
        learning_rate=learning_rate,
        warmup_steps=warmup,  # below 1 a fraction of all steps
        weight_decay=weight_decay,
        num_train_epochs=epochs,
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,
        save_only_model=True,
        load_best_model_at_end=True,
        metric_for_best_model="accuracy",
        report_to="none",
        disable_tqdm=True,
        logging_strategy="no",
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=False,
        seed=seed,
    )


def accuracy(answers: Any) -> dict[str, float]:
    return {"accuracy": float(np.mean(answers.predictions.argmax(-1) == answers.label_ids))}
