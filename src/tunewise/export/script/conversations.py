"""What a script says of conversations, and of the model that goes on with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunewise.backbones.model import Model
from tunewise.data.examples import Example
from tunewise.export.script.answers import add_decoding
from tunewise.export.script.classifiers import check_tokenizer
from tunewise.export.script.plan import Plan
from tunewise.tasks.chat import Conversing
from tunewise.training.assembly import Parts


def add_conversations(plan: Plan, parts: Parts) -> None:
    """The values of the task, whatever answers it."""
    task: Any = parts.task
    plan.decided |= {
        "METRICS": task.metrics,
        "LOSS_ON": task.loss_on,
        "HAS_SYSTEM": task.system is not None,
        "IS_JSON": task.json_schema is not None,
        "HAS_PATTERN": task.pattern is not None,
    }
    plan.constants |= {
        "METRICS": task.metrics,
        "SYSTEM": task.system,
        "JSON_SCHEMA": task.json_schema,
        "PATTERN": task.pattern,
    }


def add_speaker(plan: Plan, parts: Parts, model: Model) -> None:
    """The blocks and values of a model that goes on with a conversation.

    Raises:
        InputError: a script has no words for how it answers.
    """
    check_tokenizer(model.processor)
    plan.blocks += ["main_chat", "chat", "writing", "generation"]
    writing = parts.task.writing
    assert isinstance(writing, Conversing)
    add_decoding(plan, writing)
    reader = writing.reader(model.processor)
    plan.decided |= {
        "HAS_TEMPLATE": reader.rendered_by != model.processor.chat_template,
        "HAS_OPENING": bool(reader.form.opening),
    }
    plan.constants |= {
        "MAX_LENGTH": parts.max_length(model),
        "CHAT_TEMPLATE": reader.rendered_by,
        "ANSWER_OPENING": reader.form.opening,
        "ANSWER_END": list(reader.end),
        "TASK_TYPE": "CAUSAL_LM",
    }


def conversation_row(parts: Parts, example: Example, folder: Path) -> dict[str, Any]:
    """An example as the script reads it, in the form that chat templates take."""
    (answer,) = example.references or ("",)
    turns = [*example.turns, ("assistant", answer)]
    return {
        "id": example.id,
        "messages": [{"role": role, "content": content} for role, content in turns],
    }
