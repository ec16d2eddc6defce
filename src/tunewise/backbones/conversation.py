"""Conversations as tokens, with the tokens that are the assistant's: for any chat template.

No template is known by name. What stands before an answer is rendered by itself, and has to be how
the whole begins; what an answer ends with is read off a rendering. Where that does not hold, a
model would be trained on something else than it is asked, and the row is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Any, NamedTuple

from tunewise.backbones.chat import Chat, ChatReader, Turn, asks_in_chat
from tunewise.backbones.texts import opening, spelt
from tunewise.core.errors import InputError

PLAIN = (
    "{% for turn in messages %}{% if turn.role == 'assistant' %}"
    "Assistant: {{ turn.content }}{{ eos_token }}\n{% else %}"
    "{{ turn.role.capitalize() }}: {{ turn.content }}\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
"""The form of conversations with a model that has no chat template, such as a base model."""
FIX = "Mend the chat template of the tokenizer, or do without: task.chat: never."


LAST = "Learn the last answer alone, loss_on: last, if that is so of earlier ones only."
TWICE = "begins a conversation twice"
NO_END = "the end of an answer is no token"
NOTHING = "an answer has no token of its own"


class Marked(NamedTuple):
    """A conversation's tokens, and the stretches of them that are answers with what ends them."""

    ids: list[int]
    answers: tuple[tuple[int, int], ...]


class Fault(NamedTuple):
    """Why a conversation cannot be learned from in this form, and what can be done.

    `kind` is the same for all that are refused for the same reason.
    """

    kind: str
    reason: str


class _Broken(ValueError):
    """What the template does, and where that shows in this conversation."""

    def __init__(self, does: str, seen: str = "", *, instead: str = FIX) -> None:
        super().__init__(f"the chat template {does}{seen}. {instead}")
        self.does = does


class _Text(NamedTuple):
    """A rendered conversation, and what of it stands before each answer that is looked for."""

    whole: str
    prompts: list[str]


def conversation_form(tokenizer: Any, chat: Chat) -> str | None:
    """The template that conversations are rendered by; None for the tokenizer's own.

    Raises:
        InputError: it has to be the tokenizer's, which has none.
    """
    if asks_in_chat(tokenizer, chat, ""):
        return None
    first = opening(tokenizer)
    return f"{{{{ bos_token }}}}{PLAIN}" if first == [tokenizer.bos_token_id] else PLAIN


