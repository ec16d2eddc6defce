"""Every storage alive, counted by kind and phase, whether its tensor is real or fake."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from tunewise.core.canonical import JSONObject
from tunewise.core.phases import Phase
from tunewise.costs.flops import flops_of

KINDS = ("weights", "trainable", "gradients", "optimizer", "activations", "inputs", "temporary")
"""What storages are for. `weights` are frozen; `activations` were made in a forward pass."""

MADE_FORWARD = ("forward", "evaluation", "generation", "every_way", "features", "texts", "pictures")
BORN = dict.fromkeys(MADE_FORWARD, "activations")
OUTSIDE = "outside"  # of every phase


@dataclass(frozen=True)
class Memory:
    """What one training step and one evaluation hold, in bytes of storages alive.

    `kept` are the activations alive between forward and backward. `peaks` gives, for each phase,
    what each kind held when the phase's sum was highest.
    """

    weights_bytes: int
    trainable_bytes: int
    gradients_bytes: int
    optimizer_bytes: int
    activations_bytes: int  # kept for the backward pass
    peaks_bytes: dict[str, dict[str, int]] = field(default_factory=dict)
    flops: dict[str, int] = field(default_factory=dict)  # of matrix products, by phase
    moved_bytes: dict[str, int] = field(default_factory=dict)  # by all else, read and written
    operations: dict[str, int] = field(default_factory=dict)  # by phase

    def peak_bytes(self, phase: str) -> int:
        return sum(self.peaks_bytes.get(phase, {}).values())

    @property
    def peak_phase(self) -> str:
        """The phase that needs most."""
        return max(self.peaks_bytes, key=self.peak_bytes)

    @property
    def most_bytes(self) -> int:
        return self.peak_bytes(self.peak_phase)

    def as_json(self) -> JSONObject:
        return {
            **asdict(self),
            "peak_phase": self.peak_phase,
            "peak_bytes": {phase: self.peak_bytes(phase) for phase in self.peaks_bytes},
        }


@dataclass
class _Storage:
    kind: str
    size_bytes: int
    here: weakref.ref[Any]  # its callback lets go of the count


class StorageCounter(TorchDispatchMode):
    """Counts what every operation that runs under it reads and makes, until it is freed.

    Views share a storage and count once. What autograd and our own functions make passes through
    here as well, because they are built from the same operations; what a kernel allocates and
    frees inside itself does not.

    `phase` is set by whoever runs the step. What existed before is registered by `hold`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.phase = OUTSIDE
        self.alive_bytes = dict.fromkeys(KINDS, 0)
        self.peaks_bytes: dict[str, dict[str, int]] = {}
        self.flops: dict[str, int] = {}
        self.moved_bytes: dict[str, int] = {}
        self.operations: dict[str, int] = {}
        self._known: dict[int, _Storage] = {}
        self._sum = 0
        self._highest: dict[str, int] = {}

    def hold(self, tensors: Iterable[Tensor], kind: str) -> None:
        """Count tensors as of a kind, whatever they counted as before."""
        for tensor in tensors:
            self._see(tensor, kind)
            known = self._known.get(tensor.untyped_storage()._cdata)
            if known is not None and known.kind != kind:
                self.alive_bytes[known.kind] -= known.size_bytes
                self.alive_bytes[kind] += known.size_bytes
                known.kind = kind

    def enter_phase(self, phase: str) -> None:
        """What is counted from here on belongs to this phase."""
        self.phase = phase
        self._highest.setdefault(phase, -1)
        self._note()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if torch.is_inference_mode_enabled():  # there compound operations arrive whole
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        result = func(*args, **kwargs)
        phase, moved = self.phase, 0
        for tensor in tree_iter((args, kwargs)):
            if isinstance(tensor, Tensor):
                moved += self._see(tensor, "inputs")
        born = BORN.get(phase, "temporary")
        for tensor in tree_iter(result):
            if isinstance(tensor, Tensor):
                moved += self._see(tensor, born)
        self._note()
        if func.namespace != "prim":  # asking a fake tensor for its device is no operation
            self.operations[phase] = self.operations.get(phase, 0) + 1
        if not func.is_view:
            flops = flops_of(func, args, kwargs, result)
            self.flops[phase] = self.flops.get(phase, 0) + flops
            if flops == 0:  # products are bound by arithmetic
                self.moved_bytes[phase] = self.moved_bytes.get(phase, 0) + moved
        return result

    def _see(self, tensor: Tensor, kind: str) -> int:
        """Count a tensor's storage if it is new; the bytes that the tensor itself spans."""
        if tensor.layout != torch.strided:
            return 0  # sparse: made of tensors that pass through here themselves
        storage = tensor.untyped_storage()
        key, size_bytes = storage._cdata, storage.nbytes()
        known = self._known.get(key)
        if known is None:
            here = weakref.ref(storage, partial(self._forget, key))
            self._known[key] = _Storage(kind, size_bytes, here)
            self._grow(kind, size_bytes)
        elif known.size_bytes != size_bytes:  # it was resized in place
            self._grow(known.kind, size_bytes - known.size_bytes)
            known.size_bytes = size_bytes
        return tensor.numel() * tensor.element_size()

    def _grow(self, kind: str, by_bytes: int) -> None:
        self.alive_bytes[kind] += by_bytes
        self._sum += by_bytes

    def _forget(self, key: int, here: Any) -> None:
        known = self._known.get(key)
        if known is not None and known.here is here:
            del self._known[key]
            self._grow(known.kind, -known.size_bytes)

    def _note(self) -> None:
        if self._sum > self._highest.get(self.phase, -1):
            self._highest[self.phase] = self._sum
            self.peaks_bytes[self.phase] = dict(self.alive_bytes)


