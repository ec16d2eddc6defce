"""The cleaning that data seems to need: each step only where it would do something."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tunewise.core.errors import InputError
from tunewise.data.audit.alike import as_seen
from tunewise.data.cleaning.clean import Cleaned, clean
from tunewise.data.cleaning.markup import has_markup
from tunewise.data.cleaning.rules import CleanRules
from tunewise.data.labels import as_text, is_missing, spelling
from tunewise.data.settings import SplitRule
from tunewise.data.splits import apply_rule
from tunewise.data.table import Splits

MARKED = 0.01  # of the texts, that hold HTML, from which on it is taken out
LARGEST_GROUP = 0.05  # of the rows: a larger group of near duplicates cannot stay in one split
_NOTHING = re.compile(
    r"#?n/?a|nan|null|none|nil|-+|\?+|\.+|\(?(blank|empty)\)?|#n/a", re.IGNORECASE
)


def propose(
    splits: Splits, texts: Sequence[str], label: str, rule: SplitRule | None
) -> CleanRules | None:
    """The rules that make these rows ready; None where nothing has to be done.

    Where a split would be empty without the rows that repeat others, nothing is proposed about
    them, and the audit says what it found.
    """
    rules: dict[str, Any] = {
        **_markup(splits, texts),
        **_labels(splits, label),
        "empty": "drop",
        "duplicates": "drop",
        "near_duplicates": "group",
    }
    try:
        cleaned = clean(splits, CleanRules(**rules), texts, label)
        if rule is not None:
            apply_rule(cleaned.splits, rule, label=label)
    except InputError:
        rules = {**rules, "duplicates": "keep", "near_duplicates": "keep"}
        cleaned = clean(splits, CleanRules(**rules), texts, label)
    steps = {one.step for one in cleaned.removed}
    if "empty" not in steps:
        del rules["empty"]
    if not {"duplicates", "contradictions"} & steps:
        rules.pop("duplicates")
    if not cleaned.together and "near_duplicates" not in steps:
        rules.pop("near_duplicates")
    elif _too_large(cleaned):
        rules["near_duplicates"] = "drop"
    # As many as give each split one, where a class has fewer.
    cut = rule is not None and rule.from_ == "train"
    sizes = [size for size in rule.sizes.values() if isinstance(size, float)] if rule else []
    least = math.ceil(1 / min(sizes) - 1e-9) if cut and sizes else 2
    counts = Counter(
        spelling(row[label]) for row in cleaned.splits["train"] if not is_missing(row.get(label))
    )
    enough = sum(count >= least for count in counts.values()) >= 2
    rules |= {"min_examples": least} if enough and min(counts.values()) < least else {}
    changed = {name: value for name, value in rules.items() if value != "keep"}
    return CleanRules(**changed) if changed else None


def _markup(splits: Splits, texts: Sequence[str]) -> dict[str, str]:
    rows = [row for part in splits.values() for row in part]
    marked = sum(
        any(isinstance(row.get(column), str) and has_markup(row[column]) for column in texts)
        for row in rows
    )
    return {"markup": "strip"} if marked > max(1, MARKED * len(rows)) else {}


def _labels(splits: Splits, label: str) -> dict[str, dict[str, str | None]]:
    """Spellings that a reader takes for one another, each with the commonest; what says nothing."""
    counts = Counter(
        as_text(row[label])
        for rows in splits.values()
        for row in rows
        if not is_missing(row.get(label))
    )
    nothing: dict[str, str | None] = {
        name: None for name in counts if _NOTHING.fullmatch(name.strip())
    }
    if len(counts) - len(nothing) < 2:
        nothing = {}
    alike: dict[str, list[str]] = {}
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        if name not in nothing:
            alike.setdefault(as_seen(name), []).append(name)
    meant = {name: group[0] for group in alike.values() for name in group[1:]}
    found = {**meant, **nothing}
    return {"labels": found} if found else {}


def _too_large(cleaned: Cleaned) -> bool:
    sizes = Counter(cleaned.together.values())
    rows = sum(map(len, cleaned.splits.values()))
    return max(sizes.values(), default=0) > LARGEST_GROUP * rows
