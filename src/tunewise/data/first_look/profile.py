"""What a person should see of data before anything is trained: numbers for one screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tunewise.core.canonical import JSONObject
from tunewise.data.audit.leakage import text_keys
from tunewise.data.first_look.portrait import Portrait, words_in
from tunewise.data.settings import SplitRule
from tunewise.data.splits import apply_rule
from tunewise.data.table import Splits


@dataclass(frozen=True)
class Profile:
    """Columns and rows as the data has them, and classes and lengths as the study will.

    `shared` is, for validation and test, the fraction of the rows whose text train would have too
    if nothing were cleaned; `cleaned` what cleaning does, as the study stores it.
    """

    rows: Mapping[str, int]  # by split, as read
    columns: tuple[Portrait, ...]
    roles: Mapping[str, str] = field(default_factory=dict)  # of a column: text, label, group
    classes: Mapping[str, int] = field(default_factory=dict)  # rows of all splits, the most first
    words: tuple[int, int, int] = (0, 0, 0)  # of a row's texts: median, 95 %, most
    shared: Mapping[str, float] = field(default_factory=dict)
    cleaned: JSONObject | None = None
    notes: tuple[str, ...] = ()  # how the file was read
    languages: Mapping[str, float] = field(default_factory=dict)  # fractions of the texts


def word_counts(splits: Splits, texts: Sequence[str]) -> tuple[int, int, int]:
    """Median, 95 % quantile and largest number of words of a row's texts."""
    counts = [
        sum(words_in(row[column]) for column in texts if isinstance(row.get(column), str))
        for rows in splits.values()
        for row in rows
    ]
    middle, high, most = np.quantile(counts, (0.5, 0.95, 1.0), method="nearest")
    return int(middle), int(high), int(most)


def class_counts(counts: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """The rows of each class over all splits, the most first."""
    total: Counter[str] = Counter()
    for part in counts.values():
        total.update(part)
    return dict(total.most_common())


def shared_uncleaned(
    splits: Splits, rule: SplitRule | None, texts: Sequence[str], label: str
) -> dict[str, float]:
    """How much of validation and test would stand in train too, were nothing cleaned."""
    cut = apply_rule(splits, rule, label=label)[0] if rule else splits
    keys = text_keys(cut, texts)
    known = set(keys.get("train", []))
    return {
        name: sum(key in known and any(key) for key in keys[name]) / len(keys[name])
        for name in ("validation", "test")
        if keys.get(name)
    }
