"""A finished contender that answers again: the one place where saved weights become a predictor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tunewise.core.errors import DamagedFile, InputError, Problem
from tunewise.core.files import read_json
from tunewise.data.cleaning.combine import TextRules
from tunewise.methods.base import Adaptation, AsIs, Direct, Predictor
from tunewise.store.json_record import NotARecord
from tunewise.store.records import TrialSettings
from tunewise.store.trials import refuse_newer
from tunewise.training.assembly import Parts, prepared_model, rounds_frozen
from tunewise.training.predictor import ModelPredictor

DESCRIPTION = "tunewise.json"  # of an exported folder: the settings it is loaded with
DATA = "data"  # in it: how texts are made of a row of data
HERE = "."  # as a model's source: the exported folder itself


def load_predictor(parts: Parts, weights: Path) -> Predictor:
    """What a trial's method saved, ready to answer.

    Args:
        parts: made from the trial's settings.
        weights: the folder its method saved to.

    Raises:
        InputError: the model cannot be found, or is not the one the weights were trained on.
        DamagedFile: a file is not readable.
    """
    match parts.method:
        case Adaptation() | AsIs() as method:
            model = prepared_model(parts, method)
            method.load(model, weights)
            shown = method.load_shown(weights) if isinstance(method, AsIs) else ()
            limit = parts.max_length(model)
            return ModelPredictor(parts.task, method, model, limit, parts.seed, shown)
        case Direct() as method:
            return method.load(weights, model=parts.build_model())
        case method:
            raise TypeError(f"{type(method).__name__} is neither adapted, fitted nor used as it is")


def load_whole(parts: Parts, weights: Path) -> Predictor:
    """As `load_predictor`, with every number in float32, whatever the trial kept them in.

    Only so can what was trained be folded into the base model without being rounded with it.
    """
    whole = replace(parts.training, precision="float32", quantize=None)
    return load_predictor(replace(parts, training=whole), weights)


def load_writer(parts: Parts, weights: Path) -> tuple[Any, Any]:
    """The language model of a finished contender and its tokenizer, to write with.

    What was trained beside the model is folded into it where it can be, which costs nothing then.

    Raises:
        InputError: the contender writes no text; or as `load_predictor`.
        DamagedFile: a file is not readable.
    """
    match parts.method:
        case Adaptation() | AsIs() as method if parts.task.writing:
            model = prepared_model(parts, method)
            method.load(model, weights)
            if isinstance(method, AsIs) and method.load_shown(weights):
                raise InputError(
                    f"{method.name} shows examples before each question, which a prompt alone has "
                    "not; use `tunewise predict`."
                )
            # In fewer bits, folding would round what was trained along with the base.
            is_whole = not rounds_frozen(parts.training)
            merged = method.merged(model) if is_whole else None
            return model.module if merged is None else merged, model.processor
        case method:
            raise InputError(
                f"{method.name} on this task chooses among answers and writes none; use "
                "`tunewise predict`."
            )


def is_exported(folder: Path) -> bool:
    return (folder / DESCRIPTION).is_file()


def exported_parts(folder: Path) -> Parts:
    """The parts of an exported folder, for `load_predictor(parts, folder)`.

    Raises:
        InputError: the folder was not exported, or by a newer Tunewise.
        DamagedFile: its description is not readable.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        raise InputError([Problem(str(folder), f"no exported contender: it has no {DESCRIPTION}.")])
    described = read_json(path)
    refuse_newer(path, described)
    try:
        settings = TrialSettings.from_json(described["settings"])
        if settings.model and settings.model.source == HERE:
            here = replace(settings.model, source=str(folder.resolve()))
            settings = replace(settings, model=here)
        return Parts.of(settings, folder)
    except (KeyError, TypeError, NotARecord) as error:
        raise DamagedFile(f"{path}: not the description of an export ({error!r}).") from error


def exported_rules(folder: Path) -> TextRules:
    """How the texts of the study that an exported folder comes from were made."""
    return TextRules.from_json(read_json(folder / DESCRIPTION).get(DATA) or {})


def load_exported(folder: Path | str) -> Predictor:
    """An exported folder of any form, ready to answer.

    Raises:
        InputError, DamagedFile: as `exported_parts` and `load_predictor`.
    """
    folder = Path(folder)
    return load_predictor(exported_parts(folder), folder)
