"""What a script says of a task that chooses a class for a text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunewise.backbones.configuration import configuration_of
from tunewise.backbones.model import Model
from tunewise.backbones.pooling import PooledClassifier, is_ours, pooling_of
from tunewise.backbones.sources import whereabouts
from tunewise.data.examples import Example
from tunewise.export.script.plan import Plan, no_script
from tunewise.training.assembly import Parts

RESERVED = ("id", "inputs", "full_length")  # what a script calls other things of a row


def column(name: str) -> str:
    """A column's name in the rows that are written for a script."""
    return f"{name}_" if name in RESERVED else name


def add_classification(plan: Plan, parts: Parts) -> None:
    """The values of the task, whatever answers it."""
    task: Any = parts.task
    plan.decided |= {"METRICS": task.metrics, "PAIRS": len(task.text) > 1}
    plan.constants |= {
        "METRICS": task.metrics,
        "LABELS": list(parts.options),
        "TEXT_COLUMNS": [column(name) for name in task.text],
        "LABEL_COLUMN": column(task.label),
    }


def add_classifier(plan: Plan, parts: Parts, model: Model) -> None:
    """The blocks and values of the model that is adapted.

    Raises:
        InputError: a script cannot build it.
    """
    check_tokenizer(model.processor)
    plan.blocks += ["main_classification"]
    is_pooled = any(isinstance(m, PooledClassifier) for m in model.module.modules())
    if is_pooled:
        source = parts.settings.model
        assert source is not None
        where, _ = whereabouts(source.source, source.revision)
        if is_ours(configuration_of(where)):
            raise no_script("the model is a classifier that was exported; name its base model.")
        config: Any = model.module.config
        plan.blocks.append("pooled")
        plan.constants["POOLING"] = [pooling_of(config)]
        plan.decided["SAVES_WHOLE"] = False
    plan.constants |= {"MAX_LENGTH": parts.max_length(model), "TASK_TYPE": "SEQ_CLS"}


def check_tokenizer(tokenizer: Any) -> None:
    """Raises InputError for one that reads special tokens in texts as special tokens."""
    if not getattr(tokenizer, "is_fast", False):
        raise no_script(
            "the model's tokenizer is not one of the tokenizers library, and reads special tokens "
            "in texts otherwise. --as folder is written for it."
        )


def classification_row(parts: Parts, example: Example, folder: Path) -> dict[str, Any]:
    """An example as the script reads it."""
    task: Any = parts.task
    row: dict[str, Any] = {"id": example.id}
    row |= dict(zip(map(column, task.text), example.texts, strict=True))
    return row | {
        column(task.label): None if example.label is None else parts.options[example.label]
    }
