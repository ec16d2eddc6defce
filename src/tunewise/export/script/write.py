"""A contender's script with its data, written into a folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewise import __version__
from tunewise.backbones.folder import content
from tunewise.backbones.sources import EMBEDDED, PAIR, locate, parts_of
from tunewise.core.environment import environment
from tunewise.core.errors import InputError
from tunewise.core.files import write_text
from tunewise.export.script.adapters import add_method
from tunewise.export.script.assemble import assemble
from tunewise.export.script.classifiers import (
    add_classification,
    add_classifier,
    classification_row,
)
from tunewise.export.script.direct import add_direct
from tunewise.export.script.plan import OF_MODELS, Plan, adapted, add_training, no_script
from tunewise.methods.base import Adaptation, AsIs, Direct
from tunewise.store.trial_records import TrialResult
from tunewise.training.assembly import Parts

DATA, MODEL, IMAGE_MODEL = "data", "model", "image-model"  # folders beside the script
SHARED = ("training", "batches", "files", "metrics", "texts", "saving", "classification")


@dataclass(frozen=True)
class Written:
    """The script's path and the packages that it needs, with their versions."""

    script: Path
    requirements: str


def write_script(
    parts: Parts,
    result: TrialResult,
    folder: Path,
    *,
    name: str,
    about: str,
    tests: Mapping[str, float | None] | None,
    copy_models: bool,
) -> Written:
    """Write a script that does what a trial did, and beside it the data that it reads.

    Args:
        parts: made from the trial's settings.
        result: of the trial.
        folder: an empty one, or a new one.
        name: of the script.
        about: its first line.
        tests: the scores on the test split; None leaves the split out, as it was not opened.
        copy_models: also copy a model that lies in a folder of this machine; else it is named.

    Raises:
        InputError: no script does what this contender does.
    """
    plan = plan_of(parts, result)
    scores = {"validation": dict(result.metrics.get("validation", {}))}
    plan.constants["TRIAL_SCORES"] = scores | ({} if tests is None else {"test": dict(tests)})
    plan.constants["SEED"] = parts.seed
    folder.mkdir(parents=True, exist_ok=True)
    _name_models(plan, parts, folder, copy=copy_models)
    splits = ("train", "validation", *(() if tests is None else ("test",)))
    for split in splits:
        _write_rows(parts, split, folder / DATA)
    text = assemble(about, plan.blocks, decided=plan.decided, constants=plan.constants)
    write_text(folder / name, text)
    written = Written(folder / name, _requirements(plan))
    write_text(folder / "requirements.txt", written.requirements)
    return written


def plan_of(parts: Parts, result: TrialResult) -> Plan:
    """What the contender's script is made of.

    Raises:
        InputError: no script does what it does.
    """
    method = parts.method
    plan = Plan([])
    add_classification(plan, parts)
    match method:
        case Direct():
            add_direct(plan, parts)
        case Adaptation() | AsIs():
            model, structure = adapted(parts)
            add_classifier(plan, parts, model)
            add_method(plan, method, model, structure)
            add_training(plan, parts, result, model)
    plan.blocks += SHARED
    return plan


def _name_models(plan: Plan, parts: Parts, folder: Path, *, copy: bool) -> None:
    """Say where the model is: a hub id with its commit, or a folder."""
    model = parts.settings.model
    if model is None:
        return
    pair = PAIR in model.source
    image, text = parts_of(model.source)
    revisions = parts_of(model.revision or "") if pair else (model.revision, model.revision)
    named = {"IMAGE_MODEL": (image, revisions[0], IMAGE_MODEL)}
    named["MODEL"] = (text, revisions[1], MODEL)
    for constant, (source, revision, place) in named.items():
        found = (
            locate(source) if constant == "MODEL" or plan.decided["DATA_TYPE"] == "image" else None
        )
        if found and (copy or source.startswith(EMBEDDED)):
            _copy_model(source, found, folder / place)
            plan.constants[constant] = place
        elif found:
            plan.constants[constant] = str(found.resolve())
        else:
            plan.constants[constant] = source
            plan.constants[constant.replace("MODEL", "REVISION")] = revision or None


def _copy_model(source: str, folder: Path, target: Path) -> None:
    for path in content(source, folder):
        to = target / path.relative_to(folder)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)


def _write_rows(parts: Parts, split: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [classification_row(parts, example, None) for example in parts.examples(split)]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    write_text(folder / f"{split}.jsonl", "".join(f"{line}\n" for line in lines))


def _requirements(plan: Plan) -> str:
    """The packages of the script in the versions that are installed here.

    A local part of a version, such as ``+cpu``, names a build that an index does not have.
    """
    known = environment()
    lines = [f"{name}=={str(known[name]).partition('+')[0]}" for name in plan.packages]
    return "\n".join(lines) + "\n"
