"""Numbers, times, sizes and lists as people read them: the only place where they become text."""

from __future__ import annotations

from collections.abc import Sequence

# metrics; all others are fractions, and read in percent
NO_FRACTIONS = {"loss", "matthews", "score", "bits_per_byte", "answer_characters"}


def percent(fraction: float | None, *, digits: int = 1) -> str:
    """A fraction in percent, without the sign, as columns of a table say it once.

    >>> percent(0.5834), percent(None)
    ('58.3', '–')
    """
    return "–" if fraction is None else f"{round(100 * fraction, 9):.{digits}f}"


def points(difference: float) -> str:
    """A difference of fractions in percentage points, with its sign.

    >>> points(-0.021), points(0.02749999999999997), points(-1e-17)
    ('−2.1', '+2.8', '+0.0')
    """
    return signed(100 * difference, digits=1)


def signed(number: float, *, digits: int) -> str:
    """A number with its sign.

    What floating point adds in the sixteenth digit decides neither how a half is rounded nor the
    sign of zero.

    >>> signed(-0.0625, digits=3), signed(-1e-17, digits=3)
    ('−0.062', '+0.000')
    """
    return f"{round(number, 9) + 0.0:+.{digits}f}".replace("-", "−")


def is_fraction(metric: str) -> bool:
    """Whether people read a metric in percent."""
    return metric not in NO_FRACTIONS


def score(metric: str, value: float | None) -> str:
    """A score without its unit: in percent, or of what is no fraction as it stands.

    >>> score("accuracy", 0.5834), score("loss", 0.9316), score("f1", None)
    ('58.3', '0.932', '–')
    """
    return percent(value) if value is None or is_fraction(metric) else f"{value:.3f}"


def with_unit(metric: str, value: float) -> str:
    """A score with its unit.

    >>> with_unit("accuracy", 0.5834), with_unit("loss", 0.9316)
    ('58.3 %', '0.932')
    """
    return f"{score(metric, value)}{' %' if is_fraction(metric) else ''}"


def gap(metric: str, difference: float) -> str:
    """A difference of scores: in points, or of what is no fraction as it stands.

    >>> gap("accuracy", 0.021), gap("loss", -0.0312)
    ('+2.1', '−0.031')
    """
    return points(difference) if is_fraction(metric) else signed(difference, digits=3)


def interval(ends: tuple[float, float] | None) -> str:
    """An interval of a difference in points; a dash where there is none.

    >>> interval((-0.013, 0.025)), interval(None)
    ('−1.3 to +2.5', '–')
    """
    return "–" if ends is None else " to ".join(points(end) for end in ends)


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
    """A time in the unit that suits it, in at most ten letters.

    >>> duration(0.42), duration(131), duration(300), duration(2400), duration(7300)
    ('0.4 s', '2 min 11 s', '5 min', '40 min', '2 h 1 min')
    >>> duration(None)
    '–'
    >>> duration(100_000)
    '27.8 h'
    """
    if seconds is None:
        return "–"
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, hours = int(seconds) // 60, int(seconds) // 3600
    if seconds < 600 and int(seconds) % 60:
        return f"{minutes} min {int(seconds) % 60} s"
    if seconds < 6000:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if hours < 10 else f"{_three_digits(seconds / 3600)} h"


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
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count_of_bytes >= scale:
            return f"{_three_digits(count_of_bytes / scale)} {unit}"
    return f"{count_of_bytes} B"


def listed(names: Sequence[str], *, most: int = 4) -> str:
    """Names as a sentence lists them; of many only the first.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    >>> listed(["a", "b", "c", "d", "e", "f"])
    'a, b, c and 3 more'
    """
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def first_of(names: Sequence[str], most: int = 3) -> str:
    """The first few names and how many more there are.

    >>> first_of(["a:1", "a:2", "a:5", "a:9", "a:11"])
    'a:1, a:2, a:5 and 2 more'
    """
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def plural(number: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "row"), plural(12345, "row")
    ('1 row', '12,345 rows')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
