"""The memory limit of a job, on what is scarce where it computes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from tunewise.costs.limit import memory_limit


def limited(limit: int | None) -> AbstractContextManager[None]:
    """A limit in bytes on the GPU's memory where there is one, else on that of this process.

    It opens the GPU, so that the process can be forked no more.
    """
    if not torch.cuda.is_available():
        return memory_limit(limit)
    if limit is not None:
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, limit / total))
    return nullcontext()
