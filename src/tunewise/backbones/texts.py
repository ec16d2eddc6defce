"""Texts as token ids: the one door between what users wrote and what a model reads.

Text is text: a string that looks like a special token, such as an end token, is read as the
characters that it is. Special tokens stand where the tokenizer or a prompt's own template puts
them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress, takewhile
from operator import not_
from typing import Any

from tunewise.backbones.kept_tokens import Columns, Rows, in_chunks

ROUNDS = 8  # blanks put into a text until its tokenizer reads no special token in it
END = ("eos", "sep", "cls", "bos", "unk", "pad")  # the first there is stands for an empty text


def opening(tokenizer: Any) -> list[int]:
    """The tokens that the tokenizer puts before every text, such as Llama's; GPT-2 has none."""
    return list(takewhile(lambda id: id != tokenizer.eos_token_id, tokenizer("")["input_ids"]))


def encoded(tokenizer: Any, rows: Rows, **options: Any) -> Columns:
    """What a model reads of each row of one or two texts, by the names of its arguments.

    Where a tokenizer puts nothing around a text, an empty one would be no token at all; one end
    token stands for it.

    Args:
        tokenizer: the model's tokenizer.
        rows: texts, as many in each.
        options: the tokenizer's own, such as `truncation`.
    """

    def read(part: Rows) -> dict[str, list[list[int]]]:
        found = _read_at_once(tokenizer, part, options)
        for place, ids in enumerate(found["input_ids"]):
            if not ids:
                end = end_token(tokenizer)
                alone = {"input_ids": end, "attention_mask": 1, "token_type_ids": 0}
                for name, column in found.items():
                    column[place] = [alone[name]]
        return found

    if not rows:
        return {"input_ids": []}
    return in_chunks(tokenizer, rows, ["never empty", *sorted(options.items())], read)


def tokens(tokenizer: Any, texts: Sequence[str]) -> Sequence[list[int]]:
    """The tokens of texts, with nothing around them; of an empty text there are none."""
    options = {"add_special_tokens": False}

    def read(part: Rows) -> dict[str, list[list[int]]]:
        return _read_at_once(tokenizer, part, options)

    rows = [(text,) for text in texts]
    return in_chunks(tokenizer, rows, sorted(options.items()), read)["input_ids"] if rows else []


def end_token(tokenizer: Any) -> int:
    ids = [getattr(tokenizer, f"{name}_token_id", None) for name in END]
    return next(int(id) for id in ids if id is not None)


def special_tokens(tokenizer: Any) -> dict[str, int]:
    """The strings that a tokenizer takes for special tokens, if they are not split."""
    added = getattr(tokenizer, "added_tokens_decoder", {})
    special = {token.content: id for id, token in added.items() if token.special}
    named = zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True)
    return {**special, **dict(named)}


def spelt(tokenizer: Any) -> re.Pattern[str]:
    """Finds special tokens in a text, the longest of two that begin alike."""
    strings = sorted(special_tokens(tokenizer), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, strings)) or r"(?!)")


@dataclass(frozen=True)
class PromptReader:
    """Reads prompts made from one template, whose own special tokens are tokens.

    What is put into it goes through `text` first, and the whole through `ids`.
    """

    tokenizer: Any
    template: str

    @cached_property
    def _spells(self) -> re.Pattern[str] | None:
        """What has to be kept out of the texts; None where the template spells nothing special."""
        pattern = spelt(self.tokenizer)
        return pattern if pattern.search(self.template) else None

    @cached_property
    def opening(self) -> list[int]:
        """The tokens before every prompt, unless the template begins with them itself."""
        start = opening(self.tokenizer)
        return start if self.ids([self.template])[0][: len(start)] != start else []

    def text(self, text: str) -> str:
        """A text as it is put into the template."""
        return text if self._spells is None else self._spells.sub(set_apart, text)

    def ids(self, prompts: Sequence[str]) -> Sequence[list[int]]:
        """The tokens of filled templates, with nothing around them."""
        if self._spells is None:
            return tokens(self.tokenizer, prompts)

        def read(rows: Rows) -> dict[str, list[list[int]]]:
            texts = [text for (text,) in rows]
            found = self.tokenizer(texts, add_special_tokens=False, verbose=False)
            return {"input_ids": found["input_ids"]}

        rows = [(text,) for text in prompts]
        return in_chunks(self.tokenizer, rows, "prompts", read)["input_ids"]


def _read_at_once(
    tokenizer: Any, rows: Rows, options: dict[str, Any]
) -> dict[str, list[list[int]]]:
    """The tokenizer's columns for the rows of one call, with no special token inside a text.

    Asked to split special tokens, a tokenizer may still know one as a word of its vocabulary, as
    T5 does its end token. Such a text is read with a blank in it, which no other text is.
    """
    is_fast = bool(getattr(tokenizer, "is_fast", False))
    if not is_fast:  # it would split words that were added to its vocabulary as well
        pattern = spelt(tokenizer)
        rows = [tuple(pattern.sub(set_apart, text) for text in row) for row in rows]
    found = _columns(tokenizer, rows, options, is_fast=is_fast)
    added = found.pop("special_tokens_mask", None)
    if not is_fast or added is None:
        return found
    special = frozenset(special_tokens(tokenizer).values()) - {tokenizer.unk_token_id}
    taken = [
        place
        for place, (ids, mask) in enumerate(zip(found["input_ids"], added, strict=True))
        if not special.isdisjoint(compress(ids, map(not_, mask)))
    ]
    if taken:
        apart = [tuple(_spelt_apart(tokenizer, text, special) for text in rows[at]) for at in taken]
        again = _columns(tokenizer, apart, options, is_fast=True)
        for name, column in found.items():
            for place, value in zip(taken, again[name], strict=True):
                column[place] = value
    return found


def _columns(
    tokenizer: Any, rows: Rows, options: dict[str, Any], *, is_fast: bool
) -> dict[str, list[list[int]]]:
    columns = [list(column) for column in zip(*rows, strict=True)]
    if is_fast:
        options = {**options, "split_special_tokens": True, "return_special_tokens_mask": True}
    return dict(tokenizer(*columns, verbose=False, **options))


def _spelt_apart(tokenizer: Any, text: str, special: frozenset[int]) -> str:
    """The text with a blank inside whatever its tokenizer takes for a special token.

    One of a single character stays: it cannot be spelled in another way.
    """
    for _ in range(ROUNDS):
        read = tokenizer(
            text,
            add_special_tokens=False,
            split_special_tokens=True,
            return_offsets_mapping=True,
            verbose=False,
        )
        pairs = zip(read["input_ids"], read["offset_mapping"], strict=True)
        starts = [begin for id, (begin, end) in pairs if id in special and end - begin > 1]
        if not starts:
            break
        for begin in reversed(starts):
            text = f"{text[: begin + 1]} {text[begin + 1 :]}"
    return text


def set_apart(found: re.Match[str]) -> str:
    """A special token's string with a blank behind its first character."""
    return f"{found[0][:1]} {found[0][1:]}" if len(found[0]) > 1 else found[0]
