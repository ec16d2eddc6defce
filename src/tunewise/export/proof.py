"""The proof that an exported folder answers as the contender did, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tunewise.backbones.texts import tokens
from tunewise.core.canonical import JSONObject
from tunewise.core.files import read_json, write_json
from tunewise.data.examples import Example, Prediction
from tunewise.export import foreign_check
from tunewise.export.artifact import Form, trained_module
from tunewise.methods.base import Predictor
from tunewise.training.assembly import Parts
from tunewise.training.checks.answers import TOLERANCE
from tunewise.training.checks.probes import probe
from tunewise.training.predictor import ModelPredictor

EXAMPLES = 32
GENERATED = 8  # of these, also answered in writing
NEW_TOKENS = 16  # of such an answer
FOREIGN = Path(__file__).with_name("foreign_check.py")
OWN = "tunewise.export.own_check"
Answer = tuple[JSONObject | None, str]
Ask = Callable[[Form, JSONObject, Path], Answer]


@dataclass(frozen=True)
class Proof:
    """What came of it. `difference` is None where the folder did not load."""

    passed: bool
    loaded_with: str
    compared: str
    examples: int
    dtype: str
    tolerance: float
    difference: float | None
    detail: str
    versions: dict[str, str]
    generated: tuple[int, int] | None = None  # prompts after which it writes the same, of so many


def prove(
    form: Form,
    parts: Parts,
    predictor: Predictor,
    examples: Sequence[Example],
    folder: Path,
    *,
    ask: Ask | None = None,
) -> Proof:
    """Compare the folder with the contender it was made from, on the first examples.

    Args:
        form: what loads the folder.
        parts: made from the trial's settings.
        predictor: the contender; its model is moved to the CPU.
        examples: some of them are used, `EXAMPLES` at most.
        folder: what was written.
        ask: loads the folder and answers; a process of its own, if nothing else.
    """
    examples = list(examples[:EXAMPLES])
    writes = parts.task.writing is not None
    question: JSONObject = {"form": form, "labels": parts.options, "writes": writes}
    if form != "tunewise" and isinstance(predictor, ModelPredictor):
        if writes:
            question |= _as_prompts(predictor, examples)
            expected, dtype = _next_logits(predictor, question)
            question["generated"] = _generated(predictor, question)
        else:
            examples = _read_alike(predictor, examples)
            question |= _as_text(predictor, examples)
            expected, dtype = _logits(predictor, examples)
    else:
        question["examples"] = [
            {
                "texts": example.texts,
                "references": example.references,
                "turns": example.turns,
                "picture": example.image and str(Path(example.image).resolve()),
            }
            for example in examples
        ]
        expected = own_values(predictor.predict(examples), writes=writes)
        dtype = "float32" if isinstance(predictor, ModelPredictor) else "float64"
    answer, detail = (ask or _ask)(form, question, folder)
    difference = None
    if answer is not None:
        difference, detail = _compare(form, answer, expected, parts.options)
    if answer is not None and TOLERANCE[theirs := answer.get("dtype", dtype)] > TOLERANCE[dtype]:
        dtype = theirs  # the folder has the format of its checkpoint
    tolerance = TOLERANCE[dtype]
    scale = max(1.0, float(np.abs(expected).max()))
    return Proof(
        passed=not detail and difference is not None and difference <= tolerance * scale,
        loaded_with={"peft": "peft and transformers"}.get(form, form),
        compared=_compared(form, writes=writes),
        examples=len(examples),
        dtype=dtype,
        tolerance=tolerance * scale,
        difference=difference,
        detail=detail,
        versions=answer["versions"] if answer else {},
        generated=_generated_alike(question, answer) if answer else None,
    )


def _compared(form: Form, *, writes: bool) -> str:
    if form != "tunewise":
        return "logits after the prompts" if writes else "logits"
    return "losses of the right answers" if writes else "probabilities"


def own_values(predictions: Sequence[Prediction], *, writes: bool) -> NDArray[np.float64]:
    """What a folder of our form is compared by: probabilities, or of what is written the losses.

    Shapes:
        (examples, options), or (examples, 1) where answers are written; the loss in nats a token
    """
    if writes:
        return np.array([[(one.loss or 0.0) / max(1, one.targets)] for one in predictions])
    return np.array([one.probabilities for one in predictions])


def _as_prompts(predictor: ModelPredictor, examples: Sequence[Example]) -> JSONObject:
    """The prompts with everything in them, cut at their end where they are too long."""
    writing = predictor.task.writing
    assert writing is not None, "a task that chooses has no prompt"
    return {
        "examples": [{"texts": [writing.prompt(example)]} for example in examples],
        "max_length": predictor.max_length,
        "pad_token_id": predictor.model.processor.pad_token_id,
        "new_tokens": NEW_TOKENS,
    }


def _as_text(predictor: ModelPredictor, examples: Sequence[Example]) -> JSONObject:
    """The texts themselves, so that the exported tokenizer is proven too."""
    processor, limit = predictor.model.processor, predictor.max_length
    return {
        "examples": [
            {"texts": example.texts, "truncation": _truncation(processor, example.texts, limit)}
            for example in examples
        ],
        "max_length": limit,
        "pad_token_id": processor.pad_token_id,
    }


def _read_alike(predictor: ModelPredictor, examples: Sequence[Example]) -> list[Example]:
    """Those whose texts the tokenizer alone reads as the task does: it has no token for an empty
    text, or may have a special one among its words.
    """
    task, processor, limit = predictor.task, predictor.model.processor, predictor.max_length
    encoded = task.encode(examples, processor, max_length=limit)
    alike = [
        example
        for example, one in zip(examples, encoded, strict=True)
        if processor(
            *example.texts,
            truncation=_truncation(processor, example.texts, limit),
            max_length=limit,
            split_special_tokens=True,
            verbose=False,
        )["input_ids"]
        == one.inputs["input_ids"]
    ]
    return alike or [probe(task, "a", "a")]


def _truncation(processor: Any, texts: tuple[str, ...], limit: int) -> str:
    """As the task cuts: of a pair the second text, unless the first leaves it no room."""
    if len(texts) == 1:
        return "longest_first"
    first = len(tokens(processor, texts[:1])[0])
    fits = first + processor.num_special_tokens_to_add(pair=True) < limit
    return "only_second" if fits else "longest_first"


@torch.inference_mode()
def _logits(predictor: ModelPredictor, examples: Sequence[Example]) -> tuple[Any, str]:
    """Logits (examples, options), each example alone and so without padding, and their type."""
    model, task = predictor.model, predictor.task
    module = trained_module(model)
    encoded = task.encode(examples, model.processor, max_length=predictor.max_length)
    rows = [
        module(**task.collate([example], model.processor).inputs).logits[0] for example in encoded
    ]
    return torch.stack(rows).double().numpy(), _dtype(module)


@torch.inference_mode()
def _next_logits(predictor: ModelPredictor, question: JSONObject) -> tuple[Any, str]:
    """Logits (examples, vocabulary) of the token after each prompt, and their type."""
    module, processor = trained_module(predictor.model), predictor.model.processor
    rows = []
    for example in question["examples"]:
        inputs = processor(
            *example["texts"],
            truncation=True,
            max_length=question["max_length"],
            return_tensors="pt",
        )
        rows.append(module(**inputs).logits[0, -1])
    return torch.stack(rows).double().numpy(), _dtype(module)


@torch.inference_mode()
def _generated(predictor: ModelPredictor, question: JSONObject) -> list[list[int]]:
    """The tokens that the contender writes after the first prompts, the likeliest each."""
    module, processor = trained_module(predictor.model), predictor.model.processor
    given = question["examples"][:GENERATED]
    return [foreign_check.generated(module, processor, example, question) for example in given]


def _generated_alike(question: JSONObject, answer: JSONObject) -> tuple[int, int] | None:
    if "generated" not in question or "generated" not in answer:
        return None
    pairs = list(zip(question["generated"], answer["generated"], strict=True))
    return sum(ours == theirs for ours, theirs in pairs), len(pairs)


def _dtype(module: nn.Module) -> str:
    return str(next(module.parameters()).dtype).removeprefix("torch.")


def _ask(form: Form, question: JSONObject, folder: Path) -> Answer:
    """The answer of a fresh process, or the last line that it printed instead."""
    checker = ["-m", OWN] if form == "tunewise" else [str(FOREIGN)]
    with TemporaryDirectory() as place:
        asked, answered = Path(place) / "question.json", Path(place) / "answer.json"
        write_json(asked, question)
        ran = subprocess.run(
            [sys.executable, "-P", *checker, str(folder), str(asked), str(answered)],
            env={**os.environ, "HF_HUB_OFFLINE": "1"},  # the base model was loaded here before
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if ran.returncode == 0:
            return read_json(answered), ""
    lines = ran.stderr.strip().splitlines()
    return None, f"it does not load: {lines[-1] if lines else f'exit code {ran.returncode}'}"


def _compare(
    form: Form, answer: JSONObject, expected: Any, options: Sequence[str]
) -> tuple[float | None, str]:
    """The largest difference, and what is wrong besides."""
    values = np.array(answer["values"])
    if values.shape != expected.shape:
        return None, f"it gives values of shape {values.shape} where {expected.shape} were expected"
    difference = float(np.abs(values - expected).max())
    if not np.isfinite(difference):
        return None, "it gives values that are not finite"
    if answer.get("loaded_tunewise") and form != "tunewise":
        return difference, "it was not loaded without Tunewise"
    if answer["labels"] != list(options):
        return difference, f"it calls the labels {answer['labels']}"
    return difference, ""
