"""One finding of the fairness lint: what differs between rows beside the method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tunewise.analysis.wording import value_words
from tunewise.core.format import listed
from tunewise.core.sanitize import shown

Severity = Literal["warning", "notice"]


@dataclass(frozen=True)
class Finding:
    """A difference between rows that is not the method.

    `values` holds each row's own value where there is one. `measured` says that the finding
    rests on what a run measured (machine, versions, openings) and not on the study alone.
    """

    kind: str  # a stable name, such as "training.epochs"
    severity: Severity
    says: str
    todo: str
    rows: tuple[str, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    measured: bool = False


def finding(
    kind: str,
    says: str,
    todo: str,
    values: Mapping[str, Any],
    *,
    severity: Severity = "warning",
    measured: bool = False,
) -> Finding:
    """A finding about the rows that have these values."""
    return Finding(kind, severity, says, todo, tuple(values), values, measured)


def by_value(values: Mapping[str, Any]) -> list[tuple[Any, list[str]]]:
    """The rows that share each value, in the order of their first row.

    >>> by_value({"a": 1, "b": 2, "c": 1})
    [(1, ['a', 'c']), (2, ['b'])]
    """
    groups: list[tuple[Any, list[str]]] = []
    for name, value in values.items():
        group = next((names for known, names in groups if known == value), None)
        if group is None:
            groups.append((value, [name]))
        else:
            group.append(name)
    return groups


def by_rows(values: Mapping[str, Any]) -> str:
    """The values with their rows, as a sentence lists them.

    >>> by_rows({"head": 20, "lora": 4, "full": 4})
    '20 for head; 4 for lora and full'
    """
    return "; ".join(
        f"{value_words(value)} for {listed([shown(name) for name in names])}"
        for value, names in by_value(values)
    )


def differ(values: Mapping[str, Any]) -> bool:
    return len(by_value(values)) > 1


def mixed(values: Mapping[str, Sequence[Any]]) -> bool:
    """Whether rows differ, or one has several values."""
    return differ(values) or any(len(own) > 1 for own in values.values())
