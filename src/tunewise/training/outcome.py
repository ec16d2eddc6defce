"""What a job leaves on the disk, and what its end is called."""

from __future__ import annotations

import io
import re
import traceback
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import torch

from tunewise.core.files import write_bytes
from tunewise.costs.limit import OverLimit
from tunewise.data.examples import Example, Prediction
from tunewise.tasks.base import Task
from tunewise.training.loop import Diverged

NO_KERNEL = re.compile(r"\"(\w+)\" not implemented for '(Half|BFloat16)'")
KINDS = {"Half": "float16", "BFloat16": "bfloat16"}  # as torch's kernels call them


def status_of(error: Exception) -> str:
    """What became of a trial that ended in an error."""
    if isinstance(error, Diverged):
        return "diverged"
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return "out-of-memory"
    if "can't allocate memory" in str(error):  # torch's CPU allocator raises a RuntimeError
        return "out-of-memory"
    return "failed"


def described(error: Exception) -> str:
    """The error with the place in the code where it was raised, unless it speaks for itself."""
    if isinstance(error, (Diverged, OverLimit)):
        return str(error)
    if found := NO_KERNEL.search(str(error)):
        return (
            f"precision: {KINDS[found[2]]}: this device has no kernel for {found[1]} in it; "
            f"take another precision ({error})"
        )
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})"


def write_predictions(
    folder: Path,
    split: str,
    task: Task,
    predictions: Sequence[Prediction],
    examples: Sequence[Example],
) -> None:
    """Store the predictions of a split in the form of their task."""
    content = io.BytesIO()
    pq.write_table(task.table(predictions, examples), content)
    write_bytes(folder / "predictions" / f"{split}.parquet", content.getvalue())


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
