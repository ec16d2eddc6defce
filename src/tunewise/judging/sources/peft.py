"""Result files of the PEFT project's method comparison, read as they are.

One JSON file for each experiment: `run_info` (name, configuration, error), `train_info` (status,
costs, and a list `metrics` whose last entry holds the test accuracy) and `meta_info` (hashes and
versions). Only experiments scored on GSM8K are read, because the files name no number of examples
and the test split of GSM8K has a known one.

Source: https://github.com/huggingface/peft, method_comparison/MetaMathQA.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunewise.core.canonical import JSONObject, Settings
from tunewise.core.errors import InputError, Problem
from tunewise.judging.runs import Alone, Known, Run
from tunewise.store.records import ParameterCounts

EXAMPLES = 1319  # of the test split of GSM8K (Cobbe et al. 2021, arXiv:2110.14168)
SUCCESS = "success"
READS = (
    f"Tunewise reads files of method_comparison/MetaMathQA, scored on {EXAMPLES:,} examples of "
    "GSM8K."
)
TRAIN_CONFIG = ("run_info", "train_config")
PACKAGES = {
    "peft": "peft-version",
    "torch": "torch-version",
    "transformers": "transformers-version",
}


def is_result(content: Any) -> bool:
    """Whether an object of JSON is such a file, or one that lacks a part of it."""
    return isinstance(content, dict) and bool({"run_info", "train_info"} & content.keys())


def result_run(content: Settings, place: str) -> Run:
    """The run of one file. Its status is PEFT's own: crashes and lack of memory are one.

    Raises:
        InputError: it is of another form, or was scored on something else.
    """
    run, train = (_part(place, content, key) for key in ("run_info", "train_info"))
    name = _needed(place, "run_info", run, "experiment_name", str)
    status = _needed(place, "train_info", train, "status", str)
    metrics = _needed(place, "train_info", train, "metrics", list)
    error = None if status == SUCCESS else f"{status}: {run.get('error_msg') or 'no reason given'}"
    seed = _at(content, (*TRAIN_CONFIG, "seed"))
    return Run(
        place,
        place,
        name,
        seed if isinstance(seed, int) else None,
        alone=Alone(_accuracy(place, content, metrics), EXAMPLES, "accuracy")
        if error is None
        else None,
        known=_known(content, run, train),
        error=error,
    )


def _known(content: Settings, run: Settings, train: Settings) -> Known:
    config = run.get("train_config") or {}
    adapter = run.get("peft_config") or {}
    total, trained = (_number(train, f"num_{what}_params", int) for what in ("total", "trainable"))
    training = {
        ours: config.get(theirs) for theirs, ours in (("batch_size",) * 2, ("max_steps",) * 2)
    }
    versions = {
        name: _at(content, ("meta_info", "package_info", key)) for name, key in PACKAGES.items()
    }
    return Known(
        model=config.get("model_id"),
        method=str(adapter.get("peft_type", "full")).lower(),
        training={key: value for key, value in training.items() if value is not None},
        parameters=None if total is None or trained is None else ParameterCounts(total, trained),
        seconds=_number(train, "train_time", float),
        # Files from before August 2025 speak of CUDA.
        peak_bytes=_number(train, "accelerator_memory_max", int)
        or _number(train, "cuda_memory_max", int),
        artifact_bytes=_number(train, "file_size", int),
        data=str(_at(content, ("meta_info", "dataset_info", "gsm8k", "sha")) or ""),
        environment={name: str(value) for name, value in versions.items() if value},
    )


def _part(place: str, content: Any, key: str) -> JSONObject:
    part = content.get(key)
    if isinstance(part, dict):
        return part
    has = ", ".join(sorted(map(str, content)))[:200]
    message = f"not a result of PEFT's method comparison: no object '{key}'. It has: {has}. {READS}"
    raise InputError([Problem(place, message)])


def _needed(place: str, where: str, part: Settings, key: str, kind: type) -> Any:
    if isinstance(part.get(key), kind):
        return part[key]
    message = f"'{where}' has no '{key}'; written by another version of the comparison? {READS}"
    raise InputError([Problem(place, message)])


def _accuracy(place: str, content: Any, metrics: Sequence[Any]) -> float:
    """The test accuracy.

    Raises:
        InputError: there is none, or it is no count out of the examples of GSM8K.
    """
    last = metrics[-1] if metrics and isinstance(metrics[-1], dict) else {}
    accuracy = last.get("test accuracy")
    if type(accuracy) is bool or not isinstance(accuracy, int | float) or not 0 <= accuracy <= 1:
        has = ", ".join(map(str, last)) or "nothing"
        message = (
            f"the last of 'train_info.metrics' has no 'test accuracy' (it has: {has}). {READS}"
        )
        raise InputError([Problem(place, message)])
    right = round(accuracy * EXAMPLES)
    gsm8k = _at(content, ("meta_info", "dataset_info", "gsm8k"))
    if abs(accuracy * EXAMPLES - right) > 1e-6 or gsm8k is None:
        why = (
            "names no data set gsm8k"
            if gsm8k is None
            else f"is no count out of {EXAMPLES:,} examples"
        )
        message = f"the test accuracy {accuracy:g} {why}: scored on something else. {READS}"
        raise InputError([Problem(place, message)])
    return right / EXAMPLES


def _number(part: Settings, key: str, kind: type) -> Any:
    value = part.get(key)
    return kind(value) if type(value) in {int, float} else None


def _at(content: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content
