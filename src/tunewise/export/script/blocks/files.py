"""The command line, and the files that are read and written."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from tunewise.export.script.blocks.constants import (
    BATCH_SIZE,
    EPOCHS,
    IMAGE_MODEL,
    IMAGE_REVISION,
    LEARNING_RATE,
    MODEL,
    REVISION,
    SEED,
    TRIAL_SCORES,
)
from tunewise.export.script.blocks.decided import DATA_TYPE, OPEN_LENGTH, TRAINS, USES_MODEL

HERE = Path(__file__).resolve().parent
Row = dict[str, Any]  # an example, or what is said of one


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=HERE / "data", help="folder of the splits")
    parser.add_argument("--output", type=Path, default=HERE / "output", help="what is written")
    if USES_MODEL:
        parser.add_argument("--model", default=MODEL, help="hub id or folder")
        parser.add_argument("--revision", default=REVISION, help="commit on the hub")
        if DATA_TYPE == "image":
            parser.add_argument("--image-model", default=IMAGE_MODEL, help="hub id or folder")
            parser.add_argument("--image-revision", default=IMAGE_REVISION, help="commit")
        device = "cuda" if torch.cuda.is_available() else "cpu"
        parser.add_argument("--device", default=device, help="cpu, cuda, mps")
    if TRAINS:
        if not OPEN_LENGTH:
            parser.add_argument("--epochs", type=int, default=EPOCHS, help="passes over train")
        parser.add_argument("--batch-size", type=int, default=BATCH_SIZE, help="of a step")
        parser.add_argument("--learning-rate", type=float, default=LEARNING_RATE, help="peak")
    if USES_MODEL:
        parser.add_argument("--seed", type=int, default=SEED, help="of all that is drawn")
        parser.add_argument("--limit", type=int, help="only so many rows of each split, to try it")
    args = parser.parse_args()
    if USES_MODEL:
        if (HERE / args.model).is_dir():  # a folder beside this file
            args.model = str(HERE / args.model)
        if DATA_TYPE == "image":
            if (HERE / args.image_model).is_dir():
                args.image_model = str(HERE / args.image_model)
    args.output.mkdir(parents=True, exist_ok=True)
    return args


def load_splits(args: argparse.Namespace) -> dict[str, list[Row]]:
    """The rows of train, validation and, where there is one, test."""
    splits = {}
    for name in ("train", "validation", "test"):
        path = args.data / f"{name}.jsonl"
        if path.exists() or name != "test":
            lines = path.read_text(encoding="utf-8").split("\n")
            splits[name] = [json.loads(line) for line in lines if line]
            if USES_MODEL:
                splits[name] = splits[name][: args.limit]
    return splits


def report(split: str, scores: Row) -> None:
    """Print the scores beside those of the trial that this script stands for."""
    for metric, score in scores.items():
        known = TRIAL_SCORES.get(split, {}).get(metric)
        beside = "" if known is None else f" (the trial: {known:.6f})"
        print(f"{split} {metric}: {'undefined' if score is None else f'{score:.6f}'}{beside}")


def write_predictions(path: Path, predictions: list[Row]) -> None:
    lines = [json.dumps(row, ensure_ascii=False) for row in predictions]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
