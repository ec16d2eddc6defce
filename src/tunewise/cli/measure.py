"""``tunewise export --measure``: what changed in a model that another program converted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tunewise.cli.console import say
from tunewise.cli.convert import stored_answers, with_costs
from tunewise.core.errors import InputError, Problem, nearest
from tunewise.core.format import first_of, plural
from tunewise.data.examples import Example, Prediction, Written
from tunewise.data.labels import spelling
from tunewise.data.readers.files import ENDINGS, read_file
from tunewise.data.table import twice_in
from tunewise.export.runtime.gguf_file import RUNTIME, with_weights_of
from tunewise.export.runtime.measured import Conversion, Converted, compared
from tunewise.export.runtime.onnx_file import OnnxClassifier, classifier_of
from tunewise.judging.columns import sheet_of
from tunewise.judging.runs import Sheet
from tunewise.methods.base import Predictor
from tunewise.results import StudyResults
from tunewise.statistics.metrics import METRICS
from tunewise.store.answers import Answers, answers_in
from tunewise.tasks.base import Task
from tunewise.trained import Chosen, choose
from tunewise.training.assembly import Parts
from tunewise.training.finished import (
    exported_parts,
    is_exported,
    load_exported,
    load_predictor,
    load_whole,
)
from tunewise.training.predictor import ModelPredictor

ONNX, GGUF = ".onnx", ".gguf"
IN_TEXT = ("exact_match", "normalized_match", "f1", "well_formed", "answer_characters")
"""The metrics that a text alone tells; not how it ended, nor how likely the right one was."""


def measure(study: StudyResults, contender: str | None, path: Path) -> tuple[str, Conversion]:
    """Compare a converted contender with what the study stored of its answers.

    Args:
        study: the study that trained it.
        contender: which one; None for the verdict's best.
        path: what answers now, the converted classifier as ``.onnx``, the language model as
            ``.gguf`` or an exported folder; or a file of answers with the columns id and
            prediction for every example of the test split.

    Returns:
        The contender's name, and what changed; size of what answered here, and its latency.

    Raises:
        InputError: the file is of no kind that can be measured, lacks examples, or is of another
            model; or the contender has no stored answers.
        MissingExtra: what reads the file is not installed.
    """
    if not path.is_file() and not is_exported(path):
        message = "no such file, nor a folder that was exported."
        raise InputError([Problem(str(path), message)])
    chosen = choose(study, contender)
    split, before = stored_answers(study, chosen)
    ending = path.suffix.lower()
    if path.is_dir():
        found = _folder(study, chosen, path, split, before)
    elif ending == ONNX:
        found = _onnx(study, chosen, path, split, before)
    elif ending == GGUF:
        found = _gguf(study, chosen, path, split, before)
    elif ending in ENDINGS:
        found = _file(study, chosen, path, split, before)
    else:
        message = f"is not measured. {nearest(path.suffix, (ONNX, GGUF, *ENDINGS))}"
        raise InputError([Problem(str(path), message)])
    return chosen.name, found


def _file(
    study: StudyResults, chosen: Chosen, path: Path, split: str, before: Answers
) -> Conversion:
    """Answers that another program wrote, by the study's first metric that they tell."""
    sheet = _in_order(sheet_of(read_file(path, str(path)), str(path)), before, split)
    if before.scores is None:
        after, known = _chosen(sheet, before, study), {*METRICS} - {"loss"}
    else:
        after = _written(sheet, before, Parts.of(chosen.settings, study.folder.path).task)
        known = {*(after.scores or ())}
    metric = next((one for one in study.evidence.metrics if one in known), None)
    if metric is None:
        metrics = first_of(study.evidence.metrics)
        message = f"the study has the metric {metrics}, of which {path.name} says nothing."
        raise InputError([Problem("--measure", message)])
    return compared(before, after, metric=metric, split=split)


