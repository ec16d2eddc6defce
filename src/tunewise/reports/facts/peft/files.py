"""Result files of the PEFT project's method comparison, read as they are.

One JSON file for each experiment: `run_info` (name, configuration, error), `train_info` (status,
costs, and a list `metrics` whose last entry holds the test accuracy) and `meta_info` (hashes and
versions). Only experiments scored on GSM8K are read, because the files name no number of examples
and the test split of GSM8K has a known one.

Source: https://github.com/huggingface/peft, method_comparison/MetaMathQA.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewise.core.errors import DamagedFile, InputError, Problem, nearest
from tunewise.core.files import read_json

EXAMPLES = 1319  # of the test split of GSM8K (Cobbe et al. 2021, arXiv:2110.14168)
SUCCESS = "success"
READS = (
    f"Tunewise reads files of method_comparison/MetaMathQA, scored on {EXAMPLES:,} examples of "
    "GSM8K."
)
CONDITIONS = {  # what should be the same for all, and where it stands
    "base model": ("run_info", "train_config", "model_id"),
    "steps": ("run_info", "train_config", "max_steps"),
    "batch size": ("run_info", "train_config", "batch_size"),
    "seed": ("run_info", "train_config", "seed"),
    "revision of GSM8K": ("meta_info", "dataset_info", "gsm8k", "sha"),
    "PEFT": ("meta_info", "package_info", "peft-version"),
    "torch": ("meta_info", "package_info", "torch-version"),
}


@dataclass(frozen=True)
class Experiment:
    """One file: an experiment with one seed. `right` is None where it ended without a score.

    `status` is PEFT's own; it calls crashes, interruptions and lack of memory alike.
    """

    name: str
    status: str
    error: str
    right: int | None  # of the 1,319 test examples
    parameters: int | None
    trained: int | None
    seconds: float | None  # of training
    peak_bytes: int | None  # on the accelerator
    artefact_bytes: int | None
    conditions: dict[str, str]


def read_experiments(paths: Sequence[Path]) -> list[Experiment]:
    """Read files, and every ``*.json`` in folders.

    Raises:
        InputError: with all files that are missing, no JSON, or of another form.
    """
    problems: list[Problem] = []
    found: list[Experiment] = []
    for path in _files(paths, problems):
        try:
            found.append(_experiment(path))
        except (InputError, DamagedFile) as error:
            problems += (
                error.problems if isinstance(error, InputError) else [Problem("", f"{error}")]
            )
    if problems:
        raise InputError(problems)
    return _distinguished(found)


def _files(paths: Iterable[Path], problems: list[Problem]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(path.glob("*.json"))
            if not inside:
                problems.append(Problem(str(path), "holds no JSON file."))
            files += inside
        elif path.is_file():
            files.append(path)
        else:
            beside = path.parent.iterdir() if path.parent.is_dir() else iter(())
            near = nearest(
                path.name, [one.name for one in beside if one.is_dir() or one.suffix == ".json"]
            )
            problems.append(Problem(str(path), f"no such file or folder. {near}"))
    return list(dict.fromkeys(files))


def _experiment(path: Path) -> Experiment:
    content = read_json(path)
    run, train = (_part(path, content, key) for key in ("run_info", "train_info"))
    name, status, metrics = (
        _needed(path, "run_info", run, "experiment_name", str),
        _needed(path, "train_info", train, "status", str),
        _needed(path, "train_info", train, "metrics", list),
    )
    return Experiment(
        name=name,
        status=status,
        error=str(run.get("error_msg") or ""),
        right=_right(path, content, metrics) if status == SUCCESS else None,
        parameters=_number(train, "num_total_params", int),
        trained=_number(train, "num_trainable_params", int),
        seconds=_number(train, "train_time", float),
        # Files from before August 2025 speak of CUDA.
        peak_bytes=_number(train, "accelerator_memory_max", int)
        or _number(train, "cuda_memory_max", int),
        artefact_bytes=_number(train, "file_size", int),
        conditions={
            what: str(value)
            for what, keys in CONDITIONS.items()
            if (value := _at(content, keys)) is not None
        },
    )


def _part(path: Path, content: Any, key: str) -> dict[str, Any]:
    part = content.get(key) if isinstance(content, dict) else None
    if isinstance(part, dict):
        return part
    has = (
        f"It has: {', '.join(sorted(map(str, content)))[:200]}. "
        if isinstance(content, dict)
        else ""
    )
    message = f"not a result of PEFT's method comparison: no object '{key}'. {has}{READS}"
    raise InputError([Problem(str(path), message)])


def _needed(path: Path, where: str, part: Mapping[str, Any], key: str, kind: type) -> Any:
    if isinstance(part.get(key), kind):
        return part[key]
    message = f"'{where}' has no '{key}'; written by another version of the comparison? {READS}"
    raise InputError([Problem(str(path), message)])


def _right(path: Path, content: Any, metrics: Sequence[Any]) -> int:
    """The right answers behind the test accuracy.

    Raises:
        InputError: there is no test accuracy, or it is no count out of the examples of GSM8K.
    """
    last = metrics[-1] if metrics and isinstance(metrics[-1], dict) else {}
    accuracy = last.get("test accuracy")
    if type(accuracy) is bool or not isinstance(accuracy, int | float) or not 0 <= accuracy <= 1:
        has = ", ".join(map(str, last)) or "nothing"
        message = (
            f"the last of 'train_info.metrics' has no 'test accuracy' (it has: {has}). {READS}"
        )
        raise InputError([Problem(str(path), message)])
    right = round(accuracy * EXAMPLES)
    gsm8k = _at(content, ("meta_info", "dataset_info", "gsm8k"))
    if abs(accuracy * EXAMPLES - right) > 1e-6 or gsm8k is None:
        why = (
            "names no data set gsm8k"
            if gsm8k is None
            else f"is no count out of {EXAMPLES:,} examples"
        )
        message = f"the test accuracy {accuracy:g} {why}: scored on something else. {READS}"
        raise InputError([Problem(str(path), message)])
    return right


def _number(part: Mapping[str, Any], key: str, kind: type) -> Any:
    value = part.get(key)
    return kind(value) if type(value) in {int, float} else None


def _at(content: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _distinguished(found: list[Experiment]) -> list[Experiment]:
    """An experiment that was run twice would have two rows of one name."""
    names = [one.name for one in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        listed = ", ".join(f"'{name}'" for name in twice)
        raise InputError(f"there are several results of {listed}; leave one of each.")
    return found
