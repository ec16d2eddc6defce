"""Where trials that are trained together wait for each other, once before each pass.

Each trial runs its whole course in a thread of its own, as it would alone: it makes its batches,
reads its head, clips, updates, evaluates and saves. Only the frozen backbone is run once for all:
their batches are padded to one shape and put behind each other, each LoRA layer corrects every
trial's rows by that trial's weights, and what comes out is cut apart again. Gradients go back the
same way.

One thread runs at a time, the one that holds `turn`: so the order of all that is drawn from torch's
generator is that of a trial alone, and nothing here is touched by two at once.
"""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from tunewise.backbones.model import Model
from tunewise.costs.measure import Stopwatch
from tunewise.methods.lora_files import lora_layers
from tunewise.methods.lora_layer import Corrections, LoRALinear
from tunewise.tasks.classification import padding

Inputs = Mapping[str, Any]


class Apart(BaseException):
    """The trials cannot be trained together, which says nothing about any of them.

    No `Exception`, as a trial takes those for its own end.
    """


class Piece(NamedTuple):
    """What a trial gets of a pass: a part of what came out, and the same cut off from the pass.

    The trial's own backward pass leaves its gradient at `given`, and goes no further.
    """

    part: Tensor
    given: Tensor


@dataclass
class Place:
    """A trial at the meeting: its backbone, what it brings to a pass, and what it gets of it."""

    model: Model
    stopwatch: Stopwatch
    backbone: nn.Module = field(init=False)
    forward: Callable[..., Any] = field(init=False)  # of the backbone, for this trial alone
    layers: list[LoRALinear] = field(init=False)
    inputs: Inputs | None = None
    output: Any = None
    pieces: list[Piece] = field(default_factory=list)  # whose gradients have not gone back yet
    settles: bool = False  # whether it waits for its gradients
    share: float = 0.0  # seconds of passes that are its own

    def __post_init__(self) -> None:
        (path,) = self.model.backbones.values()
        self.backbone = self.model.module.get_submodule(path)
        self.forward = self.backbone.forward
        self.layers = list(lora_layers(self.model).values())

    @property
    def waits(self) -> bool:
        return self.settles or self.inputs is not None


class Meeting:
    """Runs the passes of several trials, until the last of them has left."""

    def __init__(self, members: int) -> None:
        self.turn = threading.Condition()
        self.expected = set(range(members))  # those that still may come to a pass
        self.places: dict[int, Place] = {}
        self.is_over = False
        self._corrections: dict[tuple[int, ...], list[Corrections]] = {}

    # What a trial does, in its thread

    @contextmanager
    def place(self, member: int, model: Model, stopwatch: Stopwatch) -> Iterator[None]:
        """Inside, what the model's backbone computes to learn from is computed for all at once."""
        place = Place(model, stopwatch)
        if others := list(self.places.values()):
            _share_frozen(model.module, others[0].model.module)
        self.expected.add(member)
        self.places[member] = place
        before = place.backbone.__dict__.get("forward")
        place.backbone.forward = partial(self._joined, place)
        try:
            yield
        finally:
            del place.backbone.forward
            if before is not None:
                place.backbone.forward = before
            self.leave(member)

    def leave(self, member: int) -> None:
        """The others wait for this trial no more."""
        self.expected.discard(member)
        self.places.pop(member, None)
        self._corrections.clear()
        self.turn.notify_all()

    def settle(self, member: int) -> None:
        """Wait until the gradients of this trial's last pass have gone back through it."""
        place = self.places[member]
        if place.pieces:
            place.settles = True
            self._wait(place, lambda: not place.settles)

    def _joined(self, place: Place, *given: Any, **named: Any) -> Any:
        """What stands for the backbone's `forward`: a pass with the others, if it is to learn."""
        if not torch.is_grad_enabled():
            return place.forward(*given, **named)
        place.inputs = _named(place.forward, given, named)
        self._wait(place, lambda: place.inputs is None)
        output, place.output = place.output, None
        return output

    def _wait(self, place: Place, is_done: Callable[[], bool]) -> None:
        began = time.perf_counter()
        self.turn.notify_all()
        self.turn.wait_for(lambda: self.is_over or is_done())
        if not is_done():
            raise Apart
        place.stopwatch.leave_out(time.perf_counter() - began - place.share)
        place.share = 0.0

    # What the main thread does

    def hold(self) -> None:
        """Run the passes; the caller has the turn.

        Raises:
            Exception: of a pass, which none of the trials may have alone.
        """
        try:
            while self.expected:
                self.turn.wait_for(self._is_complete)
                if self.expected:
                    self._pass([self.places[member] for member in sorted(self.expected)])
                self.turn.notify_all()
        finally:
            self.is_over = True
            self.turn.notify_all()

    def _is_complete(self) -> bool:
        """Whether everybody who is expected waits for a pass; so too where nobody is."""
        return all(m in self.places and self.places[m].waits for m in self.expected)

    def _pass(self, places: Sequence[Place]) -> None:
        """Backwards, where gradients wait; else forwards, with what all have brought."""
        began = time.perf_counter()
        if any(place.pieces for place in places):
            _go_back([piece for place in places for piece in place.pieces])
            for place in places:
                place.pieces, place.settles = [], False
        else:
            self._go_forward(places)
        for place in places:
            place.share += (time.perf_counter() - began) / len(places)

    def _go_forward(self, places: Sequence[Place]) -> None:
        lead = places[0]
        brought = [_tensors(place.inputs) for place in places]
        shapes = [_shape(one) for one in brought]
        rows, tokens = map(max, zip(*shapes, strict=True))
        # A model that turns rows and tokens around is then noticed by the number of its rows.
        rows += tokens == rows * len(places)
        fill = padding(lead.model.processor)
        joint = {
            name: torch.cat([_filled(one[name], rows, tokens, fill[name]) for one in brought])
            for name in brought[0]
        }
        drawn = _random_states()
        with self._corrected(places, rows):
            output = lead.forward(**{**(lead.inputs or {}), **joint})
        if not all(map(torch.equal, drawn, _random_states())):
            raise ValueError("this model draws random numbers in training; it is trained alone")
        for place, pieces in zip(places, _pieces(output, shapes), strict=True):
            place.pieces = list(pieces.values())
            place.output = type(output)(**{name: piece.given for name, piece in pieces.items()})
            place.inputs = None

    @contextmanager
    def _corrected(self, places: Sequence[Place], rows: int) -> Iterator[None]:
        """Inside, layers of the first trial correct the rows of each by that one's weights."""
        key = tuple(map(id, places))
        if key not in self._corrections:
            columns = zip(*(place.layers for place in places), strict=True)
            self._corrections[key] = [Corrections(layers) for layers in columns]
        for layer, corrections in zip(places[0].layers, self._corrections[key], strict=True):
            layer.forward = partial(corrections, rows)  # type: ignore[method-assign]
        try:
            yield
        finally:
            for layer in places[0].layers:
                del layer.forward


