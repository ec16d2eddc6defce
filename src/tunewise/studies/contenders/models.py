"""What is known of a contender before it runs: built once on fake tensors, and counted."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from transformers import PreTrainedModel

from tunewise.backbones.builder import Builder
from tunewise.backbones.fusion import Fusion
from tunewise.backbones.load import build_writer
from tunewise.backbones.model import Model
from tunewise.backbones.nf4 import quantizable
from tunewise.backbones.shortened import shortened
from tunewise.backbones.sources import PAIR
from tunewise.core.canonical import canonical, settings_of
from tunewise.core.errors import InputError
from tunewise.costs.parameters import parameter_counts
from tunewise.methods.base import Adaptation, Method
from tunewise.store.records import ModelRecord, ParameterCounts
from tunewise.tasks.base import Task
from tunewise.tasks.lengths import limit
from tunewise.training.checks.dry_run import fill_with_noise, rehearse
from tunewise.training.checks.packing import check_packing, packing_shift
from tunewise.training.checks.padding import SAME, check_finite, shift_by_padding, writer_shift
from tunewise.training.features import features_of
from tunewise.training.linear_head import linear_head


@dataclass(frozen=True)
class Inspected:
    """The counts of a contender, and the key of its stored features if its backbone is frozen.

    `solvable` says that it trains one linear layer behind a frozen backbone.
    """

    parameters: ParameterCounts
    features: str | None
    solvable: bool


class NotAsked(InputError):
    """A model cannot be asked in words; another one may."""


class Inspector:
    """Applies methods to one model without holding its weights twice.

    The checkpoint is loaded once, so that what it lacks is known; then only shapes are kept.
    Where it is `only_asked`, by methods that train nothing, that once is as a language model;
    where it is asked and adapted too, it is loaded as both. Where a contender `packs`, the model is
    shown texts that share a row.
    """

    def __init__(
        self,
        source: ModelRecord,
        task: Task,
        options: Sequence[str],
        *,
        only_asked: bool = False,
        packs: bool = False,
    ) -> None:
        self.source = source
        self.task = task
        self.options = options
        self.writer: Model | None = None  # the same checkpoint as a language model, once asked for
        if only_asked:
            with contextlib.suppress(InputError):  # reported when it is asked, with who asks it
                self.writer = self._writer()
        loaded = self.writer or built(source, task, options)
        self.warnings = tuple(loaded.warnings)
        self.processor = loaded.processor
        self.shorter = None if only_asked else shortened(loaded)
        self.packing_shift = packing_shift(loaded) if packs else 0.0
        self.buffers = {name: buffer.clone() for name, buffer in loaded.module.named_buffers()}
        module = loaded.module.to("meta")
        if isinstance(module, PreTrainedModel):
            module.tie_weights()  # of what it shares torch would make two
        self.model: Model = replace(loaded, module=module)
        self.seen: dict[str, Model] = {}

    def inspect(
        self,
        method: Adaptation,
        max_length: int | None,
        data_hash: str,
        *,
        quantized: bool = False,
        packs: bool = False,
    ) -> Inspected:
        """Apply the method to a copy; `quantized` asks that frozen matrices can be, `packs` that
        texts can share a row.

        Raises:
            InputError: the method does not fit this model, or they cannot.
            MissingExtra: what quantizes is not installed.
        """
        name = canonical([method.name, settings_of(method)])
        if name not in self.seen:  # points of a search differ mostly in their training
            # It is applied to shapes alone, or to noise where it has to see weights.
            model = replace(self.model, module=copy.deepcopy(self.model.module))
            if method.needs_weights:
                torch.manual_seed(0)
                fill_with_noise(model.module, self.buffers)
            method.prepare(model)
            if method.needs_weights:
                rehearse(self.task, method, model)
                model.module.to("meta")
                model.adapter = None
            self.seen[name] = model
        model = self.seen[name]
        if packs:
            check_packing(method, model, self.packing_shift)
        length = limit(self.task, max_length, model)
        features = features_of(model, self.source.hash, self.task, length, data_hash)
        if quantized:
            quantizable(model)
            if features is not None:
                raise InputError(
                    "quantize: the frozen backbone runs once, and what it puts out is stored for "
                    "every contender. Leave quantize out here."
                )
        return Inspected(
            parameters=parameter_counts(model.module, model.head),
            features=features,
            solvable=self.task.writing is None and linear_head(model) is not None,
        )

    def ask(self, method: Method) -> ParameterCounts:
        """Show a method that trains nothing the model it asks; return the counts of both.

        Raises:
            NotAsked: the model cannot write.
            InputError: the method does not fit it.
        """
        if self.writer is None:
            self.writer = self._writer()
        method.for_columns(self.task.reading.texts).check(self.writer, self.options)
        return parameter_counts(self.writer.module, self.writer.head)

    def _writer(self) -> Model:
        source, revision = self.source.source, self.source.revision
        try:
            if PAIR in source:
                raise InputError(f"model {source}: is an image and a text encoder together")
            model = build_writer(source, seed=0, revision=revision)
            check_finite(model)
            if (shift := writer_shift(model)) > SAME:
                raise InputError(_shifted(model, shift))
        except InputError as error:
            words = "it is asked in words, which needs a causal language model, such as gpt2"
            raise NotAsked(f"{words}. {error}") from error
        model.module.requires_grad_(False)
        return replace(model, module=model.module.to("meta"))


def vector_sizes(inspectors: Mapping[str, Inspector]) -> dict[str, dict[str, int]]:
    """Of each pair of encoders the numbers in the vector of an image and of a text."""
    pairs = {name: one.model.module for name, one in inspectors.items()}
    return {
        name: {"images": module.image.size, "texts": module.text.size}
        for name, module in pairs.items()
        if isinstance(module, Fusion)
    }


def built(source: ModelRecord, task: Task, options: Sequence[str]) -> Model:
    """The model in the form that gives the task's answers, asked a text alone and in a batch.

    Raises:
        InputError: it cannot be loaded, or does not answer both alike.
    """
    model = _as_asked(source, task.builder, options)
    check_finite(model)
    shift = shift_by_padding(task, model)
    if shift > SAME:
        raise InputError(f"{_shifted(model, shift)} {_instead(source, task, options)}")
    return model


def _as_asked(source: ModelRecord, builder: Builder, options: Sequence[str]) -> Model:
    return builder.build(source.source, options=options, seed=0, revision=source.revision)


def _instead(source: ModelRecord, task: Task, options: Sequence[str]) -> str:
    """What would do, where the model's own classifier does not: tried, not guessed."""
    if getattr(task, "pooling", None) == "library":
        averaged = replace(task.builder, pooling="mean")
        with contextlib.suppress(InputError):
            if shift_by_padding(task, _as_asked(source, averaged, options)) <= SAME:
                return "With pooling: mean in the task, padding changes nothing."
    return "Choose another model."


def _shifted(model: Model, shift: float) -> str:
    return (
        f"model {model.source}: its answer to a text changes with the padding beside it in a "
        f"batch, by {shift:.1%} of the largest logit, so it would be scored wrongly."
    )
