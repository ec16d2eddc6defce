"""What somebody said of the files, so that it need not be guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunewise.core.errors import InputError, unknown


@dataclass(frozen=True)
class Asked:
    """How files are to be read.

    `columns` gives columns by what they say, `task` and `filter` are those of an evaluation
    harness, `metric` is a metric of ours, `labels` holds the right answers by id.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    task: str | None = None
    filter: str | None = None
    metric: str | None = None
    labels: Mapping[str, Any] | None = None


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
        raise InputError(f"{message}: {option} {known[0]}")
    return known[0]
