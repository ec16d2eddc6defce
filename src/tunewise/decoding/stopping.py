"""When an answer is over: the end token, a text that ends it, or going round in circles."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal

from tunewise.backbones.chat import ChatReader
from tunewise.core.errors import InputError

Stopped = Literal["end", "stop", "length", "loop"]

CYCLE = 8  # tokens of the longest cycle looked for
TURNS = 3  # times in a row from which on it is one
SPAN = 12  # tokens that it must cover, so that "no, no, no" may be an answer


class Ends:
    """What ends an answer of one model with one tokenizer."""

    def __init__(self, module: Any, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.tokens = end_tokens(module, tokenizer)
        self._pieces: dict[int, str] = {}

    def text(self, tokens: Sequence[int]) -> str:
        """The answer's text; special tokens are left out."""
        kept = [token for token in tokens if token not in self.tokens]
        return self.tokenizer.decode(
            kept, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )

    def stopped_at(self, tokens: Sequence[int], stop: Sequence[str]) -> str | None:
        """The text before the first of `stop`, if the last token completed one of them."""
        if (token := tokens[-1]) not in self._pieces:
            self._pieces[token] = self.tokenizer.decode([token], clean_up_tokenization_spaces=False)
        last = self._pieces[token]
        # Decoding everything at each step is slow, and most tokens cannot complete anything; half
        # a character can, and of a blank a lone token may not tell.
        whole = "\ufffd" not in last
        if whole and not any(text[-1] in last or text[-1] == " " for text in stop):
            return None
        text = self.text(tokens)
        places = [place for place in (text.find(one) for one in stop) if place >= 0]
        return text[: min(places)] if places else None


def end_tokens(module: Any, tokenizer: Any) -> frozenset[int]:
    """The ids after which nothing follows, as tokenizer, configurations and chat template say."""
    found: set[int] = set()
    for place in (tokenizer, module.config, getattr(module, "generation_config", None)):
        ids = getattr(place, "eos_token_id", None)
        if ids is not None:
            found |= {*ids} if isinstance(ids, (list, tuple)) else {ids}
    if getattr(tokenizer, "chat_template", None):
        with suppress(InputError):  # it cannot be rendered, and nobody is asked in its form
            found.add(ChatReader(tokenizer).end[-1])
    return frozenset(found)


def cycle(tokens: Sequence[int]) -> int | None:
    """How many tokens remain when a cycle at the end is kept once; None if there is none.

    A cycle is what stands `TURNS` times in a row or more, of up to `CYCLE` tokens, covering
    `SPAN` tokens.

    >>> cycle([7, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4])
    5
    >>> cycle([1, 2, 3, 1, 2, 3])
    """
    for n in range(1, CYCLE + 1):
        long = n * max(TURNS, -(-SPAN // n))
        end = tokens[len(tokens) - long :] if long <= len(tokens) else ()
        if end and all(end[i] == end[i + n] for i in range(long - n)):
            return len(tokens) - long + n
    return None
