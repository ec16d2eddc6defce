"""What is known of a contender before it runs: built once without its numbers, and counted."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunewise.backbones.model import Model
from tunewise.methods.base import Adaptation
from tunewise.tasks.base import Task
from tunewise.training.adapt import parameter_counts
from tunewise.training.features import feature_key, is_frozen


@dataclass(frozen=True)
class Inspected:
    """The counts of a contender, and the key of its stored features if its trunk is frozen."""

    parameters: dict[str, int]
    features: str | None


class Inspector:
    """Applies methods to one model without holding its weights twice.

    The checkpoint is loaded once, so that what it lacks is known; then only shapes are kept.
    """

    def __init__(self, source: dict[str, Any], task: Task, options: Sequence[str]) -> None:
        self.source = source
        self.task = task
        loaded = task.build(source["source"], options=options, seed=0, revision=source["revision"])
        self.warnings = tuple(loaded.warnings)
        self.coder = loaded.coder
        self.model: Model = replace(loaded, module=loaded.module.to("meta"))

    def inspect(self, method: Adaptation, max_length: int | None, data_hash: str) -> Inspected:
        """Apply the method to a copy.

        Raises:
            InputError: the method does not fit this model.
        """
        model = replace(self.model, module=copy.deepcopy(self.model.module))
        method.prepare(model)
        length = self.task.limit(max_length, model)
        key = feature_key(self.source["hash"], self.task, length, data_hash)
        return Inspected(
            parameters=parameter_counts(model.module, model.head),
            features=key if is_frozen(model) else None,
        )
