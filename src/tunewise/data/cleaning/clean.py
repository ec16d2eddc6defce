"""Cleaning: each step takes rows out or rewrites them, and says which and why.

Rows are compared over all splits. Where equal texts stand in several, the row of the last one
stays (test before validation before train): what is scored on stays what it was, and nothing of
it is trained on.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tunewise.core.canonical import JSONObject
from tunewise.core.errors import InputError, Problem
from tunewise.core.format import first_of, listed, plural
from tunewise.data.audit.leakage import text_keys
from tunewise.data.cleaning.markup import without_markup
from tunewise.data.cleaning.near_groups import near_groups
from tunewise.data.cleaning.rules import CleanRules
from tunewise.data.labels import as_text, is_missing, spelling
from tunewise.data.table import PLACE, SPLITS, Row, Splits

STEPS = {  # what a step has removed, in words, in the order in which they are taken
    "empty": "without a text or a label",
    "duplicates": "repeating a text",
    "contradictions": "with a text that has another label elsewhere",
    "near_duplicates": "nearly repeating a text",
    "min_examples": "of a class with too few examples",
}


@dataclass(frozen=True)
class Removed:
    """A row that was taken out: by which step, and why, with the place of another row in it."""

    step: str
    split: str
    place: str
    id: str
    reason: str
    label: str
    text: str


@dataclass
class Cleaned:
    """The rows that stay, those that do not, how many were rewritten, and who stays together.

    `together` gives rows, by id, the name of their group where near duplicates are kept in one
    split; rows that stand alone are not in it.
    """

    splits: Splits
    rules: CleanRules
    removed: list[Removed] = field(default_factory=list)
    rewritten: dict[str, int] = field(default_factory=dict)
    together: dict[str, str] = field(default_factory=dict)

    def facts(self) -> JSONObject:
        """What a study stores of it; JSON values."""
        return {
            "removed": [
                {"step": step, "what": self._what(step), "rows": rows}
                for step in STEPS
                if (rows := dict(Counter(one.split for one in self.removed if one.step == step)))
            ],
            "rewritten": dict(self.rewritten),
            "kept_together": len(self.together),
            "rows": {name: len(rows) for name, rows in self.splits.items()},
        }

    def _what(self, step: str) -> str:
        """What a step left out; of classes, which."""
        if step != "min_examples":
            return STEPS[step]
        names = dict.fromkeys(one.label for one in self.removed if one.step == step)
        return f"{STEPS[step]} ({first_of([repr(name) for name in names])})"

    def notes(self) -> list[str]:
        """The same in sentences."""
        counts = Counter(one.step for one in self.removed)
        parts = [f"{counts[step]:,} {self._what(step)}" for step in STEPS if counts[step]]
        notes = []
        if parts:
            total = sum(counts.values()) + sum(map(len, self.splits.values()))
            notes.append(
                f"data.clean removed {len(self.removed):,} of {plural(total, 'row')}: "
                f"{listed(parts, most=9)}. `tunewise removed` lists them."
            )
        notes += [
            f"data.clean rewrote {plural(count, 'row')}: {what}."
            for what, count in self.rewritten.items()
            if count
        ]
        if self.together:
            notes.append(
                f"data.clean: {plural(len(self.together), 'row')} with nearly equal texts are "
                "kept together: no two splits share them."
            )
        return notes


def clean(splits: Splits, rules: CleanRules, texts: Sequence[str], label: str | None) -> Cleaned:
    """Take the steps that the rules name.

    Args:
        splits: rows with ``id``, ``_place``, the texts and the label as the data has them.
        rules: which steps.
        texts: the columns that the model reads.
        label: the column of the classes, None where the task has none.

    Raises:
        InputError: nothing is left of a split that a study needs, or a rule fits no row.
    """
    found = Cleaned({name: list(rows) for name, rows in splits.items()}, rules)
    if rules.markup == "strip":
        _strip(found, texts)
    if rules.labels and label:
        _rewrite_labels(found, rules.labels, label)
    if rules.empty == "drop":
        _drop_empty(found, texts, label)
    if rules.duplicates == "drop":
        _drop_duplicates(found, texts, label)
    if rules.near_duplicates != "keep":
        _near(found, texts, label, drop=rules.near_duplicates == "drop")
    if rules.min_examples > 1 and label:
        _drop_rare(found, rules.min_examples, texts, label)
    _refuse_nothing_left(found, splits)
    return found


def _strip(found: Cleaned, texts: Sequence[str]) -> None:
    count = 0
    for rows in found.splits.values():
        for at, row in enumerate(rows):
            plain = {
                column: without_markup(row[column])
                for column in texts
                if isinstance(row.get(column), str)
            }
            if any(plain[column] != row[column] for column in plain):
                rows[at] = {**row, **plain}
                count += 1
    found.rewritten["HTML was taken out"] = count


def _drop_empty(found: Cleaned, texts: Sequence[str], label: str | None) -> None:
    def reason(row: Row) -> str | None:
        values = [row.get(column) for column in texts]
        if any(is_missing(value) or not as_text(value).strip() for value in values):
            return "no text"
        return "no label" if label and is_missing(row.get(label)) else None

    had_test = bool(found.splits.get("test"))
    _remove(found, "empty", reason, texts, label)
    if had_test and not found.splits["test"]:
        del found.splits["test"]  # published without labels: the study then has no test split


def _rewrite_labels(found: Cleaned, meant: dict[str, str | None], label: str) -> None:
    counts: Counter[str] = Counter()
    for rows in found.splits.values():
        for at, row in enumerate(rows):
            written = as_text(row.get(label))
            if written in meant and not is_missing(row.get(label)):
                rows[at] = {**row, label: meant[written]}
                counts[written] += 1
    if unused := [written for written in meant if not counts[written]]:
        have = sorted({as_text(row.get(label)) for rows in found.splits.values() for row in rows})
        message = f"no row has the label {unused[0]!r}; there are {listed(have[:9], most=9)}."
        raise InputError([Problem("data.clean.labels", message)])
    found.rewritten["a spelling of the label"] = sum(counts.values())


def _drop_duplicates(found: Cleaned, texts: Sequence[str], label: str | None) -> None:
    same: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
    keys = text_keys(found.splits, texts)
    for name in _latest_first(found.splits):
        for key, row in zip(keys[name], found.splits[name], strict=True):
            if any(key):
                same[key].append(row)
    reasons: dict[int, tuple[str, str]] = {}
    for rows in same.values():
        if len(rows) > 1:
            _judge(rows, label, reasons)
    for step in ("duplicates", "contradictions"):
        why = {at: text for at, (by, text) in reasons.items() if by == step}
        _remove(found, step, lambda row, why=why: why.get(id(row)), texts, label)  # type: ignore[misc]  # a default binds it


def _judge(rows: Sequence[Row], label: str | None, reasons: dict[int, tuple[str, str]]) -> None:
    """Of rows with one text, the first of the label that most have stays; in a draw, none."""
    votes = Counter(_class(row, label) for row in rows)
    ranked = votes.most_common(2)
    draw = len(ranked) > 1 and ranked[0][1] == ranked[1][1]
    kept = None if draw else next(row for row in rows if _class(row, label) == ranked[0][0])
    for row in rows:
        if row is kept:
            continue
        if kept is not None and _class(row, label) == _class(kept, label):
            reasons[id(row)] = ("duplicates", f"same text as {kept[PLACE]}")
        else:
            other = next(each for each in rows if _class(each, label) != _class(row, label))
            shown = f"{other[PLACE]} ({_class(other, label)})"
            reasons[id(row)] = ("contradictions", f"same text as {shown}")


def _near(found: Cleaned, texts: Sequence[str], label: str | None, *, drop: bool) -> None:
    """Rows of a group in several splits leave all but the last; those of one stay together."""
    order = _latest_first(found.splits)
    keys = text_keys(found.splits, texts)
    rows = [(name, row) for name in order for row in found.splits[name]]
    groups = near_groups([key for name in order for key in keys[name]])
    reasons: dict[int, str] = {}
    kept: dict[tuple[int, str | None], Row] = {}
    for (name, row), group in zip(rows, groups, strict=True):
        first_split, first = rows[group]
        twin = kept.setdefault((group, _class(row, label)), row)
        if name != first_split:
            reasons[id(row)] = f"nearly the text of {first[PLACE]}"
        elif drop and twin is not row:
            reasons[id(row)] = f"nearly the text of {twin[PLACE]}"
    sizes = Counter(
        group for (_, row), group in zip(rows, groups, strict=True) if id(row) not in reasons
    )
    found.together |= {
        row["id"]: f"near {rows[group][1]['id']}"
        for (_, row), group in zip(rows, groups, strict=True)
        if sizes[group] > 1 and id(row) not in reasons
    }
    _remove(found, "near_duplicates", lambda row: reasons.get(id(row)), texts, label)


def _drop_rare(found: Cleaned, least: int, texts: Sequence[str], label: str) -> None:
    counts = Counter(_class(row, label) for row in found.splits.get("train", []))

    def reason(row: Row) -> str | None:
        have = counts[_class(row, label)]
        missing = is_missing(row.get(label))  # for data.on_missing_label to say
        return None if have >= least or missing else f"{plural(have, 'example')} in train"

    _remove(found, "min_examples", reason, texts, label)


def _remove(
    found: Cleaned,
    step: str,
    reason: Callable[[Row], str | None],
    texts: Sequence[str],
    label: str | None,
) -> None:
    for name, rows in found.splits.items():
        kept = []
        for row in rows:
            if (why := reason(row)) is None:
                kept.append(row)
                continue
            shown = " | ".join(as_text(row.get(column) or "") for column in texts)
            written = "" if label is None or is_missing(row.get(label)) else as_text(row[label])
            found.removed.append(Removed(step, name, row[PLACE], row["id"], why, written, shown))
        found.splits[name] = kept
    still = {row["id"] for rows in found.splits.values() for row in rows}
    found.together = {name: group for name, group in found.together.items() if name in still}


def _class(row: Row, label: str | None) -> str | None:
    return None if label is None else spelling(row.get(label))


def _latest_first(splits: Splits) -> list[str]:
    return [name for name in reversed(SPLITS) if name in splits]


def _refuse_nothing_left(found: Cleaned, before: Splits) -> None:
    problems = []
    for name, rows in found.splits.items():
        if before[name] and not rows:
            counts = Counter(one.step for one in found.removed if one.split == name)
            most, count = counts.most_common(1)[0]
            setting = "duplicates" if most == "contradictions" else most
            message = (
                f"leaves no row of {name}: {plural(count, 'row')} {STEPS[most]}. "
                f"Leave out data.clean.{setting}, or make it weaker."
            )
            problems.append(Problem("data.clean", message))
    if problems:
        raise InputError(problems)
