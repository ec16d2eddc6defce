"""The parts of a trial, made from the settings that a job carries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from tunewise.backbones.fast_cpu import speed_up
from tunewise.backbones.first_token import only_first_token
from tunewise.backbones.load import build_writer
from tunewise.backbones.memory_saving import compute_in, recompute_blocks, store_frozen_in
from tunewise.backbones.model import Model
from tunewise.backbones.nf4 import quantize_frozen
from tunewise.backbones.sources import check_unchanged
from tunewise.backbones.stored import OnRows
from tunewise.core.errors import DamagedFile, InputError
from tunewise.data.examples import Example, Prediction
from tunewise.data.prepared import IMAGES, read_prepared
from tunewise.data.table import Row
from tunewise.methods.base import METHODS, Adaptation, AsIs, Method
from tunewise.methods.frozen import fingerprint
from tunewise.store.records import TrialSettings
from tunewise.store.study import StudyFolder
from tunewise.tasks.base import TASKS, Encoded, Task
from tunewise.tasks.encoded_texts import token_lengths
from tunewise.tasks.lengths import limit
from tunewise.training.encoded_split import BackboneOutputs, Feed, Stored
from tunewise.training.features import (
    FeatureStore,
    Stub,
    features_of,
    is_frozen,
    reduction_for,
    run_backbone,
)
from tunewise.training.seeds import derive
from tunewise.training.settings import AUTO, TrainingSettings
from tunewise.training.vectors import VectorStore, frozen_encoders


@dataclass
class Parts:
    """What a trial is made of. `settings` also name the trial."""

    settings: TrialSettings
    study_folder: Path
    task: Task
    method: Method
    training: TrainingSettings
    options: tuple[str, ...]
    seed: int

    @classmethod
    def of(cls, settings: TrialSettings, study_folder: Path) -> Parts:
        if settings.seed is None:
            raise TypeError("a search point is no trial: its settings have no seed")
        if (settings.training or {}).get("precision") == AUTO:
            raise TypeError("precision: auto is settled before a trial is made")
        task = {**settings.task}
        method = METHODS.build(settings.method.name, settings.method.settings)
        of_untrained = {"max_length": settings.max_length}
        training = TrainingSettings(**(settings.training or of_untrained))
        if training.loss_on is not None:  # which goes before the task's own
            task["loss_on"] = training.loss_on
        asked = TASKS.build(task.pop("kind"), task)
        return cls(
            settings=settings,
            study_folder=study_folder,
            task=asked,
            method=method.for_columns(asked.reading.texts),
            training=training,
            options=tuple(settings.task.get("labels") or ()),
            seed=settings.seed,
        )

    def examples(self, split: str) -> Sequence[Example]:
        """The examples of a split, each made of its row when it is asked for.

        Raises:
            DamagedStudy: its file is not what was written with the study.
        """
        folder = self.study_folder / "data"
        StudyFolder(self.study_folder).file(f"data/{split}.parquet")  # refuses a damaged one

        def read(row: Row) -> Example:
            example = self.task.read(row)
            if not example.image:
                return example
            return example._replace(image=str(folder / IMAGES / example.image))

        return read_prepared(folder, split).made_by(read)

    def check_model(self) -> None:
        """Refuse to train a local model that is not what it was when the study was started.

        Raises:
            DamagedFile: its files have changed since, which is no doing of the trial.
        """
        if self.settings.model is not None:
            data = self.study_folder / "data" / "train.parquet"  # written at every start
            try:
                check_unchanged(self.settings.model.as_json(), since=data.stat().st_ctime)
            except InputError as error:
                raise DamagedFile(str(error)) from error

    def build_model(self) -> Model | None:
        """The model as its checkpoint has it, with a new head; None where none is used."""
        source = self.settings.model
        if source is None:
            return None
        if self.method.asks_writer:
            model = build_writer(source.source, seed=0, revision=source.revision)
            if torch.cuda.is_available():
                model.module.to("cuda")
            return replace(model, longest_text=self.max_length(model))
        model = self.task.builder.build(
            source.source,
            options=self.options,
            seed=derive(self.seed, "head"),
            revision=source.revision,
            dropout=self.training.dropout,
            keep=getattr(torch, self.training.precision),
        )
        return replace(model, longest_text=self.max_length(model))

    def max_length(self, model: Model) -> int:
        """Tokens an example may have: as asked for, and never more than the model can take."""
        return limit(self.task, self.training.max_length, model)

    def score(
        self, predictions: Sequence[Prediction], examples: Sequence[Example]
    ) -> dict[str, float | None]:
        """The task's metrics, and the mean loss in nats, of predictions in the examples' order."""
        return self.task.score(predictions, examples)


def prepared_model(
    parts: Parts,
    method: Adaptation | AsIs,
    *,
    before: Callable[[Model], None] = lambda model: None,
    stays: bool = False,
) -> Model:
    """The model with the method applied, on its device, as fast as it goes there.

    `before` is shown the model as it was built; it may look, and change nothing. One that `stays`
    does so on the CPU, whole: it is too large for a GPU.
    """
    model = parts.build_model()
    if model is None:
        raise ValueError(f"method '{method.name}' was given no model")
    compute_as(model, parts.training)
    before(model)
    torch.manual_seed(derive(parts.seed, "method"))
    method.prepare(model)
    if rounds_frozen(parts.training):
        model.fingerprint = fingerprint(model)  # of the frozen numbers before any is rounded
    if torch.cuda.is_available() and not stays:
        model.module.to("cuda")
    settle(model, parts.training)
    return model


def compute_as(model: Model, training: TrainingSettings) -> None:
    """Make a model compute in the precision that the training settings say."""
    if training.precision != "float32":
        compute_in(model, getattr(torch, training.precision))


def settle(model: Model, training: TrainingSettings) -> None:
    """Make an adapted model that lies on its device as fast and as small as the settings say."""
    if not (training.shard and torch.cuda.is_available()):  # it lies on the CPU, and computes there
        speed_up(model.module)
    if not is_frozen(model):  # what it puts out is stored, for other pools too
        only_first_token(model.module)
    if training.gradient_checkpointing:
        recompute_blocks(model)
    # A frozen backbone that runs once does so in float32: what it puts out serves every precision.
    runs_once = is_frozen(model) or frozen_encoders(model)
    if not rounds_frozen(training) or runs_once:
        return
    if training.quantize:
        quantize_frozen(model)
    if training.precision != "float32":
        store_frozen_in(model, getattr(torch, training.precision))


def rounds_frozen(training: TrainingSettings) -> bool:
    """Whether frozen numbers may be kept in fewer bits than they are loaded with."""
    return training.precision != "float32" or training.quantize is not None


class Feeds:
    """Makes the feeds of one adapted model, in which a frozen backbone is replaced by its outputs.

    Inside the context the backbone is out of the model; `feed` is called before it is entered.
    """

    def __init__(
        self,
        parts: Parts,
        model: Model,
        sample: Sequence[Encoded],
        *,
        on_rows: OnRows = lambda rows: None,
    ) -> None:
        self.parts = parts
        self.model = model
        self.store: FeatureStore | None = None
        self.vectors: VectorStore | None = None
        source, data = parts.settings.model, parts.settings.data
        key = features_of(
            model,
            source.hash if source else "",
            parts.task,
            parts.max_length(model),
            data.hash,
        )
        if key is None:
            return
        folder = parts.study_folder / "features" / key
        if encoders := frozen_encoders(model):
            self.vectors = VectorStore(folder, model, encoders, on_rows)
        elif reduction := reduction_for(model, parts.task, sample):
            self.store = FeatureStore(folder, model, parts.task, reduction, on_rows)

    def feed(self, split: str, encoded: Sequence[Encoded]) -> Feed:
        stored: Stored | None = None
        if self.vectors is not None:
            encoded, stored = self.vectors.get(split, encoded)
        elif self.store is not None:
            stored = BackboneOutputs(self.store.get(split, encoded))
        packs = self.parts.training.packing and split == "train"  # answers need a row each
        return Feed(
            self.parts.task, self.model.processor, encoded, stored, self.parts.seed, packs=packs
        )

    def pass_once(
        self, encoded: Sequence[Encoded], measured: Callable[[], AbstractContextManager[None]]
    ) -> None:
        """Run a frozen backbone over one batch, the longest, so that its pass can be measured.

        Stored outputs may have been computed long ago and for another study. The batch is of the
        size that a training step has; what it gives is dropped, and no random number is drawn.
        """
        if self.store is None:
            return
        by_length = sorted(range(len(encoded)), key=token_lengths(encoded).__getitem__)
        longest = [encoded[place] for place in by_length[-self.parts.training.batch_size :]]
        task, model = self.parts.task, self.model
        batch = task.collate(longest, model.processor).to(model.device)
        model.module.eval()
        with measured():
            run_backbone(model, batch, self.store.reduction.name)

    @contextmanager
    def backbone_out(self) -> Iterator[None]:
        """Inside, stored outputs stand for the backbone, where there are any."""
        if self.store is None:
            yield
            return
        (path,) = self.model.backbones.values()
        backbone = self.model.module.get_submodule(path)
        stub = Stub(backbone, has_pooler=self.store.reduction.has_pooler)
        self.model.module.set_submodule(path, stub)
        try:
            yield
        finally:
            self.model.module.set_submodule(path, backbone)
