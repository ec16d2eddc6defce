"""From questions to the tokens that an answer is written after, none longer than allowed."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tunewise.backbones.chat import ChatReader
from tunewise.backbones.texts import PromptReader, tokens
from tunewise.core.errors import SettingError

BETWEEN = " "  # prompt and answer; it belongs to the answer, whose first token begins with it
PLACES = ("{context}", "{question}")
_PLACE = re.compile("|".join(map(re.escape, PLACES)))
_PIECE = re.compile(r"\s*\S{1,24}")  # a word; what has no blanks is cut all the same


class Asked(NamedTuple):
    """A question, its context, and the tokens there are for both.

    `keep` is a stretch of the context, in characters, that must stay when it is shortened; the
    rest then goes from both sides alike. Without it the beginning stays.
    """

    question: str
    context: str
    room: int
    keep: tuple[int, int] | None = None


class Prompted(NamedTuple):
    """The tokens of a prompt, and how many there would have been had nothing been cut."""

    ids: list[int]
    full_length: int


@dataclass(frozen=True)
class Template:
    """Where context and question stand in a prompt.

    >>> Template("{context} {question} Answer:").filled("Who?", "{question}")
    '{question} Who? Answer:'
    """

    text: str

    def __post_init__(self) -> None:
        if sorted(_PLACE.findall(self.text)) != sorted(PLACES):
            raise SettingError("prompt", self.text, f"must hold {' and '.join(PLACES)}, each once.")
        if self.text != self.text.rstrip():
            right = (
                "must not end in a blank; the blank before an answer belongs to the answer, as "
                "tokenizers have it."
            )
            raise SettingError("prompt", self.text, right)

    def filled(self, question: str, context: str) -> str:
        values = {"{context}": context, "{question}": question}
        return _PLACE.sub(lambda found: values[found[0]], self.text)

    def tokens(
        self, reader: PromptReader | ChatReader, filled_with: Sequence[tuple[str, str]]
    ) -> Sequence[list[int]]:
        """Those of prompts with these questions and contexts."""
        return reader.ids([self.filled(reader.text(q), reader.text(c)) for q, c in filled_with])


def prompts(
    reader: PromptReader | ChatReader, template: Template, asked: Sequence[Asked]
) -> list[Prompted | None]:
    """The tokens of each prompt; None where the question alone leaves no room.

    Only the context is shortened, by whole words, and by no more than must be.
    """
    start = reader.opening
    whole = template.tokens(reader, [(one.question, one.context) for one in asked])
    found: dict[int, list[int]] = {
        at: ids
        for at, (ids, one) in enumerate(zip(whole, asked, strict=True))
        if len(start) + len(ids) <= one.room
    }
    cuts = {at: _Cut(one) for at, one in enumerate(asked) if at not in found}
    for at, cut in cuts.items():
        cut.tell(asked[at].room - len(start) - len(whole[at]), rate=len(whole[at]))
    while open_ := [at for at, cut in cuts.items() if not cut.settled]:
        tried = template.tokens(reader, [(asked[at].question, cuts[at].context()) for at in open_])
        for at, ids in zip(open_, tried, strict=True):
            spare = asked[at].room - len(start) - len(ids)
            cuts[at].tell(spare, rate=len(whole[at]))
            if spare >= 0:
                found[at] = ids
    return [
        Prompted(start + found[at], len(start) + len(whole[at])) if at in found else None
        for at in range(len(asked))
    ]


def endings(reader: PromptReader | ChatReader, answers: Sequence[str]) -> list[list[int]]:
    """The tokens of each answer behind its prompt, with the end; of an empty one the end alone.

    A blank stands before it, and the end token behind; in a chat what its template has there.
    """
    if isinstance(reader, ChatReader):
        end = reader.end
        known = iter(reader.answers([text for text in answers if text]))
        return [[*(next(known) if text else []), *end] for text in answers]
    texts = [BETWEEN + text if text else "" for text in answers]
    return [[*ids, reader.tokenizer.eos_token_id] for ids in tokens(reader.tokenizer, texts)]


class _Cut:
    """The search for the longest stretch of a context that fits.

    What a try leaves over, in tokens, says how many words to add or to take away; two or three
    tries do.
    """

    def __init__(self, asked: Asked) -> None:
        self.text = asked.context
        self.spans = [found.span() for found in _PIECE.finditer(asked.context)]
        first, last = 0, 0  # the words that must stay: first to last, without last
        if asked.keep is not None:
            begin, end = asked.keep
            first = sum(span[1] <= begin for span in self.spans)
            last = max(first, sum(span[0] < end for span in self.spans))
        self.must = (first, last)
        self.fitting = -1  # words that may be added, as far as is known
        self.largest = len(self.spans) - (last - first)
        self.trying = self.largest

    @property
    def settled(self) -> bool:
        return self.fitting >= self.largest

    def tell(self, spare: int, *, rate: int) -> None:
        """What the try left over, negative where it took too much; `rate`, tokens of it all."""
        if spare >= 0:
            self.fitting = self.trying
        else:
            self.largest = self.trying - 1
        guess = self.trying + math.floor(spare * max(1, len(self.spans)) / max(1, rate))
        self.trying = min(max(guess, self.fitting + 1), self.largest)

    def context(self) -> str:
        """The words that must stay with as many more as are being tried, from both sides."""
        first, last = self.must
        after = len(self.spans) - last
        left = min(first, max(self.trying // 2, self.trying - after))
        begin, end = first - left, last + self.trying - left
        if begin == end:
            return ""
        return self.text[self.spans[begin][0] : self.spans[end - 1][1]].strip()
