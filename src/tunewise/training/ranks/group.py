"""What the processes of one trial tell each other.

A step over several ranks is the step of one process that is computed in as many times as many parts
(`training.accumulate`): each rank computes some of the parts, and gradients are summed. Every loss
is divided by the targets of the whole step, so sums, not means, give the gradient of one process.
Decisions are made by each rank for itself from the same numbers, so they are the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from tunewise.backbones.model import Model
from tunewise.core.environment import VISIBLE
from tunewise.costs.measure import Stopwatch

Part = TypeVar("Part")
BUCKET_NUMBERS = 1 << 24  # of gradients that are summed in one go: a copy of so many is made


class Share(NamedTuple, Generic[Part]):
    """A part that a rank computes. One that does not `count` is computed for company's sake."""

    place: int  # among the parts of all ranks
    part: Part
    counts: bool = True


@dataclass(frozen=True)
class Ranks:
    """The processes of a trial as one of them sees them. One alone talks to nobody.

    Where weights are in slices (`shards`), all ranks compute at the same time or not at all.
    """

    rank: int = 0
    size: int = 1
    shards: bool = False
    together: tuple[str, ...] = ()  # the trials that this process trains, where they are several

    @property
    def is_first(self) -> bool:
        """Whether this one writes what the trial leaves; the others write nothing."""
        return self.rank == 0

    def share(self, parts: Sequence[Part]) -> list[Share[Part]]:
        """The parts that this rank computes.

        >>> [[(one.place, one.counts) for one in Ranks(r, 2, shards=True).share("abc")]
        ...  for r in (0, 1)]
        [[(0, True), (2, True)], [(1, True), (0, False)]]
        """
        mine = [Share(place, part) for place, part in enumerate(parts)][self.rank :: self.size]
        rounds = -(-len(parts) // self.size)
        if self.shards and len(mine) < rounds:
            mine.append(Share(0, parts[0], counts=False))
        return mine

    def sum(self, *numbers: float) -> list[float]:
        """The sum over all ranks of each of these numbers, the same on every rank."""
        if self.size == 1:
            return list(numbers)
        sums = torch.tensor(numbers, dtype=torch.float64)
        dist.all_reduce(sums)
        return list(sums.tolist())

    def any(self, *wishes: bool) -> list[bool]:
        """Whether any rank has each of these wishes."""
        return [total > 0 for total in self.sum(*wishes)]

    def gather(self, item: Any) -> list[Any]:
        """What each rank has to tell, in the order of ranks; JSON."""
        if self.size == 1:
            return [item]
        content = torch.frombuffer(bytearray(json.dumps(item).encode()), dtype=torch.uint8)
        sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
        dist.all_gather(sizes, torch.tensor([len(content)]))
        longest = int(max(sizes))
        padded = torch.nn.functional.pad(content, (0, longest - len(content)))
        found = [torch.zeros(longest, dtype=torch.uint8) for _ in range(self.size)]
        dist.all_gather(found, padded)
        return [
            json.loads(bytes(one[: int(size)].tolist()))
            for one, size in zip(found, sizes, strict=True)
        ]

    def add_gradients(self, weights: Iterable[Tensor]) -> None:
        """Put the sum over all ranks into the gradient of each weight.

        One that no rank has used in this step keeps none, and no optimizer moves it.
        """
        if self.size == 1 or self.shards:  # of slices they are summed as they are computed
            return
        weights = list(weights)
        used = self.sum(*(weight.grad is not None for weight in weights))
        for bucket in _buckets([weight for weight, by in zip(weights, used, strict=True) if by]):
            flat = torch.cat([_gradient(weight).reshape(-1) for weight in bucket])
            dist.all_reduce(flat)
            pieces = flat.split([weight.numel() for weight in bucket])
            for weight, piece in zip(bucket, pieces, strict=True):
                weight.grad = piece.view_as(weight).clone()

    @contextmanager
    def training(self, model: Model, stopwatch: Stopwatch) -> Iterator[None]:
        """Inside, steps of this model are taken, `together` with those of others."""
        yield

    @contextmanager
    def first_before_others(self) -> Iterator[None]:
        """Inside, the first rank makes files that the others then find."""
        if not self.is_first:
            self.wait()
        yield
        if self.is_first:
            self.wait()

    def wait(self) -> None:
        """Until every rank has come here."""
        self.sum(0)


ALONE = Ranks()


def joined(rank: int, size: int, meeting: Path) -> Ranks:
    """Be one of the ranks, with a GPU of its own where there are any.

    Called in a process of its own, before it has touched a GPU. Numbers of the CPU pass through
    gloo, so that agreeing on them never waits for a GPU; what lies on GPUs through NCCL.

    Args:
        rank: of this process, from 0.
        size: how many there are.
        meeting: a file that is not there yet, of this machine, by which they find each other.
    """
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # all of them are on this machine
    backend = "gloo"
    if torch.cuda.is_available():
        seen = os.environ.get(VISIBLE)
        names = seen.split(",") if seen else [str(place) for place in range(size)]
        os.environ[VISIBLE] = names[rank]
        torch.cuda.set_device(0)  # the only one that is seen from here on
        backend = "cpu:gloo,cuda:nccl"
    found = f"file://{meeting}"
    dist.init_process_group(backend, init_method=found, rank=rank, world_size=size)
    return Ranks(rank, size)


def _gradient(weight: Tensor) -> Tensor:
    """Of a weight that no part of this rank's share used, zero."""
    return torch.zeros_like(weight) if weight.grad is None else weight.grad


def _buckets(weights: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """The weights in their order, some at a time, each bucket of one format."""
    bucket: list[Tensor] = []
    numbers = 0
    for weight in weights:
        numbers += weight.numel()
        if bucket and (numbers > BUCKET_NUMBERS or weight.dtype != bucket[0].dtype):
            yield bucket
            bucket, numbers = [], weight.numel()
        bucket.append(weight)
    if bucket:
        yield bucket
