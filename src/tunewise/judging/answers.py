"""From what files hold to answers that can be compared: which metric, which classes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tunewise.core.errors import InputError, Problem
from tunewise.core.format import first_of, listed, plural
from tunewise.data.labels import spelling
from tunewise.judging.runs import Run, Sheet
from tunewise.statistics.metrics import GIVEN, METRICS, WRITTEN, FloatArray, metric_named
from tunewise.statistics.squad import exact_match, f1
from tunewise.store.answers import Answers

MOST_CLASSES = 200  # more different labels than this are texts
OTHER = "(none of the classes)"
CHOSEN = ("accuracy", "f1_macro")
RIGHT = {0.0, 1.0}
FRACTION = re.compile(r"[-+]?\d*\.?\d+(e[-+]?\d+)?", re.IGNORECASE)
ROUNDED = 0.05  # how far from 1 the sum of probabilities may be that were written with few digits
NAMED_SO = {"exact_match": "exact_match", "em": "exact_match", "loss": "loss", "nll": "loss"}


@dataclass(frozen=True)
class Answered:
    """The answers of all runs, in the order of the runs, and how they are scored."""

    answers: tuple[Answers, ...]
    metrics: tuple[str, ...]
    labels: tuple[str, ...]
    assumed: tuple[str, ...]


def answered(runs: Sequence[Run], metric: str | None = None) -> Answered:
    """The answers of runs that all have a sheet.

    Args:
        runs: over the same examples or over others; labels are compared where ids meet.
        metric: by name; None to take the one that the columns suggest.

    Raises:
        InputError: runs that are scored in different ways, a metric that their columns cannot
            give, or predictions of which none is a class.
    """
    sheets = [run.sheet for run in runs if run.sheet is not None]
    if metric is not None:
        metric_named(metric)
    kind = _kind(sheets, metric)
    match kind:
        case "texts":
            return _texts(sheets, metric)
        case "scores":
            return _scores(sheets, metric)
        case _:
            return _classes(sheets, metric)


def _kind(sheets: Sequence[Sheet], metric: str | None) -> str:
    """Whether classes were chosen, texts written, or something else gave scores."""
    compared = [s.labels is not None and s.predictions is not None for s in sheets]
    scored = [s.scores is not None for s in sheets]
    wants_scores = metric == GIVEN or (metric == "loss" and all(scored))
    if all(scored) and (wants_scores or not all(compared)):
        return "scores"
    if not all(compared):
        lacking = [s.place for s, has in zip(sheets, compared, strict=True) if not has]
        having = [s.place for s, has in zip(sheets, compared, strict=True) if has]
        message = (
            "has no 'label' beside its predictions. Add the column, or name a file that has ids "
            "and labels: --labels gold.csv"
        )
        if having or any(scored):
            message = f"is not scored as {having[0] if having else 'the others'} is: {message}"
        raise InputError([Problem(place, message) for place in lacking])
    if metric in WRITTEN:
        return "texts"
    if metric is not None:
        return "classes"
    first = sheets[0]
    assert first.labels is not None
    if any(isinstance(label, list | tuple) for label in first.labels):
        return "texts"
    different = {spelling(label) for label in first.labels}
    if len(different) <= min(MOST_CLASSES, max(20, len(first.ids) // 2)):
        return "classes"
    if all(FRACTION.fullmatch(label) for label in different) and any(
        "." in one for one in different
    ):
        message = (
            f"its labels are numbers ({first_of(sorted(different))}), of which none is right or "
            "wrong. Give each example a score instead, such as 'loss' for the size of its error; "
            f"to compare them as texts: --metric {WRITTEN[0]}"
        )
        raise InputError([Problem(first.place, message)])
    return "texts"


def _scores(sheets: Sequence[Sheet], metric: str | None) -> Answered:
    """Right and wrong count as answers; anything else is a score whose mean counts."""
    names = list(dict.fromkeys(sheet.scored_by for sheet in sheets))
    if metric is None and len(names) > 1:
        places = [next(one.place for one in sheets if one.scored_by == name) for name in names]
        told = listed([f"'{n}' in {place}" for n, place in zip(names, places, strict=True)])
        message = (
            f"the files are scored by different columns: {told}. Give those that mean the same one "
            f"name; to compare them as they are: --metric {GIVEN}"
        )
        raise InputError(message)
    values = [np.asarray(sheet.scores, dtype=np.float64) for sheet in sheets]
    binary = all(set(np.unique(one)) <= RIGHT for one in values)
    called = NAMED_SO.get(names[0].casefold()) if len(names) == 1 else None
    found = metric or called or ("accuracy" if binary else GIVEN)
    if METRICS[found].kind == "proportion" and not binary:
        found = GIVEN if metric is None else _refuse_fractions(found, sheets)
    if found not in ("loss", GIVEN) and METRICS[found].kind != "proportion":
        message = f"{found} needs predictions and labels; the files have scores alone."
        raise InputError(f"metric = {found}: {message}")
    by = listed([f"'{name}'" for name in names])
    better = "lower" if found == "loss" else "higher"
    how = f"{'right or wrong, ' if binary else ''}{better} is better"
    is_right = METRICS[found].kind == "proportion"
    answers = []
    for sheet, one in zip(sheets, values, strict=True):
        ones = np.ones(len(one), dtype=np.int64)
        right = one.astype(np.int64) if is_right else ones
        answers.append(Answers(sheet.ids, ones, right, scores={found: one}))
    return Answered(
        tuple(answers),
        (found,),
        (),
        (f"Each example is scored by {by}: {how}; its mean is called {found}.",),
    )


def _refuse_fractions(metric: str, sheets: Sequence[Sheet]) -> str:
    for sheet in sheets:
        for id, value in zip(sheet.ids, sheet.scores or (), strict=True):
            if value not in RIGHT:
                message = (
                    f"{metric} counts what is right (1) or wrong (0); example '{id}' has "
                    f"{value:g}. For a mean of scores: --metric {GIVEN}"
                )
                raise InputError([Problem(sheet.place, message)])
    return metric


def _texts(sheets: Sequence[Sheet], metric: str | None) -> Answered:
    answers = []
    for sheet in sheets:
        references = tuple(
            tuple(map(_as_text, label)) if isinstance(label, list | tuple) else (_as_text(label),)
            for label in sheet.labels or ()
        )
        written = tuple(_as_text(one) for one in sheet.predictions or ())
        pairs = list(zip(written, references, strict=True))
        scores = {
            "exact_match": np.array([exact_match(*pair) for pair in pairs]),
            "f1": np.array([f1(*pair) for pair in pairs]),
        }
        answers.append(
            Answers(
                sheet.ids,
                np.ones(len(pairs), dtype=np.int64),
                scores["exact_match"].astype(np.int64),
                scores=scores,
                written=written,
                references=references,
            )
        )
    metrics = WRITTEN if metric != "f1" else ("f1", "exact_match")
    assumed = "Predictions are texts, compared with their references as SQuAD does."
    return Answered(tuple(answers), metrics, (), (assumed,))


def _as_text(value: Any) -> str:
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else spelling(value)


def _classes(sheets: Sequence[Sheet], metric: str | None) -> Answered:
    """Classes are the labels of all files; a prediction that is none of them is wrong."""
    if unlabeled := [problem for sheet in sheets for problem in _without_label(sheet)]:
        raise InputError(unlabeled)
    spelled = [[spelling(label) for label in sheet.labels or ()] for sheet in sheets]
    names = sorted({name for own in spelled for name in own}, key=_numbers_first)
    known = {name: place for place, name in enumerate(names)}
    problems, answers, strangers, unread = [], [], 0, 0
    probable = [_probabilities(sheet, names) for sheet in sheets]
    everywhere = all(one is not None for one in probable)
    for sheet, right, probabilities in zip(sheets, spelled, probable, strict=True):
        predicted = [spelling(one) for one in sheet.predictions or ()]
        outside = [name for name in predicted if name not in known]
        strangers += len(outside)
        unread += sheet.probabilities is not None and probabilities is None
        if len(outside) == len(predicted):
            message = (
                "no prediction is one of the labels (predictions: "
                f"{first_of(sorted(set(outside)))}; labels: {first_of(names)}). Write both in the "
                "same way; for texts that are compared as SQuAD does: --metric exact_match"
            )
            problems.append(Problem(sheet.place, message))
        labels = np.array([known[name] for name in right], dtype=np.int32)
        choices = np.array([known.get(name, len(names)) for name in predicted], dtype=np.int32)
        answers.append(Answers(sheet.ids, labels, choices, probabilities if everywhere else None))
    if problems:
        raise InputError(problems)
    if metric == "loss" and not everywhere:
        raise InputError("metric = loss: it needs the probabilities of the classes in every file.")
    metrics = dict.fromkeys([*([metric] if metric else ()), *CHOSEN])
    if everywhere:
        metrics["loss"] = None
    several = "class" if len(names) == 1 else "classes"
    assumed = [f"{len(names)} {several}: {listed([f'“{name}”' for name in names], most=8)}."]
    if strangers:
        words = f"{plural(strangers, 'prediction')} of all runs {'is' if strangers == 1 else 'are'}"
        assumed.append(f"{words} none of the classes, and count{'s' * (strangers == 1)} as wrong.")
    if unread:
        assumed.append(
            "Probabilities are not used: they do not sum to 1, or it is not clear which class each "
            "belongs to."
        )
    options = (*names, OTHER) if strangers else tuple(names)
    if everywhere and strangers:
        answers = [
            replace(one, probabilities=np.pad(np.asarray(one.probabilities), [(0, 0), (0, 1)]))
            for one in answers  # with a last column for what is none of the classes
        ]
    return Answered(tuple(answers), tuple(metrics), options, tuple(assumed))


def _without_label(sheet: Sheet) -> list[Problem]:
    """An empty text may be what somebody wrote; it is no class."""
    empty = [id for id, label in zip(sheet.ids, sheet.labels or (), strict=True) if label == ""]
    message = f"{plural(len(empty), 'example')} without a label ({first_of(empty)})."
    return [Problem(sheet.place, message)] if empty else []


def _numbers_first(name: str) -> tuple[int, float, str]:
    try:
        return 0, float(name), name
    except ValueError:
        return 1, 0.0, name


def _probabilities(sheet: Sheet, names: Sequence[str]) -> FloatArray | None:
    """In the order of the classes; a list has it only where these are the numbers 0, 1, ..."""
    if sheet.probabilities is None:
        return None
    numbered = list(names) == [str(number) for number in range(len(names))]
    rows = []
    for given in sheet.probabilities:
        if isinstance(given, Mapping):
            by_name = {spelling(name): value for name, value in given.items()}
            row = [by_name.get(name) for name in names]
        elif isinstance(given, Sequence) and not isinstance(given, str) and numbered:
            row = list(given)
        else:
            return None
        chances = [float(one) for one in row if isinstance(one, int | float) and 0 <= one <= 1]
        if not len(chances) == len(row) == len(names) or abs(sum(chances) - 1) > ROUNDED:
            return None
        rows.append(chances)
    return np.array(rows)
