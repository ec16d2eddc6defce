"""Numbers and names as people read them, the same in the terminal, on the page and in tables."""

from __future__ import annotations

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


def percent(share: float | None, *, digits: int = 1) -> str:
    """A fraction in percent, without the sign, as columns of a table say it once.

    >>> percent(0.5834), percent(None)
    ('58.3', '–')
    """
    return "–" if share is None else f"{round(100 * share, 9):.{digits}f}"


def points(difference: float) -> str:
    """A difference of fractions in percentage points, with its sign.

    What floating point adds in the sixteenth digit must not decide how a half is rounded.

    >>> points(-0.021), points(0.02749999999999997)
    ('−2.1', '+2.8')
    """
    return f"{round(100 * difference, 9):+.1f}".replace("-", "−")


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


def probability(p: float | None) -> str:
    """A p value: three digits, or that it is smaller.

    >>> probability(0.1519), probability(2e-9), probability(None)
    ('0.152', '< 0.001', '–')
    """
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def count(number: int | None) -> str:
    """A number of parameters, short.

    >>> count(1925), count(296837), count(22715141), count(None)
    ('1,925', '297 k', '22.7 M', '–')
    """
    if number is None:
        return "–"
    if number < 10_000:
        return f"{number:,}"
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{_three_digits(number / size)} {unit}"
    return str(number)


def _three_digits(number: float) -> str:
    return f"{number:#.3g}".rstrip(".")


def duration(seconds: float | None) -> str:
    """A time in the unit that suits it.

    >>> duration(0.42), duration(131), duration(7300), duration(None)
    ('0.4 s', '2 min 11 s', '2 h 1 min', '–')
    """
    if seconds is None:
        return "–"
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{int(seconds) // 60} min {int(seconds) % 60} s"
    return f"{int(seconds) // 3600} h {int(seconds) % 3600 // 60} min"


def milliseconds(seconds: float | None) -> str:
    """A short time in thousandths of a second, without the unit.

    >>> milliseconds(1.1), milliseconds(0.01234), milliseconds(None)
    ('1,100', '12.3', '–')
    """
    if seconds is None:
        return "–"
    return f"{1000 * seconds:,.0f}" if seconds >= 0.1 else f"{1000 * seconds:.3g}"


def size(count_of_bytes: int | None) -> str:
    """A number of bytes, short.

    >>> size(180), size(9100), size(90_860_000), size(None)
    ('180 B', '9.10 kB', '90.9 MB', '–')
    """
    if count_of_bytes is None:
        return "–"
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count_of_bytes >= scale:
            return f"{_three_digits(count_of_bytes / scale)} {unit}"
    return f"{count_of_bytes} B"


def interval_said(interval: tuple[float, float] | None) -> str:
    """An interval of a difference in points; a dash where there is none.

    >>> interval_said((-0.013, 0.025)), interval_said(None)
    ('−1.3 to +2.5', '–')
    """
    return "–" if interval is None else " to ".join(points(end) for end in interval)


def setting_said(path: str) -> str:
    """A setting's path as a sentence says it.

    >>> setting_said("training.learning_rate"), setting_said("method.rank"), setting_said("model")
    ('learning rate', 'rank', 'model')
    """
    return path.rpartition(".")[2].replace("_", " ")


def listed(names: list[str], *, most: int = 4) -> str:
    """Names as a sentence lists them; of many only the first.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    >>> listed(["a", "b", "c", "d", "e", "f"])
    'a, b, c and 3 more'
    """
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
