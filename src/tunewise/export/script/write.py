"""A contender's script with its data, written into a folder."""

from __future__ import annotations

import ast
import json
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from textwrap import wrap
from typing import Any

from tunewise.backbones.folder import content
from tunewise.backbones.model import Model
from tunewise.backbones.sources import EMBEDDED, PAIR, locate, parts_of
from tunewise.core.canonical import settings_of
from tunewise.core.files import write_text
from tunewise.core.sanitize import shown
from tunewise.data.examples import Example
from tunewise.export.script.adapters import add_method
from tunewise.export.script.answers import add_writer, add_writing, question_row
from tunewise.export.script.assemble import WIDTH, assemble
from tunewise.export.script.classifiers import (
    add_classification,
    add_classifier,
    classification_row,
)
from tunewise.export.script.conversations import (
    add_conversations,
    add_speaker,
    conversation_row,
)
from tunewise.export.script.direct import add_direct
from tunewise.export.script.pictures import add_pair, add_questions, image_row
from tunewise.export.script.plan import Plan, adapted, add_training, no_script
from tunewise.methods.base import Adaptation, AsIs, Direct
from tunewise.store.trial_records import TrialResult
from tunewise.training.assembly import Parts

DATA, MODEL, IMAGE_MODEL = "data", "model", "image_model"  # folders beside the script
PACKAGES = {"sklearn": "scikit-learn", "PIL": "pillow"}  # by the modules that they bring
SHARED = (
    *("training", "batches", "files", "metrics", "texts", "saving", "classification"),
    "adapting/loading",
)


@dataclass(frozen=True)
class _Kind:
    """What a script says of a kind of task, of the model that answers it, and of an example."""

    short: str  # in the name of a script

    add_task: Callable[[Plan, Parts], None]
    add_model: Callable[[Plan, Parts, Model], None]
    row: Callable[[Parts, Example, Path], dict[str, Any]]


_KINDS = {
    "classification": _Kind(
        "classification", add_classification, add_classifier, classification_row
    ),
    "question-answering": _Kind("qa", add_writing, add_writer, question_row),
    "chat": _Kind("chat", add_conversations, add_speaker, conversation_row),
    "visual-question-answering": _Kind("vqa", add_questions, add_pair, image_row),
}


def script_name(parts: Parts) -> str:
    """What a contender's script is called, such as ``lora_qa_finetuning.py``."""
    task = _KINDS[parts.task.name].short if parts.task.name in _KINDS else parts.task.name
    ending = "" if isinstance(parts.method, (Direct, AsIs)) else "_finetuning"
    label = parts.method.label(settings_of(parts.method)).partition(" ")[0]
    return re.sub(r"\W+", "_", f"{label}_{task}{ending}".lower()) + ".py"


def about(parts: Parts, contender: str, name: str) -> str:
    """The docstring of a script, whose first line its ``--help`` shows."""
    model = shown(Path(parts.settings.model.source).name) if parts.settings.model else ""
    lines = [
        f"{shown(contender)}{f' on {model}' if model else ''}: {parts.task.name} in one file.",
        "",
        *wrap(
            "Preprocessing, training, evaluation and saving as in the trial that this script was "
            "written from, whose scores are in TRIAL_SCORES. With dropout 0 and in float32 its "
            "losses and predictions are the same to rounding: seeds, initial weights and batches "
            "are. What is drawn otherwise, such as dropout, differs in numbers, not in kind.",
            WIDTH,
        ),
        "",
        "    pip install -r requirements.txt",
        f"    python {name}                  # reads data/, writes output/",
        f"    python {name} --help",
    ]
    return "\n".join(lines)


def write_script(
    parts: Parts,
    result: TrialResult,
    folder: Path,
    *,
    contender: str,
    tests: Mapping[str, float | None] | None,
    copy_models: bool,
) -> Path:
    """Write a script that does what a trial did, and beside it the data that it reads.

    Args:
        parts: made from the trial's settings.
        result: of the trial.
        folder: an empty one, or a new one.
        contender: what tables call it.
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
    (folder / DATA).mkdir(exist_ok=True)
    for split in splits:
        row_of = _KINDS[parts.task.name].row
        rows = (row_of(parts, example, folder / DATA) for example in parts.examples(split))
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        write_text(folder / DATA / f"{split}.jsonl", "".join(f"{line}\n" for line in lines))
    name = script_name(parts)
    text = assemble(
        about(parts, contender, name), plan.blocks, decided=plan.decided, constants=plan.constants
    )
    write_text(folder / name, text)
    write_text(folder / "requirements.txt", requirements_of(text))
    return folder / name


def plan_of(parts: Parts, result: TrialResult) -> Plan:
    """What the contender's script is made of.

    Raises:
        InputError: no script does what it does.
    """
    method = parts.method
    plan = Plan([])
    kind = _KINDS.get(parts.task.name)
    if kind is None:
        raise no_script(
            f"no script is written for the task '{parts.task.name}'; --as folder is. "
            f"Scripts are of {', '.join(_KINDS)}."
        )
    kind.add_task(plan, parts)
    match method:
        case Direct():
            add_direct(plan, parts)
        case Adaptation() | AsIs():
            model, structure = adapted(parts)
            kind.add_model(plan, parts, model)
            add_method(plan, method, model, structure)
            if isinstance(method, Adaptation):
                add_training(plan, parts, result, model)
            else:
                plan.decided["TRAINS"] = False
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
            for path in content(source, found):
                to = folder / place / path.relative_to(found)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, to)
            plan.constants[constant] = place
        elif found:
            plan.constants[constant] = str(found.resolve())
        else:
            plan.constants[constant] = source
            plan.constants[constant.replace("MODEL", "REVISION")] = revision or None


def requirements_of(text: str) -> str:
    """The packages that a script imports, in the versions that are installed here.

    A local part of a version, such as ``+cpu``, names a build that an index does not have.
    """
    modules = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    plain = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import)]
    names = {str(node.module) for node in modules} | {a.name for node in plain for a in node.names}
    tops = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
    packages = sorted(PACKAGES.get(top, top) for top in tops)
    lines = [f"{package}=={version(package).partition('+')[0]}" for package in packages]
    return "".join(f"{line}\n" for line in lines)
