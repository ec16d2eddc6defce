"""Reverse-mode differentiation by a Wengert list.

A Wengert list writes a computation as numbered steps, each one operation on earlier names. Run
forwards it gives the values; run backwards it hands the derivative of the last value from each
step to its inputs. One operation needs two functions:

    forward(*inputs) -> output
    backward(d, output, *inputs) -> one derivative for each input

where ``d = dL/d(output)`` has the shape of the output and each result that of its input.

Vectors ``x`` have shape (..., in): a single example is (in,), a batch (examples, in).

Sources: Wengert 1964, A simple automatic derivative evaluation program, CACM 7(8);
Griewank and Walther, Evaluating Derivatives, 2nd ed. 2008, ch. 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Operation:
    """A kind of step. Whoever adds one writes its derivative once, for every use of it."""

    name: str
    forward: Callable[..., Array]
    backward: Callable[..., tuple[Array, ...]]


@dataclass(frozen=True)
class Step:
    """One line of the list: ``output = operation(*inputs)``."""

    output: str
    operation: Operation
    inputs: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.output} = {self.operation.name}({', '.join(self.inputs)})"


def forward(steps: Sequence[Step], given: dict[str, Array]) -> dict[str, Array]:
    """All values by name, the given ones included.

    Raises:
        ValueError: a step uses a name that is not there yet, or sets one that is.
    """
    values = dict(given)
    for step in steps:
        missing = [name for name in step.inputs if name not in values]
        if missing:
            raise ValueError(f"step '{step}' comes before its input '{missing[0]}'")
        if step.output in values:
            raise ValueError(f"step '{step}' sets '{step.output}' a second time")
        values[step.output] = step.operation.forward(*(values[name] for name in step.inputs))
    return values


def backward(
    steps: Sequence[Step], values: dict[str, Array], seed: Array | float = 1.0
) -> dict[str, Array]:
    """The derivative of the last value in every name it depends on.

    ``seed`` is what the last value itself is multiplied by: 1 for a loss; for a vector y any
    array of y's shape, which gives the derivatives of ``sum(seed * y)``. A name used twice gets
    the sum of what both uses hand back.
    """
    last = steps[-1].output
    derivatives = {last: np.broadcast_to(np.asarray(seed, float), values[last].shape).copy()}
    for step in reversed(steps):
        if step.output not in derivatives:  # the last value does not depend on it
            continue
        inputs = [values[name] for name in step.inputs]
        d = derivatives[step.output]
        for name, part in zip(
            step.inputs, step.operation.backward(d, values[step.output], *inputs), strict=True
        ):
            derivatives[name] = derivatives[name] + part if name in derivatives else part
    return derivatives


def finite_difference(
    f: Callable[[Array], float], at: Array, place: tuple[int, ...], *, step: float = 2.0**-7
) -> float:
    """``df/d at[place]`` by a central difference.

    Exact but for rounding where f is quadratic along that entry, for any step that crosses no
    kink; elsewhere the error is of the order of ``step`` squared. A power of two keeps
    ``at + step`` itself exact.
    """
    delta = np.zeros_like(at)
    delta[place] = step
    return (f(at + delta) - f(at - delta)) / (2 * step)


def _rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])


def _linear_backward(d: Array, y: Array, W: Array, x: Array) -> tuple[Array, Array]:
    return _rows(d).T @ _rows(x), d @ W


LINEAR = Operation("linear", lambda W, x: x @ W.T, _linear_backward)
"""``W x``; W (out, in). dW = d x', summed over the examples; dx = W' d."""

AFFINE = Operation(
    "affine",
    lambda W, x, b: x @ W.T + b,
    lambda d, y, W, x, b: (*_linear_backward(d, y, W, x), _rows(d).sum(axis=0)),
)
"""``W x + b``. As LINEAR; db = d, summed over the examples."""

RELU = Operation("relu", lambda q: np.maximum(q, 0.0), lambda d, h, q: (d * (q > 0),))
"""``max(q, 0)``. dq = d where q > 0, else 0; at the kink 0, as PyTorch has it."""

SQUARED_DISTANCE = Operation(
    "squared_distance",
    lambda p, y: np.sum((p - y) ** 2),
    lambda d, loss, p, y: (2 * d * (p - y), 2 * d * (y - p)),
)
"""``(p - y)'(p - y)``, a number. dp = 2 (p - y) d; dy is its opposite."""


def scaled_sum(s: float) -> Operation:
    """``u + s v`` for two arrays of one shape. du = d; dv = s d."""
    return Operation(f"sum with {s:g} times", lambda u, v: u + s * v, lambda d, y, u, v: (d, s * d))
