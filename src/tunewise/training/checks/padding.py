"""Whether a model answers a text alike alone and in a batch: asked of the model, not of a list.

Families differ in what they make of padding. XLNet's classifier reads the last position, FNet mixes
all of them, and neither says so in its configuration.
"""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor, nn

from tunewise.backbones.causal import check_causal
from tunewise.backbones.door import at_the_door
from tunewise.backbones.model import Model
from tunewise.core.errors import InputError
from tunewise.decoding.branches import context_length, prefill
from tunewise.tasks.base import Task
from tunewise.tasks.lengths import limit
from tunewise.training.checks.probes import probe

SAME = 1e-3  # of the largest logit: far above rounding, far below what padding does where it counts
TEXTS = ("a word", "a text with many more words than that, which the other is filled up to")
TOKENS = (3, 10)  # of the texts that a writer is shown


def check_finite(model: Model) -> None:
    """Every value of the checkpoint has to be finite.

    Raises:
        InputError: one is not finite.
    """
    for name, weight in model.module.named_parameters():
        if not weight.sum().isfinite() and not weight.isfinite().all():
            count = int((~weight.isfinite()).sum())
            raise InputError(
                f"model {model.source}: {count:,} of the {weight.numel():,} values of {name} are "
                "not finite. The checkpoint is damaged, or its training broke off."
            )


@torch.no_grad()
def shift_by_padding(task: Task, model: Model) -> float:
    """How far the padding of a batch moves a text's logits, as a fraction of the largest logit.

    Raises:
        InputError: the model cannot answer a text at all.
    """
    with at_the_door(f"model {model.source}: it loads, but cannot answer a text"):
        if task.writing:
            return writer_shift(model)
        examples = [probe(task, str(place), text) for place, text in enumerate(TEXTS)]
        encoded = task.encode(examples, model.processor, max_length=limit(task, None, model))

        def logits(*places: int) -> Tensor:
            batch = task.collate([encoded[place] for place in places], model.processor)
            found: Tensor = model.module(**batch.inputs).logits.float()
            return found

        return fraction_moved(torch.cat([logits(0), logits(1)]), logits(0, 1), model)


@torch.no_grad()
def writer_shift(model: Model) -> float:
    """The same of a language model, padded on the right as it is trained and on the left as it
    writes.

    Raises:
        InputError: it cannot be asked, or its tokens see those that come after them.
    """
    with at_the_door(f"model {model.source}: it loads, but cannot go on from a text"):
        check_causal(model)
        return max(_left_shift(model), _right_shift(model))


def _left_shift(model: Model) -> float:
    texts = _some_tokens(model)
    short, long = (prefill(model.module, [ids])[1] for ids in texts)
    return fraction_moved(torch.cat([short, long]), prefill(model.module, texts)[1], model)


def _right_shift(model: Model) -> float:
    texts = [torch.tensor(ids) for ids in _some_tokens(model)]
    module, count = cast(Any, model.module), len(texts[0])
    mask = nn.utils.rnn.pad_sequence([torch.ones_like(ids) for ids in texts], batch_first=True)
    ids = nn.utils.rnn.pad_sequence(texts, batch_first=True)
    alone = module(input_ids=ids[:1, :count], attention_mask=mask[:1, :count], use_cache=False)
    together = module(input_ids=ids, attention_mask=mask, use_cache=False)
    return fraction_moved(alone.logits[0].float(), together.logits[0, :count].float(), model)


def _some_tokens(model: Model) -> list[list[int]]:
    """A short text and a longer one, of tokens that are words."""
    words, room = words_of(model), context_length(model.module) - 1
    return [words[: min(count, room)] for count in TOKENS]


def words_of(model: Model) -> list[int]:
    """The tokens that are no special ones."""
    special = set(model.processor.all_special_ids)
    return sorted(id for id in model.processor.get_vocab().values() if id not in special)


def fraction_moved(alone: Tensor, together: Tensor, model: Model) -> float:
    """The largest distance between logits of the same texts, over the largest logit.

    Raises:
        InputError: those of the texts alone are not finite.
    """
    if not alone.isfinite().all():
        raise InputError(f"model {model.source}: what it answers to a text is not finite.")
    largest = alone.abs().max().clamp(min=torch.finfo(alone.dtype).tiny)
    fraction = float((alone - together).abs().max() / largest)
    return fraction if math.isfinite(fraction) else math.inf
