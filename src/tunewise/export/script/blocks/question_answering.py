"""Answering a question about a context by writing the answer."""

from __future__ import annotations

import re
from typing import Any

from tunewise.export.script.blocks.constants import (
    ANSWER_END,
    BEFORE_ANSWER,
    CHAT_AFTER,
    CHAT_BEFORE,
    MAX_LENGTH,
    MAX_NEW_TOKENS,
    OPENING,
    PROMPT,
)
from tunewise.export.script.blocks.decided import HAS_SPECIAL, IN_CHAT, LEARNS_PROMPT
from tunewise.export.script.blocks.files import Row
from tunewise.export.script.blocks.texts import read_texts, split_special_tokens
from tunewise.export.script.blocks.writing import Batch, make_batch


def preprocess_function(rows: list[Row], tokenizer: Any, *, learning: bool = False) -> list[Row]:
    """Prompt and answer as token ids, together no longer than `MAX_LENGTH`.

    Where they are, only the context is shortened, by whole words: around the answer for
    learning, from its end otherwise, when there must be room for `MAX_NEW_TOKENS` too. An example
    that does not fit even so is left out of what is learned, and has no prompt otherwise.
    """
    features = []
    for row in rows:
        ending = answer_ids(row["answers"][0], tokenizer)
        room = len(ending) if learning else max(MAX_NEW_TOKENS, len(ending))
        keep = None
        if learning and row["answer_start"] is not None:
            keep = (row["answer_start"], row["answer_start"] + len(row["answers"][0]))
        whole = prompt_ids(row["question"], row["context"], tokenizer)
        prompt: list[int] | None = whole
        if len(whole) + room > MAX_LENGTH:
            prompt = shortened_prompt(row, MAX_LENGTH - room, keep, tokenizer)
        if prompt is None and learning:
            continue
        ids = [tokenizer.eos_token_id] if prompt is None else prompt + ending
        features.append(
            {
                "id": row["id"],
                "references": row["answers"],
                "input_ids": ids,
                "prompt_length": len(prompt or ()),
                # Batches are made by the length before anything was cut.
                "full_length": 1 << 30 if prompt is None else len(whole) + room,
            }
        )
    return features


def prompt_ids(question: str, context: str, tokenizer: Any) -> list[int]:
    values = {"{context}": context, "{question}": question}
    if HAS_SPECIAL:
        # The prompt's own special tokens are tokens; what spells one in a text is not.
        values = {place: split_special_tokens(text, tokenizer) for place, text in values.items()}
    filled = re.sub(r"\{context\}|\{question\}", lambda found: values[found[0]], PROMPT)
    if IN_CHAT:
        filled = CHAT_BEFORE + filled + CHAT_AFTER
    if HAS_SPECIAL:
        ids: list[int] = tokenizer(filled, add_special_tokens=False, verbose=False)["input_ids"]
    else:
        ids = read_texts(tokenizer, [filled], add_special_tokens=False)["input_ids"]
    return OPENING + ids


def answer_ids(answer: str, tokenizer: Any) -> list[int]:
    """The answer behind its prompt, with its end; of no answer the end alone."""
    if not answer:
        return list(ANSWER_END)
    if IN_CHAT:
        # As it stands in the chat, where its first token may depend on what precedes it.
        start = CHAT_BEFORE + "Question" + CHAT_AFTER
        behind = BEFORE_ANSWER + split_special_tokens(answer, tokenizer)
        before = tokenizer(start, add_special_tokens=False)["input_ids"]
        whole = tokenizer(start + behind, add_special_tokens=False)["input_ids"]
        if whole[: len(before)] != before:
            before, whole = [], tokenizer(behind, add_special_tokens=False)["input_ids"]
        return list(whole[len(before) :]) + ANSWER_END
    else:
        read = read_texts(tokenizer, [BEFORE_ANSWER + answer], add_special_tokens=False)
        return read["input_ids"] + ANSWER_END


def shortened_prompt(
    row: Row, room: int, keep: tuple[int, int] | None, tokenizer: Any
) -> list[int] | None:
    """The prompt with as many words of the context as fit; None if it is too long without any.

    The characters in `keep` stay; the rest goes from both sides alike.
    """
    context = row["context"]
    spans = [found.span() for found in re.finditer(r"\s*\S{1,24}", context)]
    first = last = 0  # the words that stay: from first, without last
    if keep is not None:
        first = sum(span[1] <= keep[0] for span in spans)
        last = max(first, sum(span[0] < keep[1] for span in spans))

    def prompt(more: int) -> list[int]:
        left = min(first, max(more // 2, more - (len(spans) - last)))
        begin, end = first - left, last + more - left
        text = context[spans[begin][0] : spans[end - 1][1]].strip() if begin < end else ""
        return prompt_ids(row["question"], text, tokenizer)

    fits, too_many = -1, len(spans) - (last - first) + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if len(prompt(middle)) <= room:
            fits = middle
        else:
            too_many = middle
    return None if fits < 0 else prompt(fits)


class QADataCollator:
    """A batch of questions. The prompt is given and need not be learned, the answer is."""

    def __init__(self, tokenizer: Any) -> None:
        self.pad_token_id = tokenizer.pad_token_id

    def __call__(self, features: list[Row]) -> Batch:
        learned = []
        for feature in features:
            start = feature["prompt_length"]
            if LEARNS_PROMPT:
                start = 0 if feature.get("learning") else start
            learned.append([(start, len(feature["input_ids"]))])
        return make_batch(features, learned, self.pad_token_id)
