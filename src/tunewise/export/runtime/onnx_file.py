"""A classifier as an ONNX file, in float32 or with its matrices in eight bits."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tunewise.backbones.transformers_logging import quiet
from tunewise.core.errors import InputError, Problem, nearest
from tunewise.core.extras import needed, require
from tunewise.export.artifact import plain_module
from tunewise.methods.base import Predictor
from tunewise.training.predictor import ModelPredictor

EXTRA = "onnx"
FILE = "model.onnx"
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OPSET = 18


class _Logits(nn.Module):
    """The module as a function of its inputs by position, which is what an ONNX file is."""

    def __init__(self, module: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.module, self.names = module, names

    def forward(self, *inputs: Tensor) -> Tensor:
        logits: Tensor = self.module(**dict(zip(self.names, inputs, strict=True))).logits
        return logits


def classifier_of(predictor: Predictor) -> tuple[nn.Module, tuple[str, ...]]:
    """The contender as one plain module, and the names of its inputs.

    Raises:
        InputError: it writes answers, reads images, or trains what does not fold into a module.
    """
    if not isinstance(predictor, ModelPredictor):
        raise InputError("--as onnx: this contender has no model; its folder runs as it is.")
    if predictor.task.writing is not None or predictor.task.reading.image is not None:
        raise InputError(
            "--as onnx: only classifiers of texts are converted. Export a folder, convert it with "
            "a tool of your choice, and score its answers with --measure FILE."
        )
    plain = plain_module(predictor)
    if plain is None:
        raise InputError(
            "--as onnx: what this contender trains does not fold into the model's own layers. "
            "Export it as a folder."
        )
    names = tuple(n for n in INPUTS if n in predictor.model.processor.model_input_names)
    return plain.cpu().float().eval(), names


def write_onnx(predictor: Predictor, folder: Path, *, int8: bool) -> Path:
    """Write ``model.onnx`` with free sizes of batch and text, and return its path.

    `int8` stores the matrices of linear layers in eight bits and multiplies in eight bits, with
    scales of activations found anew for each batch.

    Raises:
        InputError: `classifier_of` refuses, or the model has an operation that ONNX lacks.
        MissingExtra: what converts is not installed.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        require(package, extra=EXTRA)
    module, names = classifier_of(predictor)
    example = tuple(torch.ones(2, 8, dtype=torch.long) for _ in names)
    free = tuple({0: torch.export.Dim("batch"), 1: torch.export.Dim("length")} for _ in names)
    path = folder / FILE
    try:
        with _silent(), torch.no_grad():
            torch.onnx.export(
                _Logits(module, names),
                example,
                path,
                input_names=list(names),
                output_names=["logits"],
                dynamic_shapes=(free,),
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except Exception as error:  # whatever a library raises in the middle of its work
        reason = _first_line(error)
        raise InputError(f"--as onnx: the model cannot be converted ({reason}).") from error
    if int8:
        quantization = needed("onnxruntime.quantization", extra=EXTRA)
        whole = path.with_name("float32.onnx")
        path.rename(whole)
        with _silent():
            quantization.quantize_dynamic(whole, path, weight_type=quantization.QuantType.QInt8)
        whole.unlink()
    return path


@contextmanager
def _silent() -> Iterator[None]:
    """Without the libraries' advice on packages and steps that this conversion does not need."""
    logging.disable(logging.WARNING)
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


class OnnxClassifier:
    """An ONNX file in onnxruntime, on the CPU: ours, or one that another program converted.

    Raises:
        InputError: onnxruntime does not load it, or it wants other inputs than a tokenizer gives.
        MissingExtra: onnxruntime is not installed.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self._path = path
        runtime: Any = needed("onnxruntime", extra=EXTRA)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors alone
        try:
            self._session = runtime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its own kinds, which have no name of their own to import
            raise self._wrong(f"onnxruntime does not load it ({_first_line(error)}).") from error
        self._names = [one.name for one in self._session.get_inputs()]
        if strange := [name for name in self._names if name not in INPUTS]:
            raise self._wrong(f"wants the input '{strange[0]}'. {nearest(strange[0], INPUTS)}")
        outputs = [one.name for one in self._session.get_outputs()]
        self._output = "logits" if "logits" in outputs else outputs[0]

    def logits(self, inputs: Mapping[str, Tensor]) -> NDArray[np.float32]:
        """Of a batch, shape (batch, classes).

        Raises:
            InputError: the file does not answer it, as where its batch size is fixed.
        """
        batch, length = inputs["input_ids"].shape
        zeros = torch.zeros(batch, length, dtype=torch.long)  # a single text has one segment
        given = {name: inputs.get(name, zeros).numpy() for name in self._names}
        try:
            (found,) = self._session.run([self._output], given)
        except Exception as error:
            message = f"does not answer {batch} texts of {length} tokens ({_first_line(error)})."
            raise self._wrong(message) from error
        logits: NDArray[np.float32] = found
        return logits

    def _wrong(self, message: str) -> InputError:
        return InputError([Problem(str(self._path), message)])


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"{lines[0]:.200}"
