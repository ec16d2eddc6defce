"""What a script says of a task whose answers are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunewise.backbones.chat import QUESTION, ChatReader
from tunewise.backbones.model import Model
from tunewise.backbones.texts import PromptReader
from tunewise.data.examples import Example
from tunewise.decoding.strategies import Strategy
from tunewise.export.script.classifiers import check_tokenizer
from tunewise.export.script.plan import Plan, no_script
from tunewise.tasks.base import Filled, Writing
from tunewise.training.assembly import Parts

PROBE = "One question.\nTwo lines"  # what is put into a chat to see what surrounds it


def add_writing(plan: Plan, parts: Parts) -> None:
    """The values of the task, whatever answers it."""
    plan.decided["METRICS"] = plan.constants["METRICS"] = parts.task.metrics


def add_writer(plan: Plan, parts: Parts, model: Model) -> None:
    """The blocks and values of a model that writes its answers.

    Raises:
        InputError: a script has no words for how it is asked, or answers.
    """
    check_tokenizer(model.processor)
    plan.blocks += ["main_question_answering", "question_answering", "writing", "generation"]
    writing = parts.task.writing
    assert isinstance(writing, Filled)
    add_decoding(plan, writing)
    tokenizer = model.processor
    reader = writing.reader(tokenizer)
    plan.decided["LEARNS_PROMPT"] = writing.loss_on == "all"
    plan.constants |= {
        "PROMPT": writing.template.text,
        "MAX_LENGTH": parts.max_length(model),
        "OPENING": reader.opening,
        "TASK_TYPE": "CAUSAL_LM",
    }
    if isinstance(reader, ChatReader):
        before, _, after = reader.written(PROBE).partition(PROBE)
        if reader.written(QUESTION) != before + QUESTION + after:
            raise no_script(
                "the model's chat template changes what it is given, so a script cannot say what "
                "stands around a question. --as folder is written; chat: never asks without it."
            )
        answer = reader.written(QUESTION)
        plan.decided |= {"IN_CHAT": True, "HAS_SPECIAL": True}
        plan.constants |= {
            "CHAT_BEFORE": before,
            "CHAT_AFTER": answer[len(before) + len(QUESTION) :],
            "BEFORE_ANSWER": reader.lead,
            "ANSWER_END": list(reader.end),
        }
    elif isinstance(reader, PromptReader):
        plan.decided["HAS_SPECIAL"] = reader.text(writing.template.text) != writing.template.text
        plan.constants["ANSWER_END"] = [tokenizer.eos_token_id]


def add_decoding(plan: Plan, writing: Writing) -> None:
    """The values of the ways in which answers are written; beam search has no words.

    Raises:
        InputError: it is the way that counts.
    """
    strategies = [way for way in writing.strategies if way.kind != "beam"]
    first = writing.strategies[0]
    if first.kind == "beam":
        raise no_script(
            "no script is written for beam search as the decoding that counts. Put another way "
            "first in task.decoding, such as greedy; --as folder has no such limit."
        )
    plan.decided |= {"HAS_STRATEGIES": len(strategies) > 1, "HAS_STOP": bool(first.stop)}
    plan.constants |= {
        "MAX_NEW_TOKENS": writing.max_new_tokens,
        "DECODING": {way.label: _decoding(way) for way in strategies},
        "NUM_SAMPLES": max(way.samples for way in strategies),
        "STOP": list(first.stop),
    }


def _decoding(way: Strategy) -> dict[str, Any]:
    if way.kind == "greedy":
        return {}
    found: dict[str, Any] = {"do_sample": True}
    if way.top_k is not None:
        found["top_k"] = way.top_k
    if way.top_p is not None:
        found["top_p"] = way.top_p
    if way.temperature != 1:
        found["temperature"] = way.temperature
    return found


def question_row(parts: Parts, example: Example, folder: Path) -> dict[str, Any]:
    """An example as the script reads it."""
    question, context = example.texts
    return {
        "id": example.id,
        "question": question,
        "context": context,
        "answers": list(example.references or ("",)),
        "answer_start": example.start if example.references else None,
    }