@dataclass(frozen=True)
class ConversationReader:
    """Reads whole conversations, and proves of each where the assistant's turns lie in it."""

    chat: ChatReader

    def read(
        self, conversations: Sequence[Sequence[Turn]], *, last_only: bool = False
    ) -> list[Marked | Fault]:
        """The tokens of each conversation, or why there are none.

        Args:
            conversations: each up to a turn of the assistant. A special token of the template in
                what somebody says is read as text.
            last_only: look for the last answer alone; then templates may write earlier turns
                in another way than they were asked, as those do that leave out what was thought.
        """
        found: list[_Text | Fault] = [
            self._text_or_fault(turns, last_only=last_only) for turns in conversations
        ]
        texts = [one for one in found if isinstance(one, _Text)]
        wholes = iter(self.chat.tokens([one.whole for one in texts]))
        prompts = iter(self.chat.tokens([prompt for one in texts for prompt in one.prompts]))
        read: list[Marked | Fault] = []
        for one in found:
            if isinstance(one, Fault):
                read.append(one)
                continue
            ids, asked = next(wholes), [next(prompts) for _ in one.prompts]
            read.append(self._marked_or_fault(one, ids, asked))
        return read

    def _text_or_fault(self, turns: Sequence[Turn], *, last_only: bool) -> _Text | Fault:
        apart = [Turn(turn.role, self.chat.text(turn.content)) for turn in turns]
        try:
            return self._text(apart, last_only=last_only)
        except _Broken as error:
            return Fault(error.does, str(error))
        except InputError as error:  # it takes no such turns
            return Fault(str(error), str(error))

    def _text(self, turns: Sequence[Turn], *, last_only: bool) -> _Text:
        """The whole as text. Everything that is said stands in it once, in its order."""
        if self._form_fault:
            raise _Broken(self._form_fault)
        whole = self.chat.rendered(turns, answering=False)
        prompts, place = [], 0
        for at, turn in enumerate(turns):
            if turn.role == "assistant" and (not last_only or at == len(turns) - 1):
                asked = self.chat.rendered(turns[:at], answering=True)
                prompts.append(asked + self.chat.form.opening)
                place = self._answer_end(whole, asked, turn.content)
                continue
            said = turn.content.strip()
            if (found := whole.find(said, place)) < 0:
                does = f"leaves out or changes what the {turn.role} says"
                raise _Broken(does, f" ({turn.content!r:.60})")
            place = found + len(said)
        return _Text(whole, prompts)

    @cached_property
    def _form_fault(self) -> str:
        """What the template does wrong with every answer; "" if nothing."""
        form, special = self.chat.form, spelt(self.chat.tokenizer)
        ends = special.findall(form.closing)
        if not ends:
            return "puts no special token behind an answer, so a model would never learn to stop"
        if len(set(ends)) < len(ends):
            return f"ends an answer twice: {form.closing!r}"
        if special.search(form.opening):
            return (
                "opens no turn of the assistant (add_generation_prompt) as it writes one: it lacks "
                f"{form.opening!r:.60}"
            )
        return ""

    def _answer_end(self, whole: str, asked: str, answer: str) -> int:
        """Where the answer with its end stops in the whole, which must begin as it was asked."""
        form = self.chat.form
        if not whole.startswith(asked):
            alike = takewhile(lambda pair: pair[0] == pair[1], zip(whole, asked, strict=False))
            at = sum(1 for _ in alike)
            raise _Broken(
                "writes a conversation in another way once it is answered",
                f": asked {asked[at:]!r:.50}, answered {whole[at:]!r:.50}",
                instead=f"{LAST} {FIX}",
            )
        begin = len(asked) + len(form.opening) + len(form.lead)
        if whole[len(asked) : begin] != form.opening + form.lead:
            seen = f" {whole[len(asked) : begin]!r}, others with {form.opening + form.lead!r}"
            raise _Broken("begins this answer with", seen)
        ways = (answer, answer.rstrip(), answer.lstrip(), answer.strip())
        written = next((way for way in ways if whole.startswith(way, begin)), None)
        if written is None:
            seen = f" {answer!r:.50}: it writes {whole[begin : begin + len(answer)]!r:.50}"
            raise _Broken("changes the answer", seen)
        end = begin + len(written)
        if not whole.startswith(form.closing, end):
            seen = f" {whole[end : end + len(form.closing)]!r}, others with {form.closing!r}"
            raise _Broken("ends this answer with", seen)
        return end + len(form.closing)

    def _marked_or_fault(
        self, text: _Text, ids: list[int], asked: Sequence[list[int]]
    ) -> Marked | Fault:
        tokenizer, end = self.chat.tokenizer, self.chat.form.end[-1]
        if any(ids[: len(one)] != one for one in asked):  # a token would reach over the border
            pieces = self.chat.tokens(_pieces(text))
            starts = [sum(map(len, pieces[: at + 1])) for at in range(len(asked))]
            ids = [id for piece in pieces for id in piece]
        else:
            starts = [len(one) for one in asked]
        if ids[:2] == [tokenizer.bos_token_id] * 2:
            return Fault(TWICE, f"the chat template {TWICE}: {tokenizer.bos_token!r}. {FIX}")
        spans = []
        for start in starts:
            if end not in ids[start:]:
                return Fault(NO_END, f"{NO_END}: {self.chat.form.closing!r}. {FIX}")
            spans.append((start, ids.index(end, start) + 1))
        if any(stop - start < 2 for start, stop in spans):
            return Fault(NOTHING, f"{NOTHING}, so there is nothing to learn.")
        return Marked(ids, tuple(spans))


def _pieces(text: _Text) -> list[str]:
    """The whole, cut where each answer begins."""
    ends = [len(prompt) for prompt in text.prompts]
    starts = [0, *ends]
    return [text.whole[a:b] for a, b in zip(starts, [*ends, len(text.whole)], strict=True)]