def _random_states() -> list[Tensor]:
    """Of the default generators, of which trials alone would have one each."""
    on_gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return [torch.get_rng_state(), *on_gpus]


def _share_frozen(module: nn.Module, other: nn.Module) -> None:
    """Let a module read the frozen weights of another, which are the same.

    Raises:
        ValueError: they are not.
    """
    theirs = dict(other.named_parameters())
    for name, weight in module.named_parameters():
        if weight.requires_grad:
            continue
        if not torch.equal(weight, theirs[name]):
            raise ValueError(f"{name} is frozen, and not the same in two trials of one model")
        weight.data = theirs[name].data


def _named(forward: Callable[..., Any], given: Any, named: Any) -> Inputs:
    """Arguments by their names, as many as say something."""
    signature = inspect.signature(forward)
    found = dict(signature.bind(*given, **named).arguments)
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            found |= found.pop(parameter.name, {})
    return {name: value for name, value in found.items() if value is not None}


def _tensors(inputs: Inputs | None) -> dict[str, Tensor]:
    return {name: value for name, value in (inputs or {}).items() if isinstance(value, Tensor)}


def _shape(inputs: Mapping[str, Tensor]) -> tuple[int, int]:
    """The rows and tokens of a batch, which all of its tensors have."""
    rows, tokens = next(iter(inputs.values())).shape
    return rows, tokens


def _filled(ids: Tensor, rows: int, tokens: int, fill: int) -> Tensor:
    """(rows, tokens) of fewer: texts are padded, and the first one stands for those that lack.

    Nothing is attended in a row of padding alone, which some kernels answer with NaN.
    """
    padded = pad(ids, (0, tokens - ids.shape[1]), value=fill)
    return torch.cat([padded, padded[:1].expand(rows - len(padded), -1)])


def _pieces(output: Mapping[str, Any], shapes: Sequence[tuple[int, int]]) -> list[dict[str, Piece]]:
    """What comes out of a pass, cut into the rows and tokens that each trial brought."""
    found: list[dict[str, Piece]] = [{} for _ in shapes]
    for name, whole in output.items():
        if not isinstance(whole, Tensor):
            continue  # such as keys and values for a text that goes on
        blocks = whole.chunk(len(shapes))
        for own, (rows, tokens), block in zip(found, shapes, blocks, strict=True):
            part = block[:rows, :tokens] if block.dim() > 2 else block[:rows]
            own[name] = Piece(part, part.detach().requires_grad_(part.requires_grad))
    return found


def _go_back(pieces: Sequence[Piece]) -> None:
    """Take the gradients that arrived through the pass, to what each trial trains."""
    reached = [piece for piece in pieces if piece.given.grad is not None]
    if reached:
        torch.autograd.backward(
            [piece.part for piece in reached], [piece.given.grad for piece in reached]
        )
