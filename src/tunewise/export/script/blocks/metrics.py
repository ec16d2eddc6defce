"""What the answers are worth."""

from __future__ import annotations

import json
import math
import re
import string
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jsonschema import Draft202012Validator
from numpy.typing import NDArray

from tunewise.export.script.blocks.constants import JSON_SCHEMA, LABELS, PATTERN
from tunewise.export.script.blocks.decided import HAS_PATTERN, IS_JSON, METRICS
from tunewise.export.script.blocks.files import Row, report, write_predictions

Scores = dict[str, float | None]


def evaluate_splits(
    splits: dict[str, list[Row]],
    predict_rows: Callable[[list[Row]], list[Row]],
    output: Path,
) -> dict[str, Scores]:
    """The scores of every split but train, whose predictions are written."""
    results = {}
    for split in [name for name in splits if name != "train"]:
        predictions = predict_rows(splits[split])
        write_predictions(output / f"predictions_{split}.jsonl", predictions)
        results[split] = compute_metrics(predictions)
        report(split, results[split])
    return results


def compute_metrics(predictions: list[Row]) -> Scores:
    """The task's metrics and the mean loss in nats; None where a metric is not defined."""
    labels = np.array([LABELS.index(row["label"]) for row in predictions])
    chosen = np.array([LABELS.index(row["prediction"]) for row in predictions])
    probabilities = np.array([row["probabilities"] for row in predictions])
    scores: Scores = {}
    if "accuracy" in METRICS:
        scores["accuracy"] = float((labels == chosen).mean())
    if "f1_micro" in METRICS:
        scores["f1_micro"] = float((labels == chosen).mean())  # one label and one choice each
    if "f1_macro" in METRICS:
        scores["f1_macro"] = f1_macro(labels, chosen)
    if "f1_weighted" in METRICS:
        scores["f1_weighted"] = f1_weighted(labels, chosen)
    if "balanced_accuracy" in METRICS:
        scores["balanced_accuracy"] = balanced_accuracy(labels, chosen)
    if "matthews" in METRICS:
        scores["matthews"] = matthews(labels, chosen)
    right = probabilities[np.arange(len(labels)), labels]
    scores["loss"] = float(-np.log(np.clip(right, np.finfo(np.float64).eps, 1)).mean())
    return scores


Ints = NDArray[np.int64]


def counts(labels: Ints, chosen: Ints) -> tuple[Ints, Ints, Ints]:
    """For each class: how often it was right, is the label, and was chosen."""
    classes = range(len(LABELS))
    return (
        np.array([((labels == one) & (chosen == one)).sum() for one in classes]),
        np.array([(labels == one).sum() for one in classes]),
        np.array([(chosen == one).sum() for one in classes]),
    )


def f1_macro(labels: Ints, chosen: Ints) -> float | None:
    """The mean F1 over the classes that occur; None where all examples have one label."""
    hits, support, called = counts(labels, chosen)
    occurs = support + called > 0
    if (support > 0).sum() < 2:
        return None
    return float((2 * hits[occurs] / (support + called)[occurs]).mean())


def f1_weighted(labels: Ints, chosen: Ints) -> float | None:
    """The mean F1 over the classes, by how often each is the label."""
    hits, support, called = counts(labels, chosen)
    real = support > 0
    if real.sum() < 2:
        return None
    f1 = 2 * hits[real] / (support + called)[real]
    return float((f1 * support[real]).sum() / support.sum())


def balanced_accuracy(labels: Ints, chosen: Ints) -> float | None:
    """The mean recall over the classes that are labels."""
    hits, support, _ = counts(labels, chosen)
    real = support > 0
    return float((hits[real] / support[real]).mean()) if real.sum() > 1 else None


