"""The whole way of a contender before it is trained: saved, loaded, exported, loaded by others.

What fails or answers otherwise here would do so after hours of training.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tunewise.backbones.transformers_logging import quiet
from tunewise.core.errors import InputError
from tunewise.data.examples import Example
from tunewise.export import foreign_check
from tunewise.export.artifact import Form, plain_module, write_artifact
from tunewise.export.proof import own_values, prove
from tunewise.methods.base import Adaptation, Predictor
from tunewise.training.assembly import Parts, prepared_model
from tunewise.training.checks.dry_run import BLOCK, SCALE, repeated
from tunewise.training.checks.probes import probe
from tunewise.training.finished import load_exported, load_predictor
from tunewise.training.predictor import ModelPredictor

Answers = NDArray[np.float64]
SAME = 1e-4  # of probabilities and of losses a token, as an export's proof has it


def round_trip(parts: Parts, texts: Sequence[str], folder: Path) -> None:
    """Save, load, export and merge the contender with its trainable parameters moved a little.

    Unmoved, many adapters are zero, and what is lost of them would change nothing.

    Args:
        parts: made from a trial's settings; its method is an `Adaptation`.
        texts: that a few examples are made of.
        folder: an empty one, for what is written.

    Raises:
        InputError: something fails on the way, or answers otherwise at its end.
    """
    method: Any = parts.method
    assert isinstance(method, Adaptation)
    with _step("building it"):
        model = prepared_model(parts, method)
        move(model.module)
    predictor = ModelPredictor(parts.task, method, model, parts.max_length(model), parts.seed)
    examples = [probe(parts.task, str(number), text) for number, text in enumerate(texts)]
    with _step("answering with it"):
        before = _answers(parts, predictor, examples)
    with _step("saving it"):
        predictor.save(folder / "saved")
    with _step("loading what was saved"):
        again: Any = load_predictor(parts, folder / "saved")
        lost = _changed(model.module, again.model.module) if method.saves_all else []
        after = _answers(parts, again, examples)
    if lost or _apart(before, after) > SAME:
        what = f"such as {lost[0]}" if lost else f"answers move by {_apart(before, after):.1g}"
        raise InputError(f"what is saved of it does not come back when it is loaded ({what})")
    with _step("exporting it"):
        form = write_artifact(parts, again, folder / "exported", merge=False)
        detail = _moved(form, parts, again, examples, folder / "exported", before)
    if detail:
        raise InputError(f"exported, it answers otherwise ({detail})")
    with _step("merging it"):
        plain = plain_module(again)
        if plain is None or plain is again.model.module:
            return
        form = write_artifact(parts, again, folder / "merged", merge=True)
        detail = _moved(form, parts, again, examples, folder / "merged", before)
    if detail:
        raise InputError(f"exported with --merge, it answers otherwise ({detail})")


@torch.no_grad()
def move(module: nn.Module) -> None:
    """Add a little to every trainable parameter, always the same."""
    block = SCALE * torch.randn(BLOCK, generator=torch.Generator().manual_seed(0))
    for weight in module.parameters():
        if weight.requires_grad:
            weight.add_(repeated(block, weight.numel()).view(weight.shape).to(weight))


def _moved(  # noqa: PLR0917  # an export, and what it was made from
    form: Form,
    parts: Parts,
    predictor: ModelPredictor,
    examples: Sequence[Example],
    folder: Path,
    before: Answers,
) -> str:
    """How a folder answers otherwise, loaded by what it is made for; "" if it does not."""
    if form == "tunewise":
        shift = _apart(before, _answers(parts, load_exported(folder), examples))
        return f"its answers move by {shift:.1g}" if shift > SAME else ""
    # Asked in this process: another one takes seconds.
    proof = prove(
        form,
        parts,
        predictor,
        examples,
        folder,
        ask=lambda _, question, place: (foreign_check.answer(str(place), question), ""),
    )
    detail = f"with {proof.loaded_with} its {proof.compared} differ by {proof.difference}"
    return "" if proof.passed else proof.detail or detail


def _answers(parts: Parts, predictor: Predictor, examples: Sequence[Example]) -> Answers:
    return own_values(predictor.predict(examples), writes=parts.task.writing is not None)


def _apart(one: Answers, other: Answers) -> float:
    difference = float(np.abs(one - other).max())
    return difference if np.isfinite(difference) else float("inf")


def _changed(one: nn.Module, other: nn.Module) -> list[str]:
    """The trainable parameters of one that are not the same in the other."""
    theirs = dict(other.named_parameters())
    return [
        name
        for name, weight in one.named_parameters()
        if weight.requires_grad and not (name in theirs and torch.equal(weight, theirs[name]))
    ]


@contextmanager
def _step(what: str) -> Iterator[None]:
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except InputError as error:
        raise InputError(f"{what} fails ({error})") from error
    except (torch.OutOfMemoryError, MemoryError, OSError):
        raise  # the machine's, not the contender's
    except Exception as error:  # whatever a library raises in the middle of its work
        lines = str(error).strip().splitlines()
        reason = ": ".join([type(error).__name__, *lines[:1]])
        raise InputError(f"{what} fails ({reason})") from error
