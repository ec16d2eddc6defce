"""What a job leaves on the disk, and what its end is called."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from tunewise.costs.limit import OverLimit
from tunewise.data.examples import Example, Prediction
from tunewise.training.loop import Diverged

SCHEMA = 1


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
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})"


def write_predictions(
    folder: Path, split: str, predictions: Sequence[Prediction], examples: Sequence[Example]
) -> None:
    """One row an example: id, right option, chosen option, probabilities, loss in nats."""
    table = pa.table(
        {
            "id": pa.array([item.id for item in predictions], pa.string()),
            "label": pa.array([example.label for example in examples], pa.int32()),
            "choice": pa.array([item.choice for item in predictions], pa.int32()),
            "probabilities": pa.array(
                [item.probabilities for item in predictions], pa.list_(pa.float32())
            ),
            "loss": pa.array([item.loss for item in predictions], pa.float64()),
        }
    )
    path = folder / "predictions" / f"{split}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
