"""A trained contender as a folder in the form its ecosystem loads."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Literal

from torch import nn

from tunewise.backbones.fusion import Fusion, PairProcessor
from tunewise.backbones.model import Model
from tunewise.backbones.pooling import PooledClassifier
from tunewise.backbones.sources import EMBEDDED, PAIR, locate, parts_of
from tunewise.backbones.weights import save_model
from tunewise.core.canonical import settings_of
from tunewise.core.errors import InputError
from tunewise.core.files import read_json, write_json
from tunewise.data.cleaning.combine import TextRules
from tunewise.methods.base import METHODS, Predictor
from tunewise.store.records import MethodRecord, ModelRecord, TrialSettings
from tunewise.store.trials import SCHEMA
from tunewise.training.assembly import Parts, rounds_frozen
from tunewise.training.finished import DATA, DESCRIPTION, HERE
from tunewise.training.predictor import ModelPredictor

Form = Literal["transformers", "peft", "tunewise"]
"""What loads the folder: transformers alone, PEFT with transformers, or only Tunewise."""

ADAPTER = "adapter_config.json"  # what makes a folder PEFT's
WHOLE = "full"  # the method whose artifact is a whole model


def write_artifact(
    parts: Parts,
    predictor: Predictor,
    folder: Path,
    *,
    merge: bool,
    rules: TextRules | None = None,
) -> Form:
    """Write a contender with its tokenizer, and how Tunewise itself loads it again.

    A module of the library's own architecture becomes a folder of transformers, an adapter one
    of PEFT. A classifier of ours (the average of the tokens, a prefix, no model at all) stays in
    our form, because neither library loads a foreign class without running foreign code.

    Args:
        parts: made from the trial's settings.
        predictor: the loaded contender; its model's tokenizer is given the length limit.
        folder: a new folder.
        merge: fold an adapter into the layers it corrects.
        rules: how the study made its texts, for `predict` to do the same.

    Raises:
        InputError: it cannot be merged.
    """
    if isinstance(predictor, ModelPredictor):
        form, settings = _write_model(parts, predictor, folder, merge=merge)
    elif merge:
        raise InputError(f"--merge: '{parts.method.name}' trains no model that could be merged.")
    else:
        predictor.save(folder)
        form, settings = "tunewise", _located(parts.settings)
    described = {
        "schema": SCHEMA,
        "form": form,
        "settings": settings.as_json(),
        "trained": parts.settings.as_json(),
    }
    if rules and (made := rules.as_json()):
        described[DATA] = made
    write_json(folder / DESCRIPTION, described)
    return form


def _write_model(
    parts: Parts, predictor: ModelPredictor, folder: Path, *, merge: bool
) -> tuple[Form, TrialSettings]:
    model, method = predictor.model, predictor.method
    processor = (
        model.processor.tokenizer if isinstance(model.processor, PairProcessor) else model.processor
    )
    if parts.task.writing is None:  # a writer keeps its context, and reads templates of a chat
        processor.model_max_length = predictor.max_length  # whoever truncates does as we did
        processor.split_special_tokens = True  # and whoever reads a text reads it as text
        processor.init_kwargs["split_special_tokens"] = True
    if parts.task.writing and (form := parts.task.writing.form(processor)) is not None:
        processor.chat_template = form  # whoever asks it does so in the form of its training
    if predictor.shown:
        if merge:
            raise InputError(f"--merge: '{method.name}' trains nothing, and shows examples.")
        predictor.save(folder)
        return "tunewise", _located(parts.settings)
    plain = plain_module(predictor)
    if plain is None and merge:
        name = method.label(settings_of(method))
        raise InputError(
            f"--merge: what '{name}' trains does not fold into the model's own layers. "
            "Export it without --merge."
        )
    own_class = any(
        isinstance(layer, (Fusion, PooledClassifier)) for layer in model.module.modules()
    )
    if plain is not None and (merge or plain is model.module):
        may_round = rounds_frozen(parts.training)
        handed = in_format_of_checkpoint(plain, model, may_round=may_round)
        save_model(handed, model.processor, folder)
        return "tunewise" if own_class else "transformers", _whole_model(parts.settings)
    method.save(model, folder)
    model.processor.save_pretrained(folder)
    is_adapter = (folder / ADAPTER).is_file()
    if is_adapter and parts.settings.model:
        config = read_json(folder / ADAPTER)
        config["base_model_name_or_path"] = base_of(parts.settings.model)
        config["revision"] = parts.settings.model.revision
        write_json(folder / ADAPTER, config)
    return "peft" if is_adapter and not own_class else "tunewise", _located(parts.settings)


def in_format_of_checkpoint(module: nn.Module, model: Model, *, may_round: bool) -> nn.Module:
    """The module with numbers in the format of its checkpoint, as who serves it expects.

    What was trained in more bits than that is rounded only where it `may`: as it is elsewhere.
    """
    weights = list(module.parameters())
    if model.stored == weights[0].dtype:
        return module
    if not may_round and any((one != one.to(model.stored)).any() for one in weights):
        return module
    return copy.deepcopy(module).to(model.stored)


def plain_module(predictor: ModelPredictor) -> nn.Module | None:
    """A plain module with the same function, which may be the predictor's own, or None."""
    if isinstance(predictor.model.module, Fusion):
        return None  # no library has a class for what the two encoders meet in
    return predictor.method.merged(predictor.model)


def _whole_model(settings: TrialSettings) -> TrialSettings:
    """The settings under which a folder with all weights is loaded: no method is applied."""
    whole = METHODS.get(WHOLE)
    training = settings.training and {**settings.training, "quantize": None}
    return replace(
        settings,
        model=ModelRecord(HERE),
        method=MethodRecord(WHOLE, whole.version),
        training=training,
    )


def _located(settings: TrialSettings) -> TrialSettings:
    """The settings with a local model named so that it is found from any folder."""
    model = settings.model
    if model is None:
        return settings
    if PAIR not in model.source and model.source.startswith(EMBEDDED):
        return settings
    return replace(settings, model=replace(model, source=base_of(model)))


def base_of(model: ModelRecord) -> str:
    """Where other programs find the base model: its hub id, or its folder from the root.

    Of a pair it is those of both; a model of this package keeps its name there.
    """
    pair = PAIR in model.source
    named = []
    for source in parts_of(model.source) if pair else (model.source,):
        folder = None if pair and source.startswith(EMBEDDED) else locate(source)
        named.append(str(folder.resolve()) if folder else source)
    return PAIR.join(named)


def trained_module(model: Model) -> nn.Module:
    """The module on the CPU, where the proof runs too."""
    return model.module.to("cpu").eval()
