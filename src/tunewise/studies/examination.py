"""What is wrong or doubtful with the data and models of a prepared study, each with the remedy.

Everything here is read off the study's record, so that it can be said of a study that is about to
run and of one that ran long ago.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tunewise.backbones.sources import EMBEDDED
from tunewise.core.balance import uneven
from tunewise.core.environment import environment
from tunewise.core.format import first_of, percent, plural
from tunewise.core.sanitize import shown
from tunewise.statistics.power import detectable_difference, examples_needed
from tunewise.store.records import StudyRecord

Area = Literal["study", "data", "models", "machine", "comparison"]
Grade = Literal["wrong", "doubtful"]

COARSE = 0.05  # a smallest visible difference above this leaves most questions open
WANTED = 0.03  # the difference that the remedy speaks of
DISAGREEMENT = 0.1  # fraction of examples on which just one of two contenders is right
CUT = 0.02  # fraction of texts that may be truncated unmentioned
REPEATED = 0.01  # of a split
FEW = 5  # examples of a class in train
FAIR = ("f1_macro", "balanced_accuracy", "matthews")  # metrics that uneven classes do not flatter


@dataclass(frozen=True)
class Symptom:
    """Something wrong (it does not run, or its result is void) or doubtful, and the remedy."""

    area: Area
    grade: Grade
    says: str
    remedy: str


def symptoms_of(study: StudyRecord) -> list[Symptom]:
    """Those of the data and the models, the wrong ones first."""
    found = [*_size(study), *_texts(study), *_labels(study), *_leaks(study), *_models(study)]
    return sorted(found, key=lambda one: one.grade != "wrong")


def machine_symptoms() -> Iterator[Symptom]:
    """What of the machine and its software is in the way of any study."""
    values = environment()
    lacking = [name for name, value in values.items() if value is None and name != "memory_bytes"]
    if lacking:
        says = f"Not installed: {', '.join(lacking)}."
        yield Symptom("machine", "wrong", says, f"pip install {' '.join(lacking)}")
    cores = values["cores"]
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    if isinstance(cores, int) and isinstance(usable, int) and usable < cores:
        says = f"This process may use {usable} of {cores} cores."
        yield Symptom("machine", "doubtful", says, "Lift the limit (taskset, container), or wait.")


def _doubt(says: str, remedy: str, area: Area = "data") -> Symptom:
    return Symptom(area, "doubtful", says, remedy)


def _size(study: StudyRecord) -> Iterator[Symptom]:
    rows = study.data.rows
    if not rows:
        return
    if not study.plans_tests:
        yield _doubt(
            "There is no test split: the verdict rests on validation, which chose the settings.",
            "Keep some rows for it: data.split: {validation: 0.1, test: 0.2}.",
        )
    split = "test" if "test" in rows else "validation"
    count = rows.get(split, 0)
    least = detectable_difference(count, DISAGREEMENT) if count else None
    if least is None or least > COARSE:
        seen = "not at all" if least is None else f"from {100 * least:.0f} points on"
        needed = examples_needed(WANTED, DISAGREEMENT)
        yield _doubt(
            f"{plural(count, 'example')} of {split} hardly tell contenders apart: {seen}, where "
            f"just one of two is right on {percent(DISAGREEMENT, digits=0)} %.",
            f"Label more, or give {split} a larger part: {needed:,} examples show "
            f"{100 * WANTED:.0f} points.",
        )


def _texts(study: StudyRecord) -> Iterator[Symptom]:
    splits = study.data.audit.facts.get("splits")
    for name, facts in splits.items() if isinstance(splits, Mapping) else ():
        if not isinstance(facts, Mapping):
            continue
        rows = max(1, int(facts.get("rows", 0)))
        if empty := facts.get("empty_texts"):
            yield _doubt(f"{name}: {plural(empty, 'empty text')}.", "data.clean: {empty: drop}")
        if (repeated := facts.get("repeated_texts", 0)) > REPEATED * rows:
            says = f"{name}: {plural(repeated, 'row')} of {rows:,} repeat another's text."
            yield _doubt(says, "data.clean: {duplicates: drop}")
        if (cut := facts.get("truncated_share") or 0) > CUT:
            yield _doubt(
                f"{name}: {percent(cut)} % of the texts are cut: the end is never read.",
                "Raise training.max_length, or take a model that reads longer texts.",
            )
    if torn := study.data.audit.facts.get("contradictory_texts"):
        yield _doubt(
            f"{plural(torn, 'text')} with different labels in different rows.",
            "Correct the labels, or keep the commonest: data.clean: {duplicates: drop}",
        )


def _labels(study: StudyRecord) -> Iterator[Symptom]:
    counts = study.data.label_counts
    train = {str(name): int(count) for name, count in counts.get("train", {}).items()}
    if rare := [shown(name) for name, count in train.items() if count < FEW]:
        yield _doubt(
            f"train has fewer than {FEW} examples of {first_of(rare)}.",
            f"Label more of them, or leave them out: data.clean: {{min_examples: {FEW}}}",
        )
    if train and uneven(train.values()) and study.metrics[:1] and study.metrics[0] not in FAIR:
        most = max(train, key=lambda name: train[name])
        part = percent(train[most] / max(1, sum(train.values())), digits=0)
        yield _doubt(
            f"The classes are uneven (“{shown(most)}” is {part} % of train), and {study.metrics[0]}"
            " chooses and ranks.",
            "Put f1_macro or balanced_accuracy first in task.metrics.",
        )


def _leaks(study: StudyRecord) -> Iterator[Symptom]:
    facts = study.data.audit.facts
    for one in _objects(facts.get("shared_texts")):
        same, near = one.get("alike") or 0, one.get("near") or 0
        where = f"{one.get('of')} that {one.get('within')} has too"
        if same:
            says = f"{plural(same, 'text')} of {where}: scores are too good."
            yield _doubt(says, "data.clean: {duplicates: drop}")
        if near:
            says = f"{plural(near, 'nearly equal text')} of {where}."
            yield _doubt(says, "data.clean: {near_duplicates: group}")
    for one in _objects(facts.get("shared_groups")):
        part = percent(one.get("share") or 0, digits=0)
        column = one.get("column")
        yield _doubt(
            f"{part} % of {one.get('split')} share their '{shown(str(column))}' with train.",
            f"If such rows are alike: data.split: {{group: {shown(str(column))}}}",
        )
    if study.data.accept_leakage:
        says = f"The study accepts leakage: “{shown(study.data.accept_leakage)}”."
        yield _doubt(says, "Remove the shared texts with data.clean, and drop accept_leakage.")


def _models(study: StudyRecord) -> Iterator[Symptom]:
    own = {name for name, model in study.models.items() if model.source.startswith(EMBEDDED)}
    if own and "embedded" not in study.data.source:
        yield _doubt(
            f"{first_of(sorted(own))} knows nothing but its own small world of rented rooms: its "
            "scores on other texts say nothing of what a real model can do.",
            "Name a real model, such as models: [distilbert-base-uncased], or a folder of one.",
            "models",
        )
    if study.contenders and not any(row.model for row in study.contenders):
        yield _doubt(
            "No contender uses a pretrained model.",
            "Add methods that do, such as head or lora, and name models.",
            "models",
        )


def _objects(values: Any) -> Iterator[Mapping[str, Any]]:
    for value in values if isinstance(values, list | tuple) else ():
        if isinstance(value, Mapping):
            yield value
