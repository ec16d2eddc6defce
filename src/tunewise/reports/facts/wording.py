"""Numbers and names as people read them, the same in the terminal, on the page and in tables."""

from __future__ import annotations

from tunewise.core.format import percent, points

METRIC_NAMES = {
    "accuracy": "Accuracy",
    "f1_macro": "Macro F1",
    "f1_weighted": "Weighted F1",
    "f1_micro": "Micro F1",
    "balanced_accuracy": "Balanced accuracy",
    "matthews": "Matthews correlation",
    "exact_match": "Exact match",
    "f1": "F1",
    "loss": "Loss",
}


def metric_name(metric: str) -> str:
    """A metric's name for people; unknown ones keep theirs.

    >>> metric_name("f1_macro")
    'Macro F1'
    """
    return METRIC_NAMES.get(metric, metric)


def metric_said(metric: str) -> str:
    """A metric's name inside a sentence.

    >>> metric_said("f1_macro"), metric_said("accuracy")
    ('macro F1', 'accuracy')
    """
    return metric_name(metric).lower().replace("f1", "F1")


def split_name(split: str) -> str:
    """A split as a sentence speaks of it.

    >>> split_name("test")
    'the test split'
    """
    return f"the {split} split"


def is_share(metric: str) -> bool:
    """Whether people read the metric in percent."""
    return metric not in {"loss", "matthews"}


def gap(metric: str, difference: float) -> str:
    """A difference of scores: in points, or of what is no share as it stands.

    >>> gap("accuracy", 0.021), gap("loss", -0.0312)
    ('+2.1', '−0.031')
    """
    return points(difference) if is_share(metric) else f"{difference:+.3f}".replace("-", "−")


def gap_unit(metric: str) -> str:
    """What follows a `gap` in a sentence.

    >>> gap_unit("accuracy"), gap_unit("loss"), gap_unit("matthews")
    ('points', 'nats', 'of Matthews correlation')
    """
    if is_share(metric):
        return "points"
    return "nats" if metric == "loss" else f"of {metric_name(metric)}"


def score_said(metric: str, value: float) -> str:
    """A score inside a sentence, after "with".

    >>> score_said("accuracy", 0.5834), score_said("loss", 0.9316)
    ('58.3 % accuracy', 'a loss of 0.932')
    """
    if is_share(metric):
        return f"{percent(value)} % {metric_said(metric)}"
    return f"a {metric_name(metric) if metric == 'matthews' else metric} of {value:.3f}"


def setting_said(path: str) -> str:
    """A setting's path as a sentence says it.

    >>> setting_said("training.learning_rate"), setting_said("method.rank"), setting_said("model")
    ('learning rate', 'rank', 'model')
    """
    return path.rpartition(".")[2].replace("_", " ")