def matthews(labels: Ints, chosen: Ints) -> float | None:
    """The correlation of labels and choices."""
    hits, support, called = counts(labels, chosen)
    n = len(labels)
    covariance = hits.sum() * n - (support * called).sum()
    spread = float(n**2 - (support**2).sum()) * float(n**2 - (called**2).sum())
    return float(covariance / np.sqrt(spread)) if spread > 0 else None


def compute_squad_metrics(predictions: list[Row]) -> Scores:
    """SQuAD's exact match and F1 of the answers that count, and the loss per token in nats."""
    answers = [(row["prediction"], row["references"] or [""]) for row in predictions]
    scores: Scores = {}
    if "f1" in METRICS:
        f1 = [max(f1_score(answer, one) for one in right) for answer, right in answers]
        scores["f1"] = sum(f1) / len(f1)
    if "exact_match" in METRICS:
        exact = [any(exact_match(answer, one) for one in right) for answer, right in answers]
        scores["exact_match"] = sum(exact) / len(exact)
    tokens = sum(row["tokens"] for row in predictions)
    scores["loss"] = sum(row["loss"] for row in predictions) / tokens if tokens else None
    return scores


def normalize_answer(answer: str) -> str:
    """Without case, ASCII punctuation, articles and extra blanks, as SQuAD's own script."""
    plain = answer.lower().translate(str.maketrans("", "", string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", plain).split())


def exact_match(answer: str, reference: str) -> bool:
    return normalize_answer(answer) == normalize_answer(reference)


def f1_score(answer: str, reference: str) -> float:
    """The overlap of words: the harmonic mean of precision and recall."""
    words, right = normalize_answer(answer).split(), normalize_answer(reference).split()
    common = sum((Counter(words) & Counter(right)).values())
    if not words or not right or not common:
        return float(words == right)
    precision, recall = common / len(words), common / len(right)
    return 2 * precision * recall / (precision + recall)


def compute_chat_metrics(predictions: list[Row]) -> Scores:
    """The scores of the answers, None where none was written; the loss is per token, in nats."""
    said = [row for row in predictions if row["prediction"] is not None]
    pairs = [(row["prediction"], row["references"][0]) for row in said]
    nats, tokens = (sum(row[name] for row in predictions) for name in ("loss", "tokens"))
    scores: Scores = {}
    if "bits_per_byte" in METRICS:
        # The bits that the right answer and its end take, by the bytes of its text: comparable
        # between models whose tokens differ.
        texts = [row["references"][0].encode(errors="replace") for row in predictions]
        known = all(row["tokens"] for row in predictions)
        scores["bits_per_byte"] = nats / math.log(2) / sum(map(len, texts)) if known else None
    if "exact_match" in METRICS:
        scores["exact_match"] = mean([one.strip() == other.strip() for one, other in pairs])
    if "normalized_match" in METRICS:
        scores["normalized_match"] = mean([exact_match(*pair) for pair in pairs])
    if "f1" in METRICS:
        scores["f1"] = mean([f1_score(*pair) for pair in pairs])
    if "well_formed" in METRICS:
        scores["well_formed"] = mean([is_well_formed(answer) for answer, _ in pairs])
    if "ended_itself" in METRICS:
        scores["ended_itself"] = mean([row["ended_itself"] for row in said])
    if "answer_characters" in METRICS:
        scores["answer_characters"] = mean([len(answer) for answer, _ in pairs])
    scores["loss"] = nats / tokens if tokens else None
    return scores


def mean(values: list[Any]) -> float | None:
    return sum(map(float, values)) / len(values) if values else None


def is_well_formed(answer: str) -> bool:
    """Whether the whole answer is what it should be."""
    text = answer.strip()
    if HAS_PATTERN:
        if not re.fullmatch(PATTERN, text, re.DOTALL):
            return False
    if IS_JSON:
        try:
            value = json.loads(text, parse_constant=no_constant)
        except (ValueError, RecursionError):
            return False
        return bool(Draft202012Validator(JSON_SCHEMA).is_valid(value))
    else:
        return True


def no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
