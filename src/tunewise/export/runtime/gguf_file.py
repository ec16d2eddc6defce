"""A language model in a GGUF file, answering through transformers with its weights unpacked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, GgufConfig

from tunewise.backbones.transformers_logging import quiet
from tunewise.core.errors import InputError, Problem
from tunewise.core.extras import require
from tunewise.core.format import first_of
from tunewise.export.artifact import plain_module
from tunewise.methods.base import Predictor
from tunewise.training.predictor import ModelPredictor

EXTRA = "gguf"
RUNTIME = (
    "Answered by transformers, with the file's weights unpacked to float32. llama.cpp also rounds "
    "what it multiplies them with; for its own answers, and how fast it is, let it write them into "
    "a file with the columns id and prediction, and measure that."
)


def writer_of(predictor: Predictor) -> tuple[ModelPredictor, nn.Module]:
    """A contender that writes, with its model as one plain module.

    Raises:
        InputError: it writes nothing, or trains what does not fold into a module.
    """
    if not isinstance(predictor, ModelPredictor) or predictor.task.writing is None:
        raise InputError(
            "--measure: a GGUF file is measured of a contender that writes its answers; of this "
            "one give its answers, with the columns id and prediction."
        )
    plain = plain_module(predictor)
    if plain is None:
        raise InputError(
            "--measure: what this contender trains does not fold into the model's own layers, so "
            "no GGUF file holds it."
        )
    return predictor, plain


def with_weights_of(path: Path, predictor: Predictor) -> ModelPredictor:
    """The contender with the weights of a GGUF file in the place of its own.

    It reads and stops as the contender does: tokenizer, chat form and end tokens are the study's.

    Raises:
        InputError: `writer_of` refuses, or the file holds no such model.
        MissingExtra: what reads GGUF is not installed.
    """
    require("gguf", extra=EXTRA)
    asked, plain = writer_of(predictor)
    shapes = {name: tuple(weight.shape) for name, weight in plain.named_parameters()}
    module = _unpacked(path)
    found = {name: tuple(weight.shape) for name, weight in module.named_parameters()}
    if message := _otherwise(found, shapes):
        raise _wrong(path, message)
    theirs: Any = module
    ours: Any = plain
    theirs.generation_config = ours.generation_config
    theirs.config.pad_token_id = ours.config.pad_token_id
    module.to(asked.model.device).eval()
    return replace(asked, model=replace(asked.model, module=module))


def _unpacked(path: Path) -> nn.Module:
    try:
        with quiet():
            module, read = AutoModelForCausalLM.from_pretrained(
                str(path.resolve().parent),
                gguf_file=path.name,
                dtype=torch.float32,
                quantization_config=GgufConfig(dequantize=True),
                local_files_only=True,
                output_loading_info=True,
            )
    except Exception as error:  # whatever a library raises in the middle of a foreign file
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise _wrong(path, f"transformers does not read it ({lines[0]:.200}).") from error
    if missing := sorted(read["missing_keys"]):  # they would be random numbers
        raise _wrong(path, f"has no weights that are {first_of(missing)} to transformers.")
    found: nn.Module = module
    return found


def _otherwise(
    found: Mapping[str, tuple[int, ...]], shapes: Mapping[str, tuple[int, ...]]
) -> str | None:
    """In what a model differs from the contender's; None if in nothing."""
    for name, shape in shapes.items():
        if name not in found:
            return f"holds another model: the contender's has {name}, which it lacks."
        if found[name] != shape:
            sizes = " x ".join(map(str, found[name])), " x ".join(map(str, shape))
            return f"holds another model: {name} is {sizes[0]}, the contender's {sizes[1]}."
    return None


def _wrong(path: Path, message: str) -> InputError:
    return InputError([Problem(str(path), message)])
