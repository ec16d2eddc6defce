"""Whether a language model reads from left to right, found by asking it."""

from __future__ import annotations

import torch

from tunewise.backbones.model import Model
from tunewise.core.errors import InputError


@torch.no_grad()
def check_causal(model: Model) -> None:
    """Read two texts that differ in their last token: the answer at the first must be the same.

    A configuration does not tell: BERT's checkpoints load as writers too, and look ahead.

    Raises:
        InputError: a token sees those after it.
    """
    ids = torch.tensor([[0, 1], [0, 2]], device=model.device)
    logits = model.module(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[:, 0]
    if not torch.allclose(logits[0], logits[1], rtol=1e-3, atol=1e-4):
        raise InputError(
            f"model {model.source}: its tokens see those that come after them, so it cannot write "
            "or weigh an answer. Choose a causal language model, such as gpt2."
        )
