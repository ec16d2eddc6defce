"""The course of a script for questions about images."""

from __future__ import annotations

import json

import torch

from tunewise.export.script.blocks.adapting.named import adapt_model
from tunewise.export.script.blocks.classification import predict
from tunewise.export.script.blocks.decided import PRECISION
from tunewise.export.script.blocks.files import Row, load_splits, parse_arguments
from tunewise.export.script.blocks.metrics import Scores, compute_metrics, evaluate_splits
from tunewise.export.script.blocks.pictures import (
    ImageDataCollator,
    build_model,
    load_image_processor,
    preprocess_images,
)
from tunewise.export.script.blocks.saving import save
from tunewise.export.script.blocks.texts import load_tokenizer
from tunewise.export.script.blocks.training import train


def main() -> None:
    args = parse_arguments()
    tokenizer = load_tokenizer(args)
    collator = ImageDataCollator(tokenizer, load_image_processor(args), args.data / "images")
    model = adapt_model(build_model(args, tokenizer), tokenizer, args).to(args.device)
    features = {
        name: preprocess_images(rows, model, collator, args.device)
        for name, rows in load_splits(args).items()
    }
    if PRECISION == "bfloat16":
        autocast = torch.autocast(args.device, dtype=torch.bfloat16)
        model.forward = autocast(model.forward)

    def evaluate() -> Scores:
        return compute_metrics(predict(model, collator, features["validation"], args.device))

    results: Row = {}
    results["epochs"] = train(model, collator, features["train"], evaluate, args)

    def predict_rows(rows: list[Row]) -> list[Row]:
        return predict(model, collator, rows, args.device)

    results |= evaluate_splits(features, predict_rows, args.output)
    (args.output / "evaluation_results.json").write_text(json.dumps(results, indent=2))
    save(model, tokenizer, args.output / "model")


if __name__ == "__main__":
    main()
