"""The course of a classifier's script."""

from __future__ import annotations

import json

from tunewise.export.script.blocks.adapting.loading import load_model
from tunewise.export.script.blocks.classification import TextDataCollator, predict
from tunewise.export.script.blocks.decided import SOLVED
from tunewise.export.script.blocks.files import Row, load_splits, parse_arguments
from tunewise.export.script.blocks.fitted.solved import solve
from tunewise.export.script.blocks.metrics import Scores, compute_metrics, evaluate_splits
from tunewise.export.script.blocks.saving import save
from tunewise.export.script.blocks.texts import load_tokenizer, preprocess_function
from tunewise.export.script.blocks.training import train


def main() -> None:
    args = parse_arguments()
    tokenizer = load_tokenizer(args)
    features = {
        name: preprocess_function(rows, tokenizer) for name, rows in load_splits(args).items()
    }
    collator = TextDataCollator(tokenizer)
    model = load_model(args, tokenizer)

    if not SOLVED:

        def evaluate() -> Scores:
            return compute_metrics(predict(model, collator, features["validation"], args.device))

    results: Row = {}
    if SOLVED:
        solve(model, collator, features, args.device)
    else:
        results["epochs"] = train(model, collator, features["train"], evaluate, args)

    def predict_rows(rows: list[Row]) -> list[Row]:
        return predict(model, collator, rows, args.device)

    results |= evaluate_splits(features, predict_rows, args.output)
    (args.output / "evaluation_results.json").write_text(json.dumps(results, indent=2))
    save(model, tokenizer, args.output / "model")


if __name__ == "__main__":
    main()
