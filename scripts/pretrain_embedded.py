"""Pretrain the small encoder that ships with the package, on texts of the generated world.

    python scripts/pretrain_embedded.py [--steps N] [--out FOLDER] [--new-tokenizer]

One thread; about 10 minutes on a free core that multiplies bfloat16. The same seed and the same
tokenizer give the same weights on the same machine and library versions; the shipped tokenizer
is used again unless `--new-tokenizer` asks for another. Objectives: masked tokens (Devlin et al.
2019, arXiv:1810.04805: 15 % of all tokens, of these 80 % masked, 10 % replaced, 10 % kept), and
what stands beside a text (`ASIDES` in the corpus), which trains the pooler. Only the encoder and
its pooler are kept.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import BertConfig, BertForPreTraining, BertTokenizerFast

from tunewise.data.embedded import EMBEDDED, embedded_splits
from tunewise.data.embedded_world.corpus import ASIDES, Text, corpus

FOLDER = Path(__file__).parents[1] / "src/tunewise/backbones/embedded/encoder"
SEED = 1  # of the corpus and of the weights
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = 1500
TOKENIZER_TEXTS = 20_000
CONFIG = {
    "hidden_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 512,
    "max_position_embeddings": 256,
}
BATCH = 32  # texts
BUCKET = 50  # batches that are sorted by length together
LEARNING_RATE = 1e-3
WARMUP = 0.05  # of all steps
NONE = -100  # of a text with no aside
MASKED = 0.15  # of all tokens


class Batch(NamedTuple):
    """Tokens of shape (batch, length); `places` and `targets` belong to the masked ones."""

    input_ids: Tensor
    attention_mask: Tensor
    token_type_ids: Tensor
    places: Tensor  # (masked,) into the flattened tokens
    targets: Tensor  # (masked,) token ids
    asides: Tensor  # (batch,) positions in ASIDES, or NONE


def train_tokenizer() -> BertTokenizerFast:
    """WordPiece, lower-case, learned from generated text alone.

    Not the same twice: the library breaks ties between equally frequent pieces by the order of a
    hash table, which changes from process to process.
    """
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=VOCABULARY, special_tokens=SPECIAL, show_progress=False
    )
    sample = itertools.islice(corpus(SEED), TOKENIZER_TEXTS)
    tokenizer.train_from_iterator((f"{text.first} {text.second}" for text in sample), trainer)
    return BertTokenizerFast(vocab=tokenizer.get_vocab(), model_max_length=256)


def shipped_texts() -> set[str]:
    """Every text of the embedded data: none of them may be pretrained on."""
    rows = [row for name in EMBEDDED for split in embedded_splits(name).values() for row in split]
    return {
        row[column] for row in rows for column in ("text", "passage", "context") if column in row
    }


def batches(tokenizer: BertTokenizerFast, generator: torch.Generator) -> Iterator[Batch]:
    """Fresh texts for ever, in batches of similar length."""
    shipped = shipped_texts()
    texts = (text for text in corpus(SEED) if shipped.isdisjoint((text.first, text.second)))
    while True:
        bucket = sorted(
            itertools.islice(texts, BATCH * BUCKET),
            key=lambda text: len(text.first) + len(text.second),
        )
        for number in torch.randperm(BUCKET, generator=generator).tolist():
            chosen = bucket[number * BATCH : (number + 1) * BATCH]
            yield masked(chosen, tokenizer, generator)


def masked(
    chosen: Sequence[Text], tokenizer: BertTokenizerFast, generator: torch.Generator
) -> Batch:
    """Encode texts and hide some of their tokens."""
    encoded = tokenizer.backend_tokenizer.encode_batch(
        [(text.first, text.second) if text.second else text.first for text in chosen]
    )
    ids = padded([one.ids for one in encoded])
    kinds = padded([one.type_ids for one in encoded])
    chance = torch.rand(ids.shape, generator=generator)
    words = ids >= len(SPECIAL)
    hidden = words & (chance < MASKED)
    places = hidden.flatten().nonzero().squeeze(1)
    targets = ids.flatten()[places]

    # The same number decides what becomes of a hidden token: a tenth stays, a tenth changes.
    fate = chance.flatten()[places] / MASKED
    other = torch.randint(len(SPECIAL), len(tokenizer), places.shape, generator=generator)
    shown = torch.where(
        fate < 0.8, tokenizer.mask_token_id, torch.where(fate < 0.9, other, targets)
    )
    shown = ids.flatten().index_copy(0, places, shown).view_as(ids)
    asides = torch.tensor([NONE if text.aside is None else text.aside for text in chosen])
    return Batch(shown, (shown != 0).long(), kinds, places, targets, asides)


def padded(rows: Sequence[Sequence[int]]) -> Tensor:
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True)


def losses(model: BertForPreTraining, batch: Batch) -> tuple[Tensor, Tensor]:
    """Mean loss of the hidden tokens and of the asides, in nats."""
    states = model.bert(batch.input_ids, batch.attention_mask, batch.token_type_ids)
    hidden = states.last_hidden_state.flatten(0, 1)[batch.places]  # the vocabulary only there
    tokens = cross_entropy(model.cls.predictions(hidden), batch.targets)
    asides = model.cls.seq_relationship(states.pooler_output)
    return tokens, cross_entropy(asides, batch.asides, ignore_index=NONE)


def rate(step: int, steps: int) -> float:
    """The learning rate's factor: up over the warm-up, then down to zero, both straight."""
    warm = max(1, int(WARMUP * steps))
    return min((step + 1) / warm, (steps - step) / max(1, steps - warm))


def pretrain(model: BertForPreTraining, data: Iterator[Batch], steps: int) -> None:
    weights = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": weights, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}],
        lr=LEARNING_RATE,
        betas=(0.9, 0.98),
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, steps))
    # Every text is new, so nothing can be overfitted: no dropout here.
    model.eval()
    began, sums = time.monotonic(), torch.zeros(2)
    for step, batch in enumerate(itertools.islice(data, steps), start=1):
        with torch.autocast("cpu", torch.bfloat16):  # 2.5 times faster than float32 alone
            tokens, aside = losses(model, batch)
        (tokens + aside).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        sums += torch.stack([tokens.detach(), aside.detach()])
        if step % 100 == 0 or step == steps:
            passed = time.monotonic() - began
            shown = sums / (step % 100 or 100)
            left = passed / step * (steps - step)
            print(
                f"step {step}/{steps}  tokens {shown[0]:.3f}  asides {shown[1]:.3f}  "
                f"{passed:.0f} s, {left:.0f} s left",
                file=sys.stderr,
            )
            sums.zero_()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--steps", type=int, default=7000)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--new-tokenizer", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    if options.new_tokenizer:
        tokenizer = train_tokenizer()
    else:
        tokenizer = BertTokenizerFast.from_pretrained(FOLDER)
    # The plain attention: the fused one is slow in bfloat16 on a CPU.
    config = BertConfig(vocab_size=len(tokenizer), attn_implementation="eager", **CONFIG)
    model = BertForPreTraining(config)
    model.cls.seq_relationship = torch.nn.Linear(config.hidden_size, len(ASIDES))
    generator = torch.Generator().manual_seed(SEED)
    pretrain(model, batches(tokenizer, generator), options.steps)

    shutil.rmtree(options.out, ignore_errors=True)
    model.bert.half().save_pretrained(options.out)
    tokenizer.save_pretrained(options.out)


if __name__ == "__main__":
    main()