def _onnx(
    study: StudyResults, chosen: Chosen, path: Path, split: str, before: Answers
) -> Conversion:
    parts = Parts.of(chosen.settings, study.folder.path)
    session = OnnxClassifier(path)
    say(f"Loading {chosen.name}")
    predictor = load_predictor(parts, chosen.weights)
    classifier_of(predictor)  # refuses what has no logits to compare
    assert isinstance(predictor, ModelPredictor)
    say(f"Answering the {split} split with onnxruntime")
    examples = {one.id: one for one in parts.examples(split)}
    asked = [examples[id] for id in before.ids]
    converted = Converted(predictor, session)
    classes = converted.logits(converted.encoded(asked[:1])).shape[-1]
    if classes != len(parts.options):
        message = f"has {classes:,} outputs; the study has {len(parts.options)} classes."
        raise InputError([Problem(str(path), message)])
    found = compared(before, converted.answers(asked), metric=study.evidence.headline, split=split)
    return with_costs(found, path, converted.latency(asked))


def _answered(
    study: StudyResults, parts: Parts, predictor: Predictor, split: str, before: Answers
) -> Conversion:
    """The difference of what a predictor answers now."""
    say(f"Answering the {split} split")
    known = {one.id: one for one in parts.examples(split)}
    examples = [known[id] for id in before.ids]
    after = answers_in(parts.task.table(predictor.predict(examples), examples))
    return compared(before, after, metric=study.evidence.headline, split=split)


def _gguf(
    study: StudyResults, chosen: Chosen, path: Path, split: str, before: Answers
) -> Conversion:
    parts = Parts.of(chosen.settings, study.folder.path)
    say(f"Loading {chosen.name}, and the weights of {path.name}")
    predictor = with_weights_of(path, load_whole(parts, chosen.weights))
    found = _answered(study, parts, predictor, split, before)
    return replace(found, bytes=path.stat().st_size, runtime=RUNTIME)


def _folder(
    study: StudyResults, chosen: Chosen, path: Path, split: str, before: Answers
) -> Conversion:
    say(f"Loading {path}")
    predictor = load_exported(path)
    parts, theirs = Parts.of(chosen.settings, study.folder.path), exported_parts(path)
    if (theirs.task.name, theirs.options) != (parts.task.name, parts.options):
        message = f"was exported for {theirs.task.name}{_among(theirs)}; "
        message += f"the study is {parts.task.name}{_among(parts)}."
        raise InputError([Problem(str(path), message)])
    found = _answered(study, parts, predictor, split, before)
    weights = [file.stat().st_size for file in path.rglob("*.safetensors")]
    return replace(found, bytes=sum(weights) if weights else None)


def _among(parts: Parts) -> str:
    return f" among {first_of(parts.options)}" if parts.options else ""


def _in_order(sheet: Sheet, before: Answers, split: str) -> Sheet:
    """The predictions of the study's examples, in their order."""
    if sheet.predictions is None or sheet.numbered:
        raise InputError([Problem(sheet.place, "needs the columns id and prediction.")])
    if twice := twice_in(sheet.ids):
        message = f"answers {first_of(twice)} more than once."
        raise InputError([Problem(sheet.place, message)])
    given = dict(zip(sheet.ids, sheet.predictions, strict=True))
    if missing := [id for id in before.ids if id not in given]:
        message = f"lacks {plural(len(missing), 'example')} of the {split} split"
        raise InputError([Problem(sheet.place, f"{message}: {first_of(missing)}.")])
    return replace(sheet, ids=before.ids, predictions=[given[id] for id in before.ids])


def _chosen(sheet: Sheet, before: Answers, study: StudyResults) -> Answers:
    """Classes by their names; what is none of them is wrong."""
    labels = study.evidence.labels
    places = {label: place for place, label in enumerate(labels)}
    named = [spelling(one) for one in sheet.predictions or ()]
    if not any(name in places for name in named):
        message = f"no prediction is one of the labels ({first_of(labels)}), but {first_of(named)}."
        raise InputError([Problem(sheet.place, message)])
    choices = np.array([places.get(name, len(labels)) for name in named], dtype=np.int32)
    return Answers(before.ids, before.labels, choices)


def _written(sheet: Sheet, before: Answers, task: Task) -> Answers:
    """Texts, scored against the study's references as the task does; no loss is known of them."""
    texts = tuple(str(one) for one in sheet.predictions or ())
    rows = list(zip(before.ids, texts, before.references, strict=True))
    given = [Prediction(id, written=(Written("", 0, text, 0, ""),)) for id, text, _ in rows]
    examples = [Example(id, ("",), references=right) for id, _, right in rows]
    found = answers_in(task.table(given, examples))
    known = {name: of for name, of in (found.scores or {}).items() if name in IN_TEXT}
    return replace(found, scores=known)
