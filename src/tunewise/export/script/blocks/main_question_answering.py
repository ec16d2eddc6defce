"""The course of a script for question answering."""

from __future__ import annotations

import json

from tunewise.export.script.blocks.adapting.loading import load_model
from tunewise.export.script.blocks.decided import LEARNS_PROMPT, TRAINS
from tunewise.export.script.blocks.files import Row, load_splits, parse_arguments
from tunewise.export.script.blocks.metrics import Scores, compute_squad_metrics
from tunewise.export.script.blocks.question_answering import QADataCollator, preprocess_function
from tunewise.export.script.blocks.saving import save
from tunewise.export.script.blocks.texts import load_tokenizer
from tunewise.export.script.blocks.training import train
from tunewise.export.script.blocks.writing import evaluate_answers, predict


def main() -> None:
    args = parse_arguments()
    tokenizer = load_tokenizer(args)
    splits = load_splits(args)
    collator = QADataCollator(tokenizer)
    model = load_model(args, tokenizer)
    asked = {name: preprocess_function(splits[name], tokenizer) for name in splits}
    results: Row = {}
    if TRAINS:

        def evaluate() -> Scores:
            return compute_squad_metrics(
                predict(model, tokenizer, collator, asked["validation"], args)
            )

        learned = preprocess_function(splits["train"], tokenizer, learning=True)
        if LEARNS_PROMPT:
            learned = [{**feature, "learning": True} for feature in learned]
        results["epochs"] = train(model, collator, learned, evaluate, args)

    results |= evaluate_answers(
        model, tokenizer, collator, asked, args, compute=compute_squad_metrics
    )
    (args.output / "evaluation_results.json").write_text(json.dumps(results, indent=2))
    if TRAINS:
        save(model, tokenizer, args.output / "model")


if __name__ == "__main__":
    main()
