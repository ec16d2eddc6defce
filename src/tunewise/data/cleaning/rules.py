"""What a study file says about cleaning. Plain values only; nothing is cleaned here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tunewise.core.errors import SettingError, nearest
from tunewise.core.settings import setting

_CHOICES = {
    "markup": ("keep", "strip"),
    "empty": ("keep", "drop"),
    "duplicates": ("keep", "drop"),
    "near_duplicates": ("keep", "group", "drop"),
}


@dataclass(frozen=True)
class CleanRules:
    """What is removed or rewritten before the data is cut into splits; each step is counted.

    A step that is not named does nothing. They are taken in this order.
    """

    markup: Literal["keep", "strip"] = setting(
        "keep", "strip takes HTML out of texts, also out of those that `predict` answers."
    )
    labels: dict[str, str | None] | None = setting(
        None,
        "Spellings of labels in the data, each with the class it means; null: the row has none.",
    )
    empty: Literal["keep", "drop"] = setting(
        "keep", "drop removes rows without a text or without a label."
    )
    duplicates: Literal["keep", "drop"] = setting(
        "keep",
        "drop keeps one row of those whose texts differ at most by case, punctuation and blanks.",
    )
    near_duplicates: Literal["keep", "group", "drop"] = setting(
        "keep",
        "group never lets rows with nearly equal texts stand in two splits; drop also keeps only "
        "one of them for each label.",
    )
    min_examples: int = setting(
        1, "Rows of train that a class must have; the rows of smaller classes are removed."
    )

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise SettingError(name, value, f"one of these. {nearest(str(value), known)}")
        wrong = isinstance(self.min_examples, bool) or not isinstance(self.min_examples, int)
        if wrong or self.min_examples < 1:
            right = "a whole number of rows from 1 up."
            raise SettingError("min_examples", self.min_examples, right)
        labels = self.labels or {}
        for found, meant in labels.items():
            if meant is None:
                continue
            if not isinstance(meant, str) or not meant.strip():
                right = 'the class that is meant, as text in quotes: {"billing ": "Billing"}.'
                raise SettingError("labels", meant, right, within=(found,))
            if labels.get(meant, meant) != meant:
                right = f"a class that stays, and '{meant}' is itself rewritten."
                raise SettingError("labels", meant, right, within=(found,))
