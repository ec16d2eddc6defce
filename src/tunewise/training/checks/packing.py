"""Whether texts that share a row see nothing of each other: asked of the model, not of a list.

Where positions start again inside a row, transformers masks attention for the families that build
their mask with its functions. Others take no notice, or carry a state from text to text.
"""

from __future__ import annotations

from typing import Any, cast

import torch

from tunewise.backbones.door import at_the_door
from tunewise.backbones.model import Model
from tunewise.core.errors import InputError
from tunewise.decoding.branches import context_length
from tunewise.methods.base import Adaptation
from tunewise.tasks.base import Encoded
from tunewise.tasks.rows import packed
from tunewise.training.checks.padding import SAME, fraction_moved, words_of

LONGEST = 12  # tokens of the texts that are shown


def check_packing(method: Adaptation, model: Model, shift: float) -> None:
    """Refuse a method or a model with which texts cannot share a row.

    Args:
        method: that trains it.
        model: whose texts they are.
        shift: what `packing_shift` said of the model.

    Raises:
        InputError: they cannot.
    """
    if not method.packs:
        raise InputError(
            f"packing: '{method.name}' puts something before every text, and texts that share a "
            "row have one beginning. Leave packing out here."
        )
    if shift > SAME:
        raise InputError(
            f"packing: in model {model.source} a text sees the others of its row: they move its "
            f"answer by {shift:.1%} of the largest logit. Leave packing out here."
        )


@torch.no_grad()
def packing_shift(model: Model) -> float:
    """How far the texts beside it in a row move a text's logits, as a fraction of the largest.

    Raises:
        InputError: the model cannot be asked so.
    """
    module, words = cast(Any, model.module), words_of(model)
    longest = min(LONGEST, context_length(module))
    lengths = (longest, longest - longest // 3, longest // 3)  # the last two fill a row
    texts = [(words[at:] + LONGEST * words)[:length] for at, length in enumerate(lengths)]
    with at_the_door(f"packing: model {model.source} cannot read several texts in a row"):
        alone = [module(input_ids=torch.tensor([ids]), use_cache=False).logits[0] for ids in texts]
        encoded = [Encoded("", {"input_ids": ids}, None, len(ids)) for ids in texts]
        together = module(**packed(encoded, padding=0).inputs, use_cache=False).logits
        return fraction_moved(torch.cat(alone).float(), together.flatten(0, 1).float(), model)
