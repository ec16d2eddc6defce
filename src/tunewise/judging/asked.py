"""What somebody said of the files and of the verdict, so that it need not be guessed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewise.core.errors import InputError, unknown

NAME = "Runs made elsewhere"


@dataclass(frozen=True)
class Asked:
    """How runs are to be read, grouped and judged.

    Attributes:
        columns: columns by what they say, such as ``{"label": "gold"}``.
        task, filter: those of an evaluation harness.
        metric: a metric of ours.
        labels: the right answers by id, where the runs lack them.
        pattern: where names and seeds stand in paths, such as ``{name}-seed{seed}``.
        table: a file with the columns file, name and seed instead.
        shared: judge by the examples that all runs have, where some lack a few.
        margin: a difference too small to matter, in the unit of the metric.
        name: what a report is called.

    Raises:
        InputError: a margin that is none.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    task: str | None = None
    filter: str | None = None
    metric: str | None = None
    labels: Mapping[str, Any] | None = None
    pattern: str | None = None
    table: Path | None = None
    shared: bool = False
    margin: float | None = None
    name: str = NAME

    def __post_init__(self) -> None:
        if self.margin is not None and not 0 < self.margin < math.inf:
            message = f"a margin of {self.margin:g}: a difference above 0 is needed, such as 0.01."
            raise InputError(message)


def one_of(kind: str, option: str, found: Sequence[str], wanted: str | None) -> str:
    """The one that was asked for, or the only one there is.

    Raises:
        InputError: it is not there, or several are and none was asked for.
    """
    known = list(dict.fromkeys(found))
    if wanted is not None:
        if wanted not in known:
            raise InputError(f"{option}: {unknown(kind, wanted, known)}")
        return wanted
    if len(known) > 1:
        message = f"the files are about several {kind}s: {', '.join(known)}. A verdict is about one"
        joint = "=" if " " in option else " "  # a role of an option, as in `--columns score`
        raise InputError(f"{message}: {option}{joint}{known[0]}")
    return known[0]
