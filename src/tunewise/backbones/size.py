"""Holding a library to the size of what is stored, before a number of it takes memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod

from torch import Tensor, nn
from torch.nn.modules import module as hooks

from tunewise.backbones.folder import Stored
from tunewise.core.errors import InputError

# A checkpoint may lack much of a model: a head, a tied layer that is made twice. How much of what:
TIMES = 4
MORE_PARAMETERS = 1 << 25  # 128 MiB in single precision
MORE_TENSORS = 1_000
MOST_TENSORS = 200_000  # where no weights are at hand


@contextmanager
def no_larger_than(stored: Mapping[str, Stored] | None, source: str) -> Iterator[None]:
    """Inside, a model is built on fake tensors; one far larger than its weights is refused.

    Such a model is made on the meta device, where a layer costs nothing: this counts what is
    registered there, whatever the family, and stops before anything is given memory.

    Args:
        stored: what the checkpoint holds, or None where only its configuration is at hand.
        source: the model, for the message.

    Raises:
        InputError: inside, as soon as it is too large.
    """
    stored_parameters = sum(prod(tensor.shape) for tensor in (stored or {}).values())
    most_parameters = None if stored is None else TIMES * stored_parameters + MORE_PARAMETERS
    most = MOST_TENSORS if stored is None else TIMES * len(stored) + MORE_TENSORS
    seen, counted = 0, 0

    def count(module: nn.Module, name: str, tensor: Tensor | None) -> None:
        nonlocal seen, counted
        if tensor is None or not tensor.is_meta:
            return
        seen += 1
        counted += tensor.numel()
        if seen > most or (most_parameters is not None and counted > most_parameters):
            held = (
                ""
                if stored is None
                else f", and its weights hold {stored_parameters:,} in {len(stored):,}"
            )
            raise InputError(
                f"model {source}: its config.json describes a model of more than {counted:,} "
                f"parameters in {seen:,} tensors{held}. They belong to different models, or the "
                "configuration is damaged."
            )

    handles = (
        hooks.register_module_parameter_registration_hook(count),
        hooks.register_module_buffer_registration_hook(count),
    )
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
