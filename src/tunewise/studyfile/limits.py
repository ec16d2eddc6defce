"""Limits that a recommended contender has to keep, with their units."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from tunewise.core.errors import SettingError, nearest
from tunewise.core.settings import setting
from tunewise.core.units import UNITS

_QUANTITY = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*([A-Za-zµ]*)\s*")
SECONDS = {
    "ms": 1e-3,
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}
MEASURES: dict[str, Mapping[str, float]] = {
    "memory": UNITS,
    "artefact": UNITS,
    "time": SECONDS,
    "latency": SECONDS,
}
EXAMPLES = {"memory": "8 GB", "artefact": "20 MB", "time": "10 min", "latency": "5 ms"}


@dataclass(frozen=True)
class Limits:
    """What the recommended contender may need at most, and must reach at least."""

    memory: str | int | float | None = setting(
        None, "Largest peak memory of a trial, such as 8 GB; a number alone is bytes."
    )
    artefact: str | int | float | None = setting(
        None, "Largest size of what is stored of it, such as 20 MB; a number alone is bytes."
    )
    time: str | int | float | None = setting(
        None, "Longest time of a trial, such as 10 min; a number alone is seconds."
    )
    latency: str | int | float | None = setting(
        None,
        "Longest time of one answer, such as 5 ms: the median, one example at a time; a number "
        "alone is seconds.",
    )
    parameters: int | None = setting(None, "Most trainable parameters.")
    accuracy: float | None = setting(None, "Least accuracy, as a fraction.")
    balanced_accuracy: float | None = setting(None, "Least balanced accuracy, as a fraction.")
    f1_macro: float | None = setting(None, "Least macro F1, as a fraction.")
    f1_micro: float | None = setting(None, "Least micro F1, as a fraction.")
    f1_weighted: float | None = setting(None, "Least weighted F1, as a fraction.")
    matthews: float | None = setting(None, "Least Matthews correlation coefficient.")
    exact_match: float | None = setting(
        None, "Least exact match of generated answers, as a fraction."
    )
    f1: float | None = setting(None, "Least token F1 of generated answers, as a fraction.")
    normalized_match: float | None = setting(
        None, "Least match of generated answers without case and punctuation, as a fraction."
    )
    ended_itself: float | None = setting(
        None, "Least fraction of generated answers that end by themselves."
    )
    well_formed: float | None = setting(
        None, "Least fraction of generated answers that fit the task's schema or pattern."
    )

    def __post_init__(self) -> None:
        if not self.given():
            raise ValueError("names no limit: such as {memory: 8 GB, accuracy: 0.8}.")
        if self.parameters is not None and self.parameters < 0:
            raise SettingError("parameters", self.parameters, "a whole number from 0 up.")
        for name in METRIC_LIMITS:
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise SettingError(name, value, "a fraction from 0 to 1, such as 0.8.")

    def given(self) -> dict[str, float]:
        """Every limit that was given: bytes, seconds, counts and fractions."""
        found: dict[str, float] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                units = MEASURES.get(field.name)
                found[field.name] = value if units is None else quantity(field.name, value)
        return found


METRIC_LIMITS = tuple(
    field.name for field in fields(Limits) if field.name not in {*MEASURES, "parameters"}
)


def quantity(name: str, value: str | int | float) -> float:
    """A number with its unit, in bytes or seconds.

    >>> quantity("memory", "8 GB"), quantity("artefact", "1.5MiB"), quantity("time", "10 min")
    (8000000000.0, 1572864.0, 600.0)

    Raises:
        SettingError: no number, no such unit, or nothing above zero.
    """
    units, example = MEASURES[name], EXAMPLES[name]
    text = str(value)
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise SettingError(name, value, f"a number with its unit, such as {example}.")
    number, unit = float(match[1]), match[2]
    folded = {known.lower(): size for known, size in units.items()}
    if unit and unit.lower() not in folded:
        raise SettingError(name, value, f"unknown unit '{unit}'. {nearest(unit, units)}")
    if not unit and isinstance(value, str):
        raise SettingError(name, value, f"needs a unit, such as {example}.")
    found = number * (folded[unit.lower()] if unit else 1.0)
    if not (found > 0 and math.isfinite(found)):
        raise SettingError(name, value, f"above 0, such as {example}.")
    return found
