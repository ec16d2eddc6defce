"""The training loop."""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from tunewise.export.script.blocks.adapting.named import trained_groups
from tunewise.export.script.blocks.adapting.peft_method import (
    allocate_ranks,
    begin_adalora,
    orthogonality,
)
from tunewise.export.script.blocks.batches import derive_seed, training_batches
from tunewise.export.script.blocks.classification import compute_loss, count_targets
from tunewise.export.script.blocks.constants import (
    ACCUMULATE,
    CLIP_NORM,
    CONSTANT_EPOCHS,
    DECAY_EPOCHS,
    KEPT_EPOCHS,
    METRICS,
    PATIENCE,
    RESTING,
    WARMUP,
    WARMUP_STEPS,
    WEIGHT_DECAY,
)
from tunewise.export.script.blocks.decided import (
    ACCUMULATES,
    CHOOSE,
    HAS_PATIENCE,
    IS_ADALORA,
    KEEPS_AVERAGES,
    OPEN_LENGTH,
    OPTIMIZER,
    RESTS,
    SCHEDULE,
)
from tunewise.export.script.blocks.files import Row


def train(
    model: nn.Module,
    collator: Callable[[list[Any]], Any],
    features: list[Row],
    evaluate: Callable[[], Row],
    args: argparse.Namespace,
) -> list[Row]:
    """Train the model, evaluate it after each epoch, and leave the best epoch's weights in it.

    Returns what each epoch came to; every step's loss is in `training_log.csv`.
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = make_optimizer(model)
    lengths = [feature["full_length"] for feature in features]
    steps_per_epoch = math.ceil(len(features) / args.batch_size)
    if OPEN_LENGTH:
        epochs = CONSTANT_EPOCHS + DECAY_EPOCHS
    else:
        epochs = args.epochs
    if IS_ADALORA and not OPEN_LENGTH:
        begin_adalora(model, epochs * steps_per_epoch)
    history: list[Row] = []
    best: dict[str, torch.Tensor] = {}  # weights of the best epoch so far
    step = 0

    with (args.output / "training_log.csv").open("w", newline="") as file:
        log = csv.writer(file)
        log.writerow(["epoch", "step", "loss", "learning_rate"])
        for epoch in range(1, epochs + 1):
            training_mode(model)
            total, seen = 0.0, 0
            for places in training_batches(lengths, args.batch_size, args.seed, epoch):
                step += 1
                if ACCUMULATES:
                    parts = [part for part in np.array_split(places, ACCUMULATE) if len(part)]
                    batches = [collator([features[place] for place in part]) for part in parts]
                    # The loss is a mean over the whole step, so parts leave the gradient as it is.
                    targets = sum(map(count_targets, batches))
                else:
                    batch = collator([features[place] for place in places])
                    targets = count_targets(batch)
                if targets == 0:
                    continue
                if ACCUMULATES:
                    loss = 0.0
                    for number, batch in enumerate(batches):
                        torch.manual_seed(derive_seed(args.seed, "dropout", step, number))
                        part_loss = compute_loss(model, batch.to(args.device)) / targets
                        part_loss.backward()
                        loss += part_loss.item()
                else:
                    # Dropout depends on seed and step alone.
                    torch.manual_seed(derive_seed(args.seed, "dropout", step, 0))
                    mean_loss = compute_loss(model, batch.to(args.device)) / targets
                    mean_loss.backward()
                    loss = mean_loss.item()
                if IS_ADALORA:
                    penalty = orthogonality(model)
                    if penalty is not None:
                        penalty.backward()

                norm = nn.utils.clip_grad_norm_(weights, CLIP_NORM)
                if not math.isfinite(loss) or not math.isfinite(norm):
                    raise SystemExit(f"No finite loss or gradient at step {step}.")
                rate = learning_rate_at(step, epochs, steps_per_epoch, args.learning_rate)
                for group in optimizer.param_groups:
                    group["lr"] = rate * group["rate"]
                optimizer.step()
                if IS_ADALORA:
                    allocate_ranks(model, step)  # reads the gradients
                optimizer.zero_grad()
                log.writerow([epoch, step, loss, rate])
                total += loss * targets
                seen += targets

            scores = evaluate()
            history.append({"epoch": epoch, "train_loss": total / seen, **scores})
            print(f"epoch {epoch}: training loss {total / seen:.4f}, {scores}")
            if CHOOSE == "best":
                if OPEN_LENGTH:
                    is_best = epoch in KEPT_EPOCHS
                else:
                    is_best = best_epoch(history) == epoch
                if is_best:
                    best = {name: w.detach().clone() for name, w in trained_parameters(model)}
            if OPEN_LENGTH:
                if CHOOSE == "best":
                    if epoch == CONSTANT_EPOCHS:
                        model.load_state_dict(best, strict=False)  # the decay begins there
            if HAS_PATIENCE:
                if epoch - best_epoch(history) >= PATIENCE:
                    break

    if CHOOSE == "best":
        model.load_state_dict(best, strict=False)
    return history


def trained_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """The parameters that are trained, with their names."""
    return ((name, weight) for name, weight in model.named_parameters() if weight.requires_grad)


def best_epoch(history: list[Row]) -> int:
    """The first epoch with the highest score; of equal scores the lower loss counts."""

    def rank(record: Row) -> tuple[float, float]:
        score = record[METRICS[0]]
        if METRICS[0] in ("loss", "bits_per_byte", "answer_characters"):  # the lower the better
            return (-math.inf if score is None else -score, -record["loss"])
        else:
            return (-math.inf if score is None else score, -record["loss"])

    return int(max(history, key=rank)["epoch"])


def training_mode(model: nn.Module) -> None:
    """Dropout on, except in pretrained parts that hold nothing to train."""
    model.train()
    if KEEPS_AVERAGES:
        # Running averages are no parameters: they stay as they were pretrained.
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
    if RESTS:
        for name, module in model.named_modules():
            if name.removeprefix("base_model.model.") in RESTING:
                module.eval()


def make_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """The optimizer, with weight decay for matrices alone; `rate` scales a group's rate."""
    groups = []
    for rate, weights in trained_groups(model):
        matrices = [weight for weight in weights if weight.ndim >= 2]
        vectors = [weight for weight in weights if weight.ndim < 2]  # biases and norms
        for params, decay in ((matrices, WEIGHT_DECAY), (vectors, 0.0)):
            if params:
                groups.append({"params": params, "weight_decay": decay, "rate": rate})
    if OPTIMIZER == "adamw":
        return torch.optim.AdamW(groups)
    elif OPTIMIZER in ("adam", "own-adam"):
        return torch.optim.Adam(groups)
    elif OPTIMIZER in ("sgd", "own-sgd", "own-gd"):
        return torch.optim.SGD(groups)
    elif OPTIMIZER in ("adagrad", "own-adagrad"):
        return torch.optim.Adagrad(groups)
    elif OPTIMIZER == "adafactor":
        return torch.optim.Adafactor(groups)
    elif OPTIMIZER == "nadam":
        return torch.optim.NAdam(groups)
    elif OPTIMIZER == "radam":
        return torch.optim.RAdam(groups)
    else:
        return torch.optim.RMSprop(groups)


def learning_rate_at(step: int, epochs: int, steps_per_epoch: int, peak: float) -> float:
    """The learning rate of a step, counted from 1."""
    if OPEN_LENGTH:
        if step <= WARMUP_STEPS:
            return peak * step / WARMUP_STEPS
        after = step - 1 - CONSTANT_EPOCHS * steps_per_epoch
        if after < 0 or not DECAY_EPOCHS:
            return peak
        done = after / (DECAY_EPOCHS * steps_per_epoch)
    else:
        steps = epochs * steps_per_epoch
        warmup = math.ceil(WARMUP * steps)
        if step <= warmup:
            return peak * step / warmup
        done = (step - 1 - warmup) / (steps - warmup)
    if SCHEDULE == "linear":
        return peak * (1 - done)
    elif SCHEDULE == "cosine":
        return peak * (1 + math.cos(math.pi * done)) / 2
    else:
        return peak
