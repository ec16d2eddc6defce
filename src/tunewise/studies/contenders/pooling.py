"""The pooling of each model, where the task leaves it to us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tunewise.backbones.pools import LIBRARY
from tunewise.backbones.sentence import Where
from tunewise.core.lazy import Later
from tunewise.tasks.base import Task

if TYPE_CHECKING:
    from tunewise.backbones import suited_pooling as suited
else:
    suited = Later("tunewise.backbones.suited_pooling")  # it loads most of transformers


class Asked(NamedTuple):
    """A task as one model is asked it; `pooling` says which and why, "" where it was given.

    `solved` is the task of a head that is solved on what the frozen model puts out.
    """

    task: Task
    solved: Task
    pooling: str = ""


def asked_of(task: Task, where: Where, folder: Path) -> Asked:
    """The task with the pooling that fits a model in the place of `auto`: trials are named by it.

    Raises:
        InputError: as `suited_pooling`, whose arguments the others are.
    """
    found = suited.suited_pooling(where, folder)
    changed: Any = task
    return Asked(
        replace(changed, pooling=found.pooling), replace(changed, pooling=found.solved), str(found)
    )


def pooling_notes(found: Mapping[str, str]) -> list[str]:
    """A sentence for each model that does without the library's own head."""
    return [
        f"pooling of {model}: {message}."
        for model, message in found.items()
        if not message.startswith(LIBRARY)
    ]
