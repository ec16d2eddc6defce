"""Answering questions about images with one of the most frequent answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from tunewise.backbones.builder import Builder
from tunewise.backbones.texts import encoded as read_texts
from tunewise.core.errors import InputError, Problem, SettingError, nearest
from tunewise.core.settings import described, setting
from tunewise.data.examples import Example
from tunewise.data.images import check_images, image_bytes, name_of, open_image
from tunewise.data.labels import resolve, spelling
from tunewise.data.prepared import label_counts, prepared_rows
from tunewise.data.question_types import TAXONOMIES, taxonomy
from tunewise.data.sources import Data
from tunewise.data.table import PLACE, Splits
from tunewise.tasks.base import TASKS, Batch, Encoded, Reading, Settled
from tunewise.tasks.choosing import IGNORED, Choosing

KIND = "question_type"  # the column that prepared rows get


@TASKS.register("visual-question-answering")
@dataclass(frozen=True)
class VisualQuestionAnswering(Choosing):
    """One answer out of a few for a question about an image.

    The `most` most frequent answers of train are the options; rows with another answer are left
    out of every split, and the fraction that is lost is reported. A model is an image encoder and a
    text encoder whose vectors meet in a small classifier (`backbones.fusion`).

    Two rows with one image belong together: cut splits with ``group: image``.
    """

    description = (
        "Each example is an image with a question; one of {labels} answers is chosen, and the "
        "loss is the cross-entropy of the right one."
    )

    image: str = field(
        metadata=described("The column of the images: paths, or the images themselves.")
    )
    question: str = field(metadata=described("The column of the question."))
    answer: str = field(metadata=described("The column of the answer."))
    folder: str | None = setting(
        None, "Where the paths of images start, from the folder of the data."
    )
    most: int = setting(1000, "Classes: that many of the most frequent answers of train.")
    labels: tuple[str, ...] | None = setting(
        None, "The classes, instead of the most frequent answers."
    )
    question_types: str = setting("cocoqa", "The taxonomy by which the report counts questions.")
    metrics: tuple[str, ...] = setting(
        ("accuracy", "f1_macro"),
        "Metrics to report; the first one chooses epochs and search points.",
    )

    def __post_init__(self) -> None:
        if self.most < 2:
            raise SettingError("most", self.most, "at least 2 answers, or there is no choice.")
        if not self.metrics:
            raise SettingError(
                "metrics", self.metrics, "at least one metric; the first one chooses."
            )
        if self.question_types not in TAXONOMIES:
            right = f"unknown taxonomy. {nearest(self.question_types, TAXONOMIES)}"
            raise SettingError("question_types", self.question_types, right)

    def unread(self) -> dict[str, str]:
        return {} if self.labels is None else {"most": "labels says which answers there are"}

    @property
    def reading(self) -> Reading:
        return Reading(
            columns=(self.image, self.question, self.answer),
            texts=(self.question, self.image),
            answer=self.answer,
            stratum=self.answer,
            image=self.image,
            image_folder=self.folder or "",
        )

    @property
    def builder(self) -> Builder:
        return Builder(images=True)

    def settle(self, data: Data) -> Settled:
        images, problems = self._images(data)
        if problems:
            raise InputError(problems)
        named = {
            split: [
                {
                    f"{self.image}_path": _path(row[self.image]),
                    **row,
                    self.image: images.names[_reference(row[self.image])],
                }
                for row in rows
            ]
            for split, rows in data.splits.items()
        }
        kept, fractions = self._frequent(named)
        labels = resolve(kept, self.answer, given=self.labels, found=None)
        splits = prepared_rows(kept, self.reading.texts, self.answer, labels)
        kinds = taxonomy(self.question_types)
        for rows in splits.values():
            for row in rows:
                row[KIND] = kinds.type_of(row[self.question])
        lost = ", ".join(
            f"{fraction:.1%} of {split}" for split, fraction in fractions.items() if fraction
        )
        others = f"; {lost} have another" if lost else ", and every row has one of them"
        notes = (*data.notes, f"{len(labels.options)} answers are kept{others}.")
        return Settled(
            replace(data, splits=kept, notes=notes),
            splits,
            labels.options,
            labels,
            {"labels": list(labels.options)},
            label_counts(splits, self.answer, labels),
            {
                split: {
                    "rows_with_rare_answers": fractions[split],
                    "question_types": kinds.counts(row[self.question] for row in rows),
                }
                for split, rows in splits.items()
            },
            images.contents,
            beside=(f"{self.image}_path",),
        )

    def read(self, row: dict[str, Any]) -> Example:
        return Example(
            str(row["id"]),
            (str(row[self.question]),),
            row.get(self.answer),
            image=row[self.image],
        )

    def encode(
        self,
        examples: Sequence[Example],
        processor: Any,
        *,
        max_length: int,
        learning: bool = False,
    ) -> list[Encoded]:
        questions = [example.texts for example in examples]
        cut = whole = read_texts(processor, questions)
        lengths = [len(ids) for ids in whole["input_ids"]]
        if max(lengths, default=0) > max_length:
            cut = read_texts(processor, questions, truncation=True, max_length=max_length)
        return [
            Encoded(
                example.id,
                {name: column[place] for name, column in cut.items()},
                example.label,
                lengths[place],
                image=example.image,
            )
            for place, example in enumerate(examples)
        ]

    def collate(self, encoded: Sequence[Encoded], processor: Any) -> Batch:
        """A batch of questions, and of images where their vectors are not stored."""
        questions = processor.pad(
            [dict(example.inputs) for example in encoded], return_tensors="pt", padding=True
        )
        inputs = dict(questions)
        if encoded[0].image:
            inputs["pixel_values"] = processor.pixels([open_image(e.image) for e in encoded])
        labels = [IGNORED if example.label is None else example.label for example in encoded]
        return Batch(
            ids=[example.id for example in encoded],
            inputs=inputs,
            labels=torch.tensor(labels),
            targets=sum(label != IGNORED for label in labels),
            real_tokens=sum(example.length for example in encoded),
            padded_tokens=questions["input_ids"].numel(),
        )

    def _images(self, data: Data) -> tuple[_Images, list[Problem]]:
        """Every image once, checked; what is wrong with any is reported with its path."""
        base = data.folder / self.reading.image_folder
        if self.folder and not base.is_dir():
            beside = base.parent.iterdir() if base.parent.is_dir() else ()
            alike = nearest(base.name, [entry.name for entry in beside if entry.is_dir()])
            return _Images({}, {}), [Problem("task.folder", f"{base}: no such folder. {alike}")]
        rows = [row for split in data.splits.values() for row in split]
        first = {_reference(row[self.image]): row for row in reversed(rows)}
        read = {name: _content(row[self.image], base) for name, row in first.items()}
        contents = {name: content for name, (content, lacking) in read.items() if not lacking}
        damaged = check_images(contents)
        problems = []
        for row in rows:
            name = _reference(row[self.image])
            if first[name] is row and (reason := read[name][1] or damaged.get(name)):
                named = f"{name}: " if isinstance(row[self.image], str) else ""
                problems.append(Problem(f"{row[PLACE]} {self.image}", f"{named}{reason}"))
        names = {} if problems else {own: name_of(content) for own, content in contents.items()}
        return _Images(names, {names[own]: contents[own] for own in names}), problems

    def _frequent(self, splits: Splits) -> tuple[Splits, dict[str, float]]:
        """The rows with a frequent answer of train, and the fraction of the others."""
        counts = Counter(spelling(row[self.answer]) for row in splits["train"])
        by_count = sorted(counts, key=lambda answer: (-counts[answer], answer))
        frequent = set(self.labels or by_count[: self.most])
        kept = {
            split: [row for row in rows if spelling(row[self.answer]) in frequent]
            for split, rows in splits.items()
        }
        if empty := [split for split, rows in kept.items() if not rows]:
            raise InputError(
                [
                    Problem(
                        f"task.{'labels' if self.labels else 'most'}",
                        f"no row of {split} has one of these {len(frequent)} answers.",
                    )
                    for split in empty
                ]
            )
        fractions = {split: 1 - len(kept[split]) / len(rows) for split, rows in splits.items()}
        return kept, fractions


@dataclass(frozen=True)
class _Images:
    names: dict[str, str]  # from what a row says to the name of the content
    contents: dict[str, bytes]  # by that name


def _reference(value: Any) -> str:
    """What tells a row's image from others: its path, or its content if that is given."""
    if isinstance(value, dict) and value.get("bytes"):
        return sha256(value["bytes"]).hexdigest()  # many images in a data set share one path
    return str(_path(value))


def _path(value: Any) -> Any:
    """The path that a row names, if any; it may be nothing of the kind."""
    return value.get("path") if isinstance(value, dict) else value


def _content(value: Any, base: Path) -> tuple[bytes, str | None]:
    """The image's bytes, and what is wrong if there are none."""
    if isinstance(value, dict) and value.get("bytes"):
        return value["bytes"], None
    reference = _path(value)
    if not isinstance(reference, str) or not reference.strip():
        return b"", "names no image."
    try:
        return image_bytes(reference, base), None
    except InputError as error:
        return b"", str(error)
