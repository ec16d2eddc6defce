"""What an expert got: one small JSON file for each result, kept in the repository.

The answers to the test split stand as one letter an example, ``0`` for the first class, in the
order of the split, so that a later contender is compared example by example.
"""

from __future__ import annotations

import datetime
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from reference.cases import Case

from tunewise.core.files import read_json, write_json

RESULTS = Path(__file__).resolve().parents[1] / "results" / "expert"
LIBRARIES = ("numpy", "scikit-learn", "torch", "transformers", "peft", "accelerate")


@dataclass(frozen=True)
class ExpertResult:
    """One fit of an expert's contender.

    `accuracy` is a fraction by split; `validation_loss` in nats, None where it was not finite.
    `seconds` leave out embeddings that lay there. `seed` and `learning_rate` are None where none is
    used. `data` is the hash of the rows.
    """

    contender: str
    dataset: str
    rows: int
    model: str
    data: str
    settings: dict[str, Any]
    accuracy: dict[str, float]
    validation_loss: float | None
    seconds: float
    answers: str
    seed: int | None = None
    learning_rate: float | None = None
    made_by: dict[str, Any] = field(default_factory=dict)

    @property
    def choices(self) -> NDArray[np.int64]:
        """The class answered for each test example."""
        return np.array([int(letter) for letter in self.answers], dtype=np.int64)


def as_letters(choices: NDArray[np.integer]) -> str:
    """Positions of classes, at most ten, as one letter each."""
    return "".join(map(str, choices.tolist()))


def result_file(
    results: Path,
    case: Case,
    contender: str,
    *,
    learning_rate: float | None = None,
    seed: int | None = None,
) -> Path:
    rate = "" if learning_rate is None else f"-rate-{learning_rate:.2e}"
    run = "" if seed is None else f"-seed-{seed}"
    return results / case.model / case.name / f"{contender}{rate}{run}.json"


def write_result(path: Path, result: ExpertResult) -> None:
    write_json(path, asdict(result))


def read_result(path: Path) -> ExpertResult:
    return ExpertResult(**read_json(path))


def read_results(results: Path, case: Case) -> list[ExpertResult]:
    """Every result of a case, in the order of the files' names."""
    folder = results / case.model / case.name
    return [read_result(path) for path in sorted(folder.glob("*.json"))]


def made_by(command: str) -> dict[str, Any]:
    """The command that makes it again, and what it was made with."""
    return {
        "command": f"python benchmarks/expert.py {command}",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": commit(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "libraries": {name: version(name) for name in LIBRARIES},
    }


@cache
def commit() -> str | None:
    """The commit that runs; asked once, because later edits are not what was loaded."""
    command = ["git", "describe", "--always", "--dirty"]
    try:
        message = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:  # a machine without git
        return None
    return message.stdout.strip() or None


def command_of(measure: str, case: Case, options: Mapping[str, Any] | None = None) -> str:
    """The options that make one result again."""
    named = {"datasets": case.dataset, "rows": case.rows, "model": case.model, **(options or {})}
    return " ".join(
        [f"--measure {measure}", *(f"--{name} {message}" for name, message in named.items())]
    )
