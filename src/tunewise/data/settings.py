"""What a study file says about its data. Plain values only; nothing is read here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tunewise.core.errors import SettingError, nearest, unknown
from tunewise.core.settings import setting
from tunewise.data.cleaning.rules import CleanRules
from tunewise.data.table import SPLITS

Size = int | float | Literal["rest"]
"""Rows as a whole number, a fraction of all rows, or whatever is left."""


@dataclass(frozen=True)
class SplitRule:
    """How one split is cut into several, the same way every time.

    Parts that are not named stay as the data has them; the split that is cut keeps what nobody
    else takes. `group` names a column whose values never stand in two parts; `stratify` keeps the
    fractions of the labels.

    >>> SplitRule(validation=0.1, test=500).sizes
    {'train': 'rest', 'validation': 0.1, 'test': 500}
    """

    from_: str = setting("train", "The split that is cut. A data set of one file is all `train`.")
    train: Size | None = setting(None, "Rows of train: a number, a fraction, or the rest.")
    validation: Size | None = setting(
        None, "Rows of validation: a number, a fraction, or the rest."
    )
    test: Size | None = setting(None, "Rows of test: a number, a fraction, or the rest.")
    seed: int = setting(0, "Of the random assignment of rows to splits.")
    group: str | None = setting(None, "A column whose values never stand in two splits.")
    stratify: bool = setting(True, "Keep the label distribution in every split.")

    def __post_init__(self) -> None:
        if self.from_ not in SPLITS:
            right = f"the split to cut. {nearest(self.from_, SPLITS)}"
            raise SettingError("from", self.from_, right)
        given = {name: getattr(self, name) for name in SPLITS if getattr(self, name) is not None}
        if not set(given) - {self.from_}:
            raise ValueError(
                f"names no part to cut from '{self.from_}': for example {{validation: 0.1}}."
            )
        for name, size in given.items():
            rows = isinstance(size, int) and not isinstance(size, bool) and size >= 1
            fraction = isinstance(size, float) and 0 < size < 1
            if not (rows or fraction or size == "rest"):
                right = (
                    "a whole number of rows from 1 up, a fraction between 0 and 1 (0.1), or rest."
                )
                raise SettingError(name, size, right)
        if sum(size == "rest" for size in given.values()) > 1:
            raise ValueError(f"{' and '.join(given)} both take the rest: only one part can.")
        fractions = {name: size for name, size in given.items() if isinstance(size, float)}
        if sum(fractions.values()) > 1 + 1e-9:
            raise ValueError(
                f"{' + '.join(map(str, fractions.values()))} = {sum(fractions.values()):g}: "
                "the fractions of all rows may not exceed 1."
            )
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise SettingError("seed", self.seed, "a whole number from 0 up.")
        if self.group == "":
            raise SettingError("group", self.group, "the name of a column.")

    @property
    def sizes(self) -> dict[str, Size]:
        """The size of every part, the cut split included, in the order train to test."""
        sizes: dict[str, Size] = {}
        for name in SPLITS:
            size: Size | None = getattr(self, name)
            if size is not None:
                sizes[name] = size
            elif name == self.from_ and "rest" not in (self.train, self.validation, self.test):
                sizes[name] = "rest"
        return sizes


@dataclass(frozen=True)
class DataSettings:
    """Where the examples come from.

    `source` is a hub id, a folder, a file or ``embedded:<name>``. `files` says which file (inside
    the folder, if there is a `source`; else beside the study file) or which split of a hub data
    set serves as train, validation and test. `columns` renames: ours to theirs.
    """

    source: str | None = setting(None, "A hub id, a folder, a file, or embedded:reviews.")
    files: dict[str, str] | None = setting(
        None, "The file, or the split of a hub data set, that serves as train, validation and test."
    )
    config: str | None = setting(None, "Configuration (subset) of a data set on the hub.")
    revision: str | None = setting(None, "Branch, tag or commit of a data set on the hub.")
    split: SplitRule | None = setting(None, "How one split is cut into several.")
    limit: int | dict[str, int] | None = setting(
        None, "Rows that are read of every split, or of each named one."
    )
    columns: dict[str, str] | None = setting(None, "Other names for columns: ours to theirs.")
    sheet: str | None = setting(None, "The sheet of a workbook; needed where it has several.")
    combine: dict[str, list[str]] | None = setting(
        None, "A column to be made, with the columns it is made of: one text with named fields."
    )
    clean: CleanRules | None = setting(
        None, "What is removed or rewritten before splitting; each step is counted and listed."
    )
    on_missing_label: Literal["error", "drop"] = setting(
        "error", "What to do with a row without a label."
    )
    on_unseen_label: Literal["error", "drop"] = setting(
        "error", "What to do with a label that the training split lacks."
    )
    on_too_long: Literal["error", "drop"] = setting(
        "error",
        "What to do with a conversation of validation or test whose last question does not fit a "
        "model with room for an answer; drop leaves it out for every contender.",
    )

    def __post_init__(self) -> None:
        if not self.source and not self.files:
            raise ValueError(
                "needs a source (a hub id, a folder, a file, or embedded:reviews) or files "
                "({train: a.jsonl, validation: b.csv})."
            )
        for name in self.files or {}:
            if name not in SPLITS:
                raise SettingError("files", self.files, unknown("split", name, SPLITS))
        limits = self.limit if isinstance(self.limit, dict) else {"": self.limit}
        for name, number in limits.items():
            if name and name not in SPLITS:
                raise SettingError("limit", self.limit, unknown("split", name, SPLITS))
            if number is None and not name:
                continue
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                right = "a whole number of rows from 1 up."
                raise SettingError("limit", number, right, within=(name,) if name else ())
        _check_columns(self.columns or {})
        _check_combine(self.combine or {})
        for name in ("on_missing_label", "on_unseen_label", "on_too_long"):
            if getattr(self, name) not in ("error", "drop"):
                raise SettingError(name, getattr(self, name), "either error or drop.")
        if not self.source and (self.config or self.revision):
            raise ValueError("config and revision belong to a hub id, and there is no source.")


def _check_combine(combine: dict[str, list[str]]) -> None:
    for made, fields in combine.items():
        listed = isinstance(fields, (list, tuple)) and all(isinstance(one, str) for one in fields)
        if not listed or len(set(fields)) < len(fields) or len(fields) < 2:
            right = "a list of two columns or more, each once: {text: [subject, body]}."
            raise SettingError("combine", fields, right, within=(made,))
        if made in fields:
            right = f"columns other than '{made}', which is what they make."
            raise SettingError("combine", fields, right, within=(made,))


def _check_columns(columns: dict[str, str]) -> None:
    for ours, theirs in columns.items():
        if not isinstance(theirs, str) or not theirs:
            right = "the name of a column in the data."
            raise SettingError("columns", theirs, right, within=(ours,))
    taken: dict[str, str] = {}
    for ours, theirs in columns.items():
        if theirs in taken:
            right = f"{ours} and {taken[theirs]} are both '{theirs}', and a column has one name."
            raise SettingError("columns", columns, right)
        taken[theirs] = ours
