"""The course of a script for conversations."""

from __future__ import annotations

import json

from tunewise.export.script.blocks.adapting.loading import load_model
from tunewise.export.script.blocks.chat import (
    ChatDataCollator,
    draw_examples,
    preprocess_function,
    with_examples,
)
from tunewise.export.script.blocks.decided import METRICS, SHOWS_EXAMPLES, TRAINS
from tunewise.export.script.blocks.files import Row, load_splits, parse_arguments
from tunewise.export.script.blocks.metrics import Scores, compute_chat_metrics
from tunewise.export.script.blocks.saving import save
from tunewise.export.script.blocks.texts import load_tokenizer
from tunewise.export.script.blocks.training import train
from tunewise.export.script.blocks.writing import evaluate_answers, predict


def main() -> None:
    args = parse_arguments()
    tokenizer = load_tokenizer(args)
    splits = load_splits(args)
    if SHOWS_EXAMPLES:
        shown = draw_examples(splits["train"], args.seed)
        splits = {name: with_examples(splits[name], shown) for name in splits}
    collator = ChatDataCollator(tokenizer)
    model = load_model(args, tokenizer)
    asked = {name: preprocess_function(splits[name], tokenizer) for name in splits}
    results: Row = {}
    if TRAINS:

        def evaluate() -> Scores:
            if METRICS[0] == "bits_per_byte":
                # What chooses the epoch needs no answer that is written.
                found = predict(model, tokenizer, collator, asked["validation"], args, writes=False)
            else:
                found = predict(model, tokenizer, collator, asked["validation"], args)
            return compute_chat_metrics(found)

        learned = preprocess_function(splits["train"], tokenizer, learning=True)
        results["epochs"] = train(model, collator, learned, evaluate, args)

    results |= evaluate_answers(
        model, tokenizer, collator, asked, args, compute=compute_chat_metrics
    )
    (args.output / "evaluation_results.json").write_text(json.dumps(results, indent=2))
    if TRAINS:
        save(model, tokenizer, args.output / "model")


if __name__ == "__main__":
    main()
