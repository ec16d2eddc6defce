"""``tunewise export --measure``: what changed in a model that another program converted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tunewise.cli.console import say
from tunewise.cli.convert import GGUF, stored_answers, with_costs
from tunewise.core.errors import InputError, Problem, nearest
from tunewise.core.format import first_of, plural
from tunewise.data.labels import spelling
from tunewise.data.readers.files import ENDINGS, read_file
from tunewise.data.table import twice_in
from tunewise.export.runtime.measured import Conversion, Converted, compared
from tunewise.export.runtime.onnx_file import OnnxClassifier, classifier_of
from tunewise.judging.columns import sheet_of
from tunewise.judging.runs import Sheet
from tunewise.results import StudyResults
from tunewise.statistics.squad import exact_match, f1
from tunewise.store.answers import Answers
from tunewise.trained import Chosen, choose
from tunewise.training.assembly import Parts
from tunewise.training.finished import load_predictor
from tunewise.training.predictor import ModelPredictor

ONNX = ".onnx"


def measure(study: StudyResults, contender: str | None, path: Path) -> tuple[str, Conversion]:
    """Compare a converted contender with what the study stored of its answers.

    Args:
        study: the study that trained it.
        contender: which one; None for the verdict's best.
        path: the converted classifier as ``.onnx``, which answers now, or a file of answers with
            the columns id and prediction for every example of the test split.

    Returns:
        The contender's name, and what changed; size and latency of what answered here.

    Raises:
        InputError: the file is of no kind that can be measured, lacks examples, or is of another
            model; or the contender has no stored answers.
        MissingExtra: onnxruntime is not installed.
    """
    if not path.is_file():
        raise InputError([Problem(str(path), "no such file.")])
    chosen = choose(study, contender)
    split, before = stored_answers(study, chosen)
    metric = study.evidence.headline
    if path.suffix.lower() == ONNX:
        return chosen.name, _onnx(study, chosen, path, split, before)
    if path.suffix.lower() == ".gguf":
        raise InputError([Problem(str(path), GGUF.partition(": ")[2])])
    if path.suffix.lower() not in ENDINGS:
        message = f"is not measured. {nearest(path.suffix, (ONNX, *ENDINGS))}"
        raise InputError([Problem(str(path), message)])
    if metric == "loss":
        message = f"the study's first metric is the loss, of which {path.name} says nothing."
        raise InputError([Problem("--measure", message)])
    sheet = _in_order(sheet_of(read_file(path, str(path)), str(path)), before, split)
    after = _written(sheet, before) if before.scores else _chosen(sheet, before, study)
    return chosen.name, compared(before, after, metric=metric, split=split)


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


def _written(sheet: Sheet, before: Answers) -> Answers:
    """Texts, compared with the study's references as SQuAD does."""
    texts = [str(one) for one in sheet.predictions or ()]
    pairs: Sequence[tuple[str, tuple[str, ...]]] = list(zip(texts, before.references, strict=True))
    exact = np.array([exact_match(*pair) for pair in pairs])
    scores = {"exact_match": exact, "f1": np.array([f1(*pair) for pair in pairs])}
    choices = exact.astype(np.int64)
    return Answers(
        before.ids,
        before.labels,
        choices,
        scores=scores,
        written=tuple(texts),
        references=before.references,
    )
