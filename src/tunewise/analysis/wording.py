"""Numbers and names as people read them, the same in the terminal, on the page and in tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tunewise.core.canonical import Settings
from tunewise.core.format import gap, is_fraction, percent, probability
from tunewise.core.sanitize import shown

METRIC_NAMES = {
    "accuracy": "Accuracy",
    "f1_macro": "Macro F1",
    "f1_weighted": "Weighted F1",
    "f1_micro": "Micro F1",
    "balanced_accuracy": "Balanced accuracy",
    "matthews": "Matthews correlation",
    "exact_match": "Exact match",
    "f1": "F1",
    "normalized_match": "Normalized match",
    "well_formed": "Well formed",
    "ended_itself": "Ended by itself",
    "answer_characters": "Characters",
    "bits_per_byte": "Bits per byte",
    "loss": "Loss",
    "score": "Score",
}


def metric_name(metric: str) -> str:
    """A metric's name for people; unknown ones keep theirs.

    >>> metric_name("f1_macro")
    'Macro F1'
    """
    return METRIC_NAMES.get(metric, metric)


def metric_words(metric: str) -> str:
    """A metric's name inside a sentence.

    >>> metric_words("f1_macro"), metric_words("accuracy")
    ('macro F1', 'accuracy')
    """
    return metric_name(metric).lower().replace("f1", "F1")


def split_name(split: str) -> str:
    """A split as a sentence speaks of it.

    >>> split_name("test")
    'the test split'
    """
    return f"the {split} split"


def standing_words(standing: str) -> str:
    """Where a row stands, for people.

    >>> standing_words("not-shown-over-seeds")
    'not shown over seeds'
    """
    return standing.replace("-", " ")


def fraction(value: float | None) -> str:
    """A fraction in percent with two digits that matter.

    >>> fraction(1.0), fraction(0.0159), fraction(12.34), fraction(None)
    ('100 %', '1.6 %', '1234 %', '–')
    """
    if value is None:
        return "–"
    return f"{100 * value:.0f} %" if value >= 0.0995 else f"{100 * value:.2g} %"


def gap_unit(metric: str) -> str:
    """What follows a `gap` in a sentence.

    >>> gap_unit("accuracy"), gap_unit("loss"), gap_unit("matthews")
    ('points', 'nats', 'of Matthews correlation')
    """
    if is_fraction(metric):
        return "points"
    units = {
        "loss": "nats",
        "score": "of score",
        "bits_per_byte": "bits per byte",
        "answer_characters": "characters",
    }
    return units.get(metric, f"of {metric_name(metric)}")


def score_words(metric: str, value: float) -> str:
    """A score inside a sentence, after "with".

    >>> score_words("accuracy", 0.5834), score_words("loss", 0.9316)
    ('58.3 % accuracy', 'a loss of 0.932')
    """
    if is_fraction(metric):
        return f"{percent(value)} % {metric_words(metric)}"
    if metric == "bits_per_byte":
        return f"{value:.3f} bits per byte"
    return f"a {metric_name(metric) if metric == 'matthews' else metric} of {value:.3f}"


def setting_name(path: str) -> str:
    """A setting's own name, without what it belongs to."""
    return path.rpartition(".")[2]


def setting_words(path: str) -> str:
    """A setting's path as a sentence says it.

    >>> [setting_words(path) for path in ("training.learning_rate", "method.rank", "model")]
    ['learning rate', 'rank', 'model']
    """
    return setting_name(path).replace("_", " ")


def value_words(value: Any) -> str:
    """A setting's value in a sentence.

    >>> value_words(None), value_words(1e-05), value_words(True), value_words(["a", "b"])
    ('none', '1e-05', 'true', '[a, b]')
    >>> value_words({"name": "cosine", "cycles": None})
    'name cosine, cycles none'
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return ", ".join(f"{shown(str(key))} {value_words(one)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(value_words(example) for example in value)}]"
    return shown(str(value))


def point_words(values: Settings) -> str:
    """The values of a search point in one line.

    >>> point_words({"training.learning_rate": 1e-4, "method.rank": 8})
    'training.learning_rate = 0.0001, method.rank = 8'
    """
    return ", ".join(f"{key} = {value_words(value)}" for key, value in values.items())


def p_words(p: float | None) -> str:
    """A p value behind its letter.

    >>> p_words(0.0312), p_words(1e-9), p_words(None)
    ('p = 0.031', 'p < 0.001', 'p = –')
    """
    text = probability(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def between(metric: str, ends: Iterable[float]) -> str:
    """From one difference of scores to another.

    >>> between("accuracy", (-0.013, 0.025))
    '−1.3 to +2.5'
    """
    return " to ".join(gap(metric, end) for end in ends)
