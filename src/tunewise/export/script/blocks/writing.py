"""A language model that writes its answers: its loss on the right one, and what it says."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoConfig, AutoModelForCausalLM

from tunewise.export.script.blocks.batches import derive_seed, evaluation_batches
from tunewise.export.script.blocks.classification import set_dropout
from tunewise.export.script.blocks.constants import DECODING, NUM_SAMPLES
from tunewise.export.script.blocks.decided import HAS_STRATEGIES, SETS_DROPOUT
from tunewise.export.script.blocks.files import Row, report, write_predictions
from tunewise.export.script.blocks.generation import Answer, generate_answers
from tunewise.export.script.blocks.metrics import Scores


def build_model(args: argparse.Namespace, tokenizer: Any) -> nn.Module:
    """The pretrained language model, all of it."""
    config = AutoConfig.from_pretrained(args.model, revision=args.revision)
    if SETS_DROPOUT:
        set_dropout(config)
    torch.manual_seed(derive_seed(args.seed, "head"))
    model: nn.Module = AutoModelForCausalLM.from_pretrained(
        args.model, revision=args.revision, config=config, dtype=torch.float32
    )
    model.config.pad_token_id = tokenizer.pad_token_id  # type: ignore[union-attr]
    return model


@dataclass
class Batch:
    """Prompts with answers; the label -100 marks what is not to be learned."""

    input_ids: Tensor  # (batch, tokens)
    attention_mask: Tensor  # (batch, tokens)
    labels: Tensor  # (batch, tokens)

    def to(self, device: str) -> Batch:
        tensors = (self.input_ids, self.attention_mask, self.labels)
        return Batch(*(tensor.to(device) for tensor in tensors))


def make_batch(
    features: list[Row], learned: list[list[tuple[int, int]]], pad_token_id: int
) -> Batch:
    """Features padded on the right to the longest; what is learned of each lies from and up to.

    Labels and mask go by the lengths, since the padding token may be the end token, which has to be
    learned. What is not to be learned has the label -100.
    """
    shape = (len(features), max(len(feature["input_ids"]) for feature in features))
    ids = torch.full(shape, pad_token_id)
    mask = torch.zeros(shape, dtype=torch.long)
    labels = torch.full(shape, -100)
    for row, (feature, spans) in enumerate(zip(features, learned, strict=True)):
        length = len(feature["input_ids"])
        ids[row, :length] = torch.tensor(feature["input_ids"])
        mask[row, :length] = 1
        for begin, end in spans:
            labels[row, begin:end] = ids[row, begin:end]
    return Batch(ids, mask, labels)


def count_targets(batch: Batch) -> int:
    return int((batch.labels[:, 1:] != -100).sum())  # nothing predicts the first token


def token_losses(model: nn.Module, batch: Batch) -> Tensor:
    """The cross-entropy of each token that is to be learned, in nats; zero for all others.

    Logits of the prompt, with a vocabulary of tens of thousands, would be most of the memory.

    Shapes:
        result  (batch, tokens from the first that is learned in any row)
    """
    learned = (batch.labels[:, 1:] != -100).any(0).nonzero()
    first = 1 + int(learned[0]) if len(learned) else batch.labels.shape[1] - 1
    logits = model(
        input_ids=batch.input_ids,
        attention_mask=batch.attention_mask,
        use_cache=False,
        logits_to_keep=batch.labels.shape[1] - first + 1,
    ).logits.float()
    return F.cross_entropy(
        logits[:, :-1].transpose(1, 2), batch.labels[:, first:], ignore_index=-100, reduction="none"
    )


def compute_loss(model: nn.Module, batch: Batch) -> Tensor:
    """The cross-entropy summed over the tokens to be learned, in nats."""
    return token_losses(model, batch).sum()


@torch.inference_mode()
def predict(
    model: nn.Module,
    tokenizer: Any,
    collator: Callable[[list[Row]], Batch],
    features: list[Row],
    args: argparse.Namespace,
    *,
    writes: bool = True,
) -> list[Row]:
    """The answer of each example in the way of decoding that counts, and the right one's loss.

    Unless it `writes`, only the loss: then there is no answer, None.
    """
    model.eval()
    losses: dict[int, tuple[float, int]] = {}
    for places in evaluation_batches([len(feature["input_ids"]) for feature in features]):
        batch = collator([features[place] for place in places]).to(args.device)
        sums = token_losses(model, batch).sum(1).tolist()
        targets = (batch.labels[:, 1:] != -100).sum(1).tolist()
        losses.update(zip(places, zip(sums, targets, strict=True), strict=True))
    answers: list[Answer] = [Answer(None, False)] * len(features)
    if writes:
        label, how = next(iter(DECODING.items()))
        answers = generate_answers(model, tokenizer, prompts_of(features), args, label=label, **how)
    return [
        {
            "id": feature["id"],
            "prediction": answers[place].text,
            "ended_itself": answers[place].ended_itself,
            "references": feature["references"],
            "loss": losses[place][0],
            "tokens": losses[place][1],
        }
        for place, feature in enumerate(features)
    ]


def evaluate_answers(
    model: nn.Module,
    tokenizer: Any,
    collator: Callable[[list[Row]], Batch],
    asked: dict[str, list[Row]],
    args: argparse.Namespace,
    *,
    compute: Callable[[list[Row]], Scores],
) -> Row:
    """The scores of every split but train, whose predictions are written."""
    results: Row = {}
    for split in [name for name in asked if name != "train"]:
        predictions = predict(model, tokenizer, collator, asked[split], args)
        results[split] = compute(predictions)
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
                        {**row, "prediction": one.text, "ended_itself": one.ended_itself}
                        for row, one in zip(predictions, answers, strict=True)
                    ]
                    scores = compute(drawn)
                    results.setdefault(f"{split}, {label}", []).append(scores)
                    print(f"{split}, {label}: {scores}")
        write_predictions(args.output / f"predictions_{split}.jsonl", predictions)
    return results


def prompts_of(features: list[Row]) -> list[list[int]]:
    return [feature["input_ids"][: feature["prompt_length"]] for feature in features]
