"""The course of a script for question answering."""

from __future__ import annotations

import json

import torch

from tunewise.export.script.blocks.adapting.named import adapt_model
from tunewise.export.script.blocks.constants import DECODING, NUM_SAMPLES
from tunewise.export.script.blocks.decided import (
    HAS_STRATEGIES,
    LEARNS_PROMPT,
    PRECISION,
    RECOMPUTES,
    TRAINS,
)
from tunewise.export.script.blocks.files import (
    Row,
    load_splits,
    parse_arguments,
    report,
    write_predictions,
)
from tunewise.export.script.blocks.generation import generate_answers
from tunewise.export.script.blocks.metrics import Scores, compute_squad_metrics
from tunewise.export.script.blocks.question_answering import (
    QADataCollator,
    build_model,
    predict,
    preprocess_function,
    prompts_of,
)
from tunewise.export.script.blocks.saving import save
from tunewise.export.script.blocks.texts import load_tokenizer
from tunewise.export.script.blocks.training import train


def main() -> None:
    args = parse_arguments()
    tokenizer = load_tokenizer(args)
    splits = load_splits(args)
    collator = QADataCollator(tokenizer)
    model = adapt_model(build_model(args, tokenizer), tokenizer, args).to(args.device)
    if RECOMPUTES:
        model.gradient_checkpointing_enable({"use_reentrant": False})  # type: ignore[operator]
    if PRECISION == "bfloat16":
        autocast = torch.autocast(args.device, dtype=torch.bfloat16)
        model.forward = autocast(model.forward)
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

    for split in [name for name in splits if name != "train"]:
        predictions = predict(model, tokenizer, collator, asked[split], args)
        results[split] = compute_squad_metrics(predictions)
        report(split, results[split])
        if HAS_STRATEGIES:
            # The other ways of decoding, whose answers are drawn anew by each program.
            for label, how in list(DECODING.items())[1:]:
                for sample in range(NUM_SAMPLES):
                    answers = generate_answers(
                        model,
                        tokenizer,
                        prompts_of(asked[split]),
                        args,
                        label=label,
                        sample=sample,
                        **how,
                    )
                    drawn = [
                        {**row, "prediction": answer}
                        for row, answer in zip(predictions, answers, strict=True)
                    ]
                    scores = compute_squad_metrics(drawn)
                    results.setdefault(f"{split}, {label}", []).append(scores)
                    print(f"{split}, {label}: {scores}")
        write_predictions(args.output / f"predictions_{split}.jsonl", predictions)
    (args.output / "evaluation_results.json").write_text(json.dumps(results, indent=2))
    if TRAINS:
        save(model, tokenizer, args.output / "model")


if __name__ == "__main__":
    main()
