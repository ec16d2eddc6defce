"""What a model's frozen features tell of a task: a linear probe and the nearest neighbor.

Nothing of the model is trained. Its features of train and validation are computed once and kept in
the user's cache, by the address that a study has for them, so a study that follows finds them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tunewise.backbones.model import Model
from tunewise.backbones.pools import AUTO, LIBRARY
from tunewise.backbones.sources import whereabouts
from tunewise.backbones.stored import OnRows
from tunewise.core.errors import InputError
from tunewise.data.prepared import hash_of
from tunewise.methods.head import Head
from tunewise.statistics.metrics import FloatArray
from tunewise.store.answers import Answers
from tunewise.store.records import ModelRecord
from tunewise.studies.contenders.models import built
from tunewise.studies.contenders.pooling import asked_of
from tunewise.tasks.base import Encoded, Settled, Task
from tunewise.tasks.lengths import limit
from tunewise.training.assembly import settle
from tunewise.training.encoded_split import BackboneOutputs, Feed
from tunewise.training.features import (
    FeatureStore,
    Reduction,
    Stub,
    feature_key,
    reduction_for,
)
from tunewise.training.linear_head import labeled_inputs, linear_head, solve
from tunewise.training.predictor import predict_feed
from tunewise.training.settings import TrainingSettings

AT_ONCE = 1024  # validation rows that are held against all of train
READ = ("train", "validation")  # the test split is never encoded


@dataclass(frozen=True)
class Probed:
    """A model by its frozen features; what it answers are the labeled validation examples."""

    name: str
    pooling: str  # how one vector is made of a text
    parameters: int
    width: int  # of a vector
    cut: float  # fraction of the validation texts that are longer than the model reads
    probe: Answers  # of the head that a study would solve
    nearest: Answers  # of the training example with the highest cosine
    seconds: float  # that loading, features and answers took; little where features were at hand


def probed(
    name: str,
    source: ModelRecord,
    task: Task,
    settled: Settled,
    *,
    on_rows: OnRows = lambda rows: None,
) -> Probed:
    """Read train and validation with a frozen model, and answer validation in both ways.

    Args:
        name: of the model, for people.
        source: what was found under it.
        task: classification of texts.
        settled: the data; of its splits the model reads train and validation alone, and a hash of
            all of them is part of the address of the features.
        on_rows: hears of features, a shard at a time.

    Raises:
        InputError: the model cannot be loaded, or has no head that reads one vector of a text.
    """
    began = time.monotonic()
    model, task, encoded, reduction = _readable(source, task, settled)
    parameters = sum(weight.numel() for weight in model.module.parameters())
    longest = limit(task, None, model)
    key = feature_key(source.hash, task, longest, hash_of(settled.splits))
    with tempfile.TemporaryDirectory() as folder:
        store = FeatureStore(Path(folder) / key, model, task, reduction, on_rows)
        feeds = {
            split: Feed(task, model.processor, texts, BackboneOutputs(store.get(split, texts)))
            for split, texts in encoded.items()
        }
        # Stored outputs stand for the backbone from here on, and its memory is free.
        (path,) = model.backbones.values()
        stub = Stub(model.module.get_submodule(path), has_pooler=reduction.has_pooler)
        model.module.set_submodule(path, stub)
        solve(model, feeds["train"], feeds["validation"], classes=len(settled.options))
        probe = _predicted(model, feeds["validation"])
        nearest = _nearest(model, feeds["train"], feeds["validation"], len(settled.options))
    held = encoded["validation"]
    return Probed(
        name=name,
        pooling=getattr(task, "pooling", LIBRARY),
        parameters=parameters,
        width=_head(model).in_features,
        cut=sum(example.length > longest for example in held) / len(held),
        probe=probe,
        nearest=nearest,
        seconds=time.monotonic() - began,
    )


def _readable(
    source: ModelRecord, task: Task, settled: Settled
) -> tuple[Model, Task, dict[str, Sequence[Encoded]], Reduction]:
    """The model with a head of one linear layer that reads one vector of a text.

    Also the task as the model is asked it, the encoded texts, and what is stored of them. Where
    the library's head for the family has a hidden layer, which would have to be trained, or reads
    every token, one layer over the mean of the token states stands in its place.
    """
    if getattr(task, "pooling", LIBRARY) == AUTO:
        task = asked_of(task, *whereabouts(source.source, source.revision)).solved
    text_task: Any = task  # a classification of texts, which has a pooling
    averaged = replace(text_task, pooling="mean")
    for asked in (task, averaged):
        model = built(source, asked, settled.options)
        Head().prepare(model)
        if linear_head(model) is None:
            continue
        if torch.cuda.is_available():
            model.module.to("cuda")
        settle(model, TrainingSettings())
        encoded: dict[str, Sequence[Encoded]] = {}
        for split in READ:
            examples = [asked.read(row) for row in settled.splits[split]]
            longest = limit(asked, None, model)
            encoded[split] = asked.encode(examples, model.processor, max_length=longest)
        if reduction := reduction_for(model, asked, encoded["train"]):
            return model, asked, encoded, reduction
    raise InputError(f"model {source.source}: its head reads every token, not one vector.")


def _head(model: Model) -> nn.Linear:
    layer = model.module.get_submodule(linear_head(model) or "")
    assert isinstance(layer, nn.Linear)
    return layer


def _predicted(model: Model, validation: Feed) -> Answers:
    """The solved head's answers to the labeled examples."""
    answers = predict_feed(model, validation)
    kept = [
        answer
        for answer, example in zip(answers, validation.encoded, strict=True)
        if example.label is not None
    ]
    return _answers(
        validation,
        np.array([answer.choice for answer in kept], dtype=np.int64),
        np.array([answer.probabilities for answer in kept], dtype=np.float64),
    )


def _answers(validation: Feed, choices: NDArray[np.int64], probabilities: FloatArray) -> Answers:
    """Choices (examples,) and probabilities (examples, options) of the labeled examples."""
    known = [example for example in validation.encoded if example.label is not None]
    labels = np.array([example.label for example in known], dtype=np.int64)
    return Answers(tuple(example.id for example in known), labels, choices, probabilities)


def _nearest(model: Model, train: Feed, validation: Feed, options: int) -> Answers:
    """The label of the training example whose vector has the highest cosine, the first of equals.

    The vectors are those that the probe reads. Every other option keeps a small probability, as
    in the method `nearest-neighbour`.
    """
    x, y = labeled_inputs(model, _head(model), train)
    asked, _ = labeled_inputs(model, _head(model), validation)
    x, asked = _unit(x), _unit(asked)
    rows = range(0, len(asked), AT_ONCE)
    near = np.concatenate([(asked[at : at + AT_ONCE] @ x.T).argmax(axis=1) for at in rows])
    choices = y[near]
    probabilities = np.full((len(choices), options), 1 / options)
    probabilities[np.arange(len(choices)), choices] += 1
    return _answers(validation, choices, probabilities / 2)


def _unit(vectors: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)
