"""Pretrain the small decoder that ships with the package, on stories of the generated world.

    python scripts/pretrain_decoder.py [--steps N] [--out FOLDER] [--new-tokenizer]

One thread; it took 53 minutes on a core that multiplies bfloat16. The objective is the next token
(Radford et al. 2019). What stands in the second half of a story is weighted more: of the
first half no model can know more than the wordings. The same seed and the same tokenizer give
the same weights on the same machine and library versions.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from pretrain_embedded import BUCKET, padded, rate, shipped_texts
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import GPT2Config, GPT2LMHeadModel, GPT2TokenizerFast

from tunewise.data.embedded_world.stories import stories

FOLDER = Path(__file__).parents[1] / "src/tunewise/backbones/embedded/decoder"
SEED = 1  # of the stories and of the weights
END = "<|endoftext|>"
VOCABULARY = 1500
TOKENIZER_TEXTS = 20_000
CONTEXT = 256  # tokens
CONFIG = {
    "n_embd": 224,
    "n_layer": 4,
    "n_head": 7,
    "n_positions": CONTEXT,
    "activation_function": "gelu_pytorch_tanh",  # as GPT-2's own, in one pass: a step takes 2/3
}
BATCH = 16  # stories
LEARNING_RATE = 1.5e-3
FIRST_HALF = 0.2  # weight of a description's tokens; a retold fact's is 1
SAVE_EVERY = 500  # steps


class Batch(NamedTuple):
    """Tokens of shape (batch, length), and the weight of each as a target."""

    input_ids: Tensor
    weights: Tensor


def train_tokenizer() -> GPT2TokenizerFast:
    """Byte-level BPE as GPT-2's, learned from generated text alone."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    sample = itertools.islice(stories(SEED), TOKENIZER_TEXTS)
    # The words of prompts are whole tokens, though no story has them.
    prompts = itertools.repeat("Context: \nQuestion: \nAnswer: \n", TOKENIZER_TEXTS // 10)
    tokenizer.train_from_iterator(
        itertools.chain((f"{first}\n{second}" for first, second in sample), prompts), trainer
    )
    return GPT2TokenizerFast(tokenizer_object=tokenizer, model_max_length=CONTEXT)


def batches(tokenizer: GPT2TokenizerFast, generator: torch.Generator) -> Iterator[Batch]:
    """Fresh stories for ever, in batches of similar length."""
    shipped = shipped_texts()
    fresh = (pair for pair in stories(SEED) if pair[0] not in shipped)
    encode = tokenizer.backend_tokenizer.encode_batch
    end = tokenizer.eos_token_id
    while True:
        pairs = list(itertools.islice(fresh, BATCH * BUCKET))
        firsts = [one.ids for one in encode([first for first, _ in pairs])]
        # A blank or a line end before the second half, one as often as the other; and a start
        # with and without the end token, since a prompt has none.
        gaps = [" \n"[number % 2] if second else "" for number, (_, second) in enumerate(pairs)]
        seconds = [
            one.ids
            for one in encode(
                [f"{gap}{second}" for gap, (_, second) in zip(gaps, pairs, strict=True)]
            )
        ]
        rows = [
            weighted(first, second, [end] if number % 4 < 2 else [], end)
            for number, (first, second) in enumerate(zip(firsts, seconds, strict=True))
        ]
        rows.sort(key=lambda row: len(row[0]))
        for number in torch.randperm(BUCKET, generator=generator).tolist():
            chosen = rows[number * BATCH : (number + 1) * BATCH]
            ids, weights = zip(*chosen, strict=True)
            yield Batch(padded(ids), padded(weights))


def weighted(
    first: list[int], second: list[int], before: list[int], end: int
) -> tuple[list[int], list[float]]:
    """One story's tokens and their weights, cut at the context's length."""
    ids = [*before, *first, *second, end]
    weights = [*len(before) * [0.0], *len(first) * [FIRST_HALF], *len(second) * [1.0], 1.0]
    return ids[:CONTEXT], weights[:CONTEXT]


def loss_of(model: GPT2LMHeadModel, batch: Batch) -> tuple[Tensor, Tensor]:
    """The weighted mean loss, and the plain one of the second halves, in nats a token.

    Padding stands on the right, where no token sees it, so no mask is needed.
    """
    states = model.transformer(batch.input_ids[:, :-1]).last_hidden_state
    weights = batch.weights[:, 1:].flatten()
    counted = weights > 0
    logits = model.lm_head(states.flatten(0, 1)[counted])
    losses = cross_entropy(logits, batch.input_ids[:, 1:].flatten()[counted], reduction="none")
    weights = weights[counted]
    return (losses * weights).sum() / weights.sum(), losses.detach()[weights == 1].mean()


def pretrain(model: GPT2LMHeadModel, data: Iterator[Batch], steps: int, out: Path) -> None:
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": 0.01},
            {"params": [p for p in model.parameters() if p.dim() <= 1], "weight_decay": 0.0},
        ],
        lr=LEARNING_RATE,
        betas=(0.9, 0.98),
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, steps))
    model.eval()  # every story is new, so nothing can be overfitted: no dropout
    began, shown, tokens = time.monotonic(), torch.zeros(2), 0
    for step, batch in enumerate(itertools.islice(data, steps), start=1):
        with torch.autocast("cpu", torch.bfloat16):
            loss, second = loss_of(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        shown += torch.stack([loss.detach(), second])
        tokens += int((batch.weights > 0).sum())
        if step % 50 == 0 or step == steps:
            passed = time.monotonic() - began
            mean = shown / (step % 50 or 50)
            print(
                f"step {step}/{steps}  loss {mean[0]:.3f}  retold {mean[1]:.3f}  {passed:.0f} s, "
                f"{passed / step * (steps - step):.0f} s left, {tokens / passed:.0f} tokens/s",
                file=sys.stderr,
                flush=True,
            )
            shown.zero_()
        if step % SAVE_EVERY == 0:
            save(model, out)


def save(model: GPT2LMHeadModel, folder: Path) -> None:
    copy.deepcopy(model).half().save_pretrained(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--steps", type=int, default=12_000)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--new-tokenizer", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    if options.new_tokenizer:
        tokenizer = train_tokenizer()
    else:
        tokenizer = GPT2TokenizerFast.from_pretrained(FOLDER)
    end = tokenizer.convert_tokens_to_ids(END)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        bos_token_id=end,
        eos_token_id=end,
        attn_implementation="eager",  # the fused one is slow in bfloat16 on a CPU
        **CONFIG,
    )
    model = GPT2LMHeadModel(config)
    generator = torch.Generator().manual_seed(SEED)
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True)
    tokenizer.save_pretrained(options.out)
    pretrain(model, batches(tokenizer, generator), options.steps, options.out)
    save(model, options.out)


if __name__ == "__main__":
    main()
