"""Folders of transformers' Trainer: ``trainer_state.json`` with predictions or scores beside it.

The state says how long and with which batches it trained, an ``adapter_config.json`` or a
``config.json`` what. Predictions are a table beside them, or what the scripts of transformers
write: ``predict_results*.txt`` (index and prediction), ``*predictions.json`` (texts by id).
``training_args.bin`` is a pickle and is not read, so the learning rate is not known.

Source: transformers, ``trainer_callback.py`` (TrainerState), ``examples/pytorch``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunewise.core.errors import DamagedFile, InputError, Problem
from tunewise.core.files import read_json
from tunewise.data.readers.delimited import read_tsv
from tunewise.data.readers.files import read_file
from tunewise.judging.asked import Asked
from tunewise.judging.columns import sheet_of
from tunewise.judging.runs import Alone, Known, Run, Sheet
from tunewise.judging.sources.tables import with_labels
from tunewise.statistics.metrics import METRICS
from tunewise.store.trial_records import EpochRecord

STATE = "trainer_state.json"
TABLES = (".jsonl", ".csv", ".tsv", ".parquet")
SCORED = ("predict", "test", "eval")  # what names of scores begin with, the best first
OF_ADAPTERS = {"r": "rank", "lora_alpha": "alpha", "lora_dropout": "dropout"}
NEEDED = (
    "holds neither predictions (predictions.jsonl, .csv or .parquet; predict_results.txt; "
    "predict_predictions.json) nor scores (all_results.json)."
)


def trainer_run(folder: Path, asked: Asked) -> Run:
    """The run of one folder.

    Raises:
        InputError: no state, nothing that was answered or scored, or whatever is wrong in it.
    """
    known, place = _known(folder), str(folder)
    sheet = _answers(folder, asked)
    if sheet is not None:
        return Run(place, place, sheet=with_labels(sheet, asked), known=known)
    alone = _scored(folder, asked.metric)
    if alone is None:
        raise InputError([Problem(place, NEEDED)])
    return Run(place, place, alone=alone, known=known)


def _answers(folder: Path, asked: Asked) -> Sheet | None:
    files = sorted(path for path in folder.iterdir() if "predict" in path.name)
    for path in files:
        if path.suffix in TABLES:
            return sheet_of(read_file(path, str(path)), str(path), asked.columns)
    for path in files:
        if path.name.startswith("predict_results") and path.suffix == ".txt":
            table = read_tsv(path, str(path))
            columns = {"id": "index", "prediction": "prediction"}
            return sheet_of(table, str(path), columns)
        if path.name.endswith("predictions.json"):
            texts = _object(path)
            return Sheet(tuple(texts), predictions=list(texts.values()), place=str(path))
    return None


def _scored(folder: Path, metric: str | None) -> Alone | None:
    """The score of the last evaluation, with the number of its examples."""
    path = next(
        (p for n in ("all", *SCORED) if (p := folder / f"{n}_results.json").is_file()), None
    )
    if path is None:
        return None
    content = _object(path)
    for start in SCORED:
        for name in [metric] if metric else METRICS:
            value = content.get(f"{start}_{name}")
            if isinstance(value, int | float):
                examples = content.get(f"{start}_samples")
                return Alone(float(value), examples if isinstance(examples, int) else None, name)
    return None


def _known(folder: Path) -> Known:
    state = _object(folder / STATE)
    training = {
        "epochs": state.get("num_train_epochs"),
        "batch_size": state.get("train_batch_size"),
    }
    entries = [
        one
        for one in state.get("log_history") or ()
        if isinstance(one, Mapping) and "train_runtime" in one
    ]
    known = Known(
        training={key: value for key, value in training.items() if value is not None},
        steps=state.get("global_step"),
        epochs=_epochs(state.get("log_history")),
        seconds=float(entries[-1]["train_runtime"]) if entries else None,
    )
    adapter, whole = folder / "adapter_config.json", folder / "config.json"
    if adapter.is_file():
        content = _object(adapter)
        settings = {ours: content[key] for key, ours in OF_ADAPTERS.items() if key in content}
        targets = content.get("target_modules")
        if targets:
            settings["targets"] = targets if isinstance(targets, str) else sorted(targets)
        return replace(
            known,
            model=content.get("base_model_name_or_path"),
            method=str(content.get("peft_type", "peft")).lower(),
            settings=settings,
        )
    if whole.is_file():
        return replace(known, model=_object(whole).get("_name_or_path") or None, method="full")
    return known


def _epochs(history: Any) -> tuple[EpochRecord, ...]:
    """Losses at the end of each whole epoch."""
    found: dict[int, EpochRecord] = {}
    train_loss = None
    for entry in history if isinstance(history, list) else ():
        if not isinstance(entry, Mapping):
            continue
        train_loss = entry.get("loss", train_loss)
        epoch, loss = entry.get("epoch"), entry.get("eval_loss")
        if isinstance(epoch, int | float) and loss is not None and abs(epoch - round(epoch)) < 0.01:
            scores = {name: entry.get(f"eval_{name}") for name in METRICS}
            validation = {name: value for name, value in scores.items() if value is not None}
            found[round(epoch)] = EpochRecord(round(epoch), train_loss, validation=validation)
    return tuple(found.values())


def _object(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except DamagedFile as error:
        raise InputError([Problem("", str(error))]) from error
    if not isinstance(content, dict):
        raise InputError([Problem(str(path), "is no object of JSON.")])
    return content
