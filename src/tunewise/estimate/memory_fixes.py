"""What a step holds at its peak, and settings with which it would hold less."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tunewise.studyfile.expand import PlannedPoint


def changes(point: PlannedPoint) -> Iterable[tuple[str, PlannedPoint]]:
    """Settings that need less memory: recomputed blocks, fewer modules, smaller parts."""
    training = point.training
    if training is None:
        return

    def trained(change: str, **values: Any) -> tuple[str, PlannedPoint]:
        return change, replace(point, training=replace(training, **values))

    if not training.gradient_checkpointing:
        yield trained("gradient_checkpointing: true", gradient_checkpointing=True)
    if training.precision == "float32":
        yield trained("precision: bfloat16", precision="bfloat16")
    method: Any = point.method
    if method.name == "lora":
        target = "text.query" if any(t.startswith("text.") for t in method.targets) else "query"
        if tuple(method.targets) != (target,):
            fewer = replace(method, targets=(target,))
            yield f"lora: {{targets: [{target}]}}", replace(point, method=fewer)
    parts = 2 * training.accumulate
    while parts <= training.batch_size:
        at_once = -(-training.batch_size // parts)
        yield trained(f"accumulate: {parts} ({at_once} at a time)", accumulate=parts)
        parts *= 2
    most = training.batch_size
    yield trained(
        f"accumulate: {most} and gradient_checkpointing: true",
        accumulate=most,
        gradient_checkpointing=True,
    )
    for tokens in (256, 128):
        if tokens < (training.max_length or 512):
            yield trained(f"max_length: {tokens}", max_length=tokens)


def peak_of(seen: dict[str, Any]) -> int:
    if "memory" not in seen:
        return 0
    peaks: dict[str, int] = seen["memory"]["peak_bytes"]
    return max(peaks.values())


def best_epoch_bytes(point: PlannedPoint, memory: dict[str, Any]) -> int:
    """Bytes of the best epoch's weights, which are kept aside from the second epoch on."""
    training = point.training
    if training is None:
        return 0
    keeps = training.choose == "best" and training.epochs != 1
    return int(memory["trainable_bytes"]) if keeps else 0