class StepMeter:
    """Counts a training step or an evaluation, phase by phase.

    Args:
        held: every parameter and buffer of the model, also of a part that is out of it for now.
        optimizer: its state is counted where it exists already.
    """

    def __init__(self, held: Sequence[Tensor], optimizer: Optimizer | None) -> None:
        self.counter = StorageCounter()
        self.held, self.optimizer = held, optimizer
        self.kept_bytes = 0
        self.gradients_bytes = 0

    @contextmanager
    def counting(self) -> Iterator[Phase]:
        """Take stock of what is there, and count inside the phases that are given."""
        trained = [weight for weight in self.held if weight.requires_grad]
        self.counter.hold((weight for weight in self.held if not weight.requires_grad), "weights")
        self.counter.hold(trained, "trainable")
        if self.optimizer is not None:
            self.counter.hold(_state_tensors(self.optimizer), "optimizer")
        self.counter.hold((w.grad for w in trained if w.grad is not None), "gradients")
        hooks = [
            weight.register_post_accumulate_grad_hook(self._received)
            for weight in trained
            if weight.is_leaf
        ]
        try:
            with self.counter:
                yield self.phase
        finally:
            for hook in hooks:
                hook.remove()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """What runs inside belongs to this phase, and after it to the one around it, if any."""
        around, alive = self.counter.phase, self.counter.alive_bytes
        self.counter.enter_phase(name)
        yield
        if name == "forward":
            self.kept_bytes = max(self.kept_bytes, alive["activations"])
        elif name == "backward":
            self.gradients_bytes = alive["gradients"]
        elif name == "update" and self.optimizer is not None:
            self.counter.hold(_state_tensors(self.optimizer), "optimizer")
        self.counter.enter_phase(around)

    def memory(self) -> Memory:
        counter = self.counter
        return Memory(
            weights_bytes=counter.alive_bytes["weights"],
            trainable_bytes=counter.alive_bytes["trainable"],
            gradients_bytes=self.gradients_bytes,
            optimizer_bytes=counter.alive_bytes["optimizer"],
            activations_bytes=self.kept_bytes,
            peaks_bytes=_inside(counter.peaks_bytes),
            flops=_inside(counter.flops),
            moved_bytes=_inside(counter.moved_bytes),
            operations=_inside(counter.operations),
        )

    def _received(self, weight: Tensor) -> None:
        if weight.grad is not None:
            self.counter.hold([weight.grad], "gradients")


def held_tensors(module: nn.Module) -> list[Tensor]:
    """Every parameter and buffer of a module, each once."""
    return [*module.parameters(), *module.buffers()]


def _state_tensors(optimizer: Optimizer) -> list[Tensor]:
    states = optimizer.state.values()
    return [value for state in states for value in state.values() if isinstance(value, Tensor)]


def _inside(values: dict[str, Any]) -> dict[str, Any]:
    """What was counted in a phase, and not between two."""
    return {phase: value for phase, value in values.items() if phase != OUTSIDE}
