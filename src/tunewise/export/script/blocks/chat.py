"""Going on with a conversation: what the assistant says next."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

from tunewise.export.script.blocks.batches import derive_seed
from tunewise.export.script.blocks.constants import (
    ANSWER_END,
    ANSWER_OPENING,
    CHAT_TEMPLATE,
    MAX_LENGTH,
    MAX_NEW_TOKENS,
    SHOTS,
    SYSTEM,
)
from tunewise.export.script.blocks.decided import HAS_OPENING, HAS_SYSTEM, HAS_TEMPLATE, LOSS_ON
from tunewise.export.script.blocks.files import Row
from tunewise.export.script.blocks.texts import split_special_tokens
from tunewise.export.script.blocks.writing import Batch, make_batch

Messages = list[dict[str, str]]  # what was said: role and content of each turn
Spans = list[tuple[int, int]]  # stretches of tokens, from and up to


def preprocess_function(rows: list[Row], tokenizer: Any, *, learning: bool = False) -> list[Row]:
    """Conversations as token ids, each with what is learned of it, no longer than `MAX_LENGTH`.

    Where one is longer, its oldest questions are left out with their answers; what is to be
    answered must have room for `MAX_NEW_TOKENS` too. A conversation whose last question does not
    fit even so is left out of what is learned, and has no prompt otherwise.
    """
    features = []
    for row in rows:
        messages: Messages | None = row["messages"]
        if HAS_SYSTEM:
            messages = with_system(row["messages"])
        ids, learned, full_length = [tokenizer.eos_token_id], [(0, 0)], 0
        while messages is not None:
            tokens, answers = mark_answers(messages, tokenizer, learning=learning)
            begin, end = answers[-1]
            needed = begin + (end - begin if learning else max(MAX_NEW_TOKENS, end - begin))
            full_length = full_length or needed  # before anything was left out
            if needed > MAX_LENGTH:
                messages = without_oldest(messages)
                continue
            ids, learned = tokens[:end], answers
            if LOSS_ON == "all":
                if learning:
                    ids, learned = tokens, [(0, len(tokens))]
            break
        if learning and messages is None:
            continue
        features.append(
            {
                "id": row["id"],
                "references": [row["messages"][-1]["content"]],
                "input_ids": ids,
                "learned": learned,
                "prompt_length": learned[-1][0],
                "full_length": full_length,  # by which batches are made
            }
        )
    return features


def mark_answers(messages: Messages, tokenizer: Any, *, learning: bool) -> tuple[list[int], Spans]:
    """A conversation as tokens, and where in it the assistant's turns lie, each with its end.

    What stands before an answer is how the chat template asks for it, so the model learns to
    answer just what it will be asked.
    """
    # A special token of the template is one; what spells one in what somebody says is not.
    messages = [
        {**turn, "content": split_special_tokens(turn["content"], tokenizer)} for turn in messages
    ]
    text = render(messages, tokenizer)
    places = [place for place, turn in enumerate(messages) if turn["role"] == "assistant"]
    if LOSS_ON == "last":
        places = places[-1:]
    else:
        places = places if learning else places[-1:]
    prompts = [render(messages[:place], tokenizer, asking=True) for place in places]
    if HAS_OPENING:
        prompts = [prompt + ANSWER_OPENING for prompt in prompts]
    if not all(text.startswith(prompt) for prompt in prompts):
        raise SystemExit(
            f"The chat template asks for an answer otherwise than it writes it: {text}"
        )
    ids = tokenize(text, tokenizer)
    asked = [tokenize(prompt, tokenizer) for prompt in prompts]
    starts = [len(prompt) for prompt in asked]
    if any(ids[: len(prompt)] != prompt for prompt in asked):
        # A token would reach over the border of question and answer, so each part is read alone.
        borders = [0, *map(len, prompts), len(text)]
        pieces = [tokenize(text[a:b], tokenizer) for a, b in pairwise(borders)]
        starts = [sum(map(len, pieces[: place + 1])) for place in range(len(prompts))]
        ids = [token for piece in pieces for token in piece]
    return ids, [(start, ids.index(ANSWER_END[-1], start) + 1) for start in starts]


def render(messages: Messages, tokenizer: Any, *, asking: bool = False) -> str:
    """The conversation as the chat template writes it; `asking` for the assistant's next turn."""
    options: dict[str, Any] = {"add_generation_prompt": asking, "enable_thinking": False}
    if HAS_TEMPLATE:
        options["chat_template"] = CHAT_TEMPLATE
    text: str = tokenizer.apply_chat_template(messages, tokenize=False, **options)
    return text


def tokenize(text: str, tokenizer: Any) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return ids


def with_system(messages: Messages) -> Messages:
    """The conversation with the system's turn, where it has none of its own."""
    if messages[0]["role"] == "system":
        return messages
    return [{"role": "system", "content": SYSTEM}, *messages]


def without_oldest(messages: Messages) -> Messages | None:
    """The conversation without its oldest question and answer; None if only the last is left."""
    system = messages[:1] if messages[0]["role"] == "system" else []
    rest = messages[len(system) :]
    return [*system, *rest[2:]] if len(rest) > 2 else None


def draw_examples(rows: list[Row], seed: int) -> Messages:
    """Conversations of train that are shown before each question, as earlier turns of it."""
    drawn = random.Random(derive_seed(seed, "method")).sample(rows, min(SHOTS, len(rows)))
    return [turn for row in drawn for turn in row["messages"] if turn["role"] != "system"]


def with_examples(rows: list[Row], shown: Messages) -> list[Row]:
    """The conversations behind what is shown; the system's turn stays the first."""
    found = []
    for row in rows:
        messages = row["messages"]
        system = messages[:1] if messages[0]["role"] == "system" else []
        found.append({**row, "messages": [*system, *shown, *messages[len(system) :]]})
    return found


class ChatDataCollator:
    """A batch of conversations, each with the stretches of it that are learned."""

    def __init__(self, tokenizer: Any) -> None:
        self.pad_token_id = tokenizer.pad_token_id

    def __call__(self, features: list[Row]) -> Batch:
        learned = [feature["learned"] for feature in features]
        return make_batch(features, learned, self.pad_token_id)
