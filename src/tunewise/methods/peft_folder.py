"""Experiments of PEFT's method comparison as contenders: a folder with its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tunewise.core.canonical import JSONObject, Settings
from tunewise.core.errors import InputError, Problem
from tunewise.core.files import read_json
from tunewise.core.paths import path_from
from tunewise.methods.base import Unpacked
from tunewise.methods.lora_files import CONFIG
from tunewise.methods.peft_settings import CONFIGURATIONS, defaults, known_type, refused

FOLDER = "folder"
TRAINING = "training_params.json"
SAME = {  # PEFT's names in that file, and ours
    "batch_size": "batch_size",
    "grad_norm_clip": "clip_norm",
    "max_seq_length": "max_length",
}
INSIDE = {"lr": "learning_rate", "weight_decay": "weight_decay"}  # under optimizer_kwargs
OPTIMIZERS = {"adamw": "adamw", "adam": "adam", "sgd": "sgd", "adagrad": "adagrad"}
SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant", None: "constant"}


def read_folder(settings: Settings, base: Path) -> Unpacked:
    """The settings that a folder stands for. What has no counterpart is named in a note.

    Args:
        settings: the entry's own, `folder` among them; it stands alone.
        base: the folder that a relative path starts from.

    Raises:
        InputError: there is no such experiment, or it stands beside other settings.
        DamagedFile: a file is not JSON.
    """
    others = [name for name in settings if name != FOLDER]
    if others:
        raise InputError(
            [Problem("", f"the folder is used unchanged: leave out {', '.join(others)}.")]
        )
    folder = path_from(base, str(settings[FOLDER]))
    if not (folder / CONFIG).is_file():
        raise InputError([Problem("", f"{folder} has no {CONFIG}; it is no experiment of PEFT's.")])
    config = read_json(folder / CONFIG)
    try:
        known_type(config.get("peft_type"))
    except ValueError as error:
        raise InputError([Problem("", f"{folder / CONFIG}: {error}")]) from error
    own, ignored = _configuration(config)
    training: JSONObject = {}
    if (folder / TRAINING).is_file():
        training, more = _training(read_json(folder / TRAINING))
        ignored += more
    taken = ", ".join([f"{name} {value}" for name, value in training.items()])
    notes = [f"{folder.name}: taken over from {TRAINING}: {taken}."] if taken else []
    if ignored:
        notes.append(
            f"{folder.name}: ignored, because a study has no such setting or sets it "
            f"itself: {', '.join(ignored)}."
        )
    return Unpacked(own, training, tuple(notes))


def _configuration(config: Settings) -> tuple[JSONObject, list[str]]:
    """The settings that differ from PEFT's defaults, and the names of those left aside."""
    name = config["peft_type"]
    usual, aside = defaults(name), refused(name)
    given = {
        key: value
        for key, value in config.items()
        if key not in ("peft_type", *aside) and (key not in usual or usual[key] != value)
    }
    ignored = [key for key in aside if config.get(key) not in (None, False)]
    theirs = CONFIGURATIONS[name].__dataclass_fields__
    unknown = [key for key in given if key not in theirs]
    kept = {key: value for key, value in given.items() if key not in unknown}
    return {"peft_type": name, **kept}, [*ignored, *unknown]


def _training(given: Settings) -> tuple[JSONObject, list[str]]:
    found: JSONObject = {}
    ignored: list[str] = []
    for key, value in given.items():
        if key in SAME and value is not None:
            found[SAME[key]] = value
        elif key == "optimizer_kwargs" and isinstance(value, Mapping):
            found |= {INSIDE[name]: inner for name, inner in value.items() if name in INSIDE}
            ignored += [f"optimizer_kwargs.{name}" for name in value if name not in INSIDE]
        elif key == "optimizer_type" and str(value).lower() in OPTIMIZERS:
            found["optimizer"] = OPTIMIZERS[str(value).lower()]
        elif key == "lr_scheduler" and value in SCHEDULES:
            found["schedule"] = SCHEDULES[value]
        else:
            ignored.append(key)
    return found, ignored
