"""The form in which an instruct model is asked: the chat template of its tokenizer.

A template is foreign code that transformers runs in a sandbox. It is only ever rendered: where an
answer begins and what ends it is read off two renderings, so that any template will do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Any, Literal, NamedTuple

from tunewise.backbones.texts import PromptReader, set_apart, special_tokens, spelt
from tunewise.core.errors import InputError, reason

Chat = Literal["auto", "always", "never"]
"""Whether a model is asked in its chat form. `auto`: if its tokenizer has a chat template, and the
prompt does not spell special tokens itself, as one that was written in that form by hand does."""

TODAY = {"%d": "26", "%m": "07", "%b": "Jul", "%B": "July", "%Y": "2024", "%A": "Friday"}
"""Templates that name the day name this one, so that a trial is the same on any."""
CLOCK = "strftime_now"  # what templates ask for the day
QUESTION, ANSWER = "Question", "Answer"  # of the renderings that a template is understood by


class Turn(NamedTuple):
    """What one side says; the role is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True)
class ChatReader:
    """Reads questions as the last turn of a chat, as `PromptReader` reads plain prompts.

    `before` are the turns that stand before every question. What is put into a turn goes through
    `text` first: a special token of the template is one, of a user's text never. `template` stands
    in the place of the tokenizer's own.
    """

    tokenizer: Any
    before: tuple[Turn, ...] = ()
    template: str | None = None

    @property
    def opening(self) -> list[int]:
        """Nothing: the template has the tokens that every prompt begins with."""
        return []

    def text(self, text: str) -> str:
        """A text as it is put into a turn."""
        return self._spells.sub(set_apart, text)

    @cached_property
    def _spells(self) -> re.Pattern[str]:
        return spelt(self.tokenizer)

    def ids(self, questions: Sequence[str]) -> list[list[int]]:
        """The tokens of each chat up to where the answer begins."""
        return self.tokens([self.written(question) for question in questions])

    def written(self, question: str) -> str:
        """The chat up to where the answer begins, as text."""
        return self._asked(question) + self.form.opening

    def answers(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of answers as they stand in the chat, without what ends them."""
        start = self.written(QUESTION)
        behind = [self.form.lead + self.text(text) for text in texts]
        (asked, *whole) = self.tokens([start, *(start + text for text in behind)])
        if all(ids[: len(asked)] == asked for ids in whole):
            return [ids[len(asked) :] for ids in whole]
        return self.tokens(behind)

    @property
    def lead(self) -> str:
        """The blanks before an answer, which belong to its first token."""
        return self.form.lead

    @property
    def end(self) -> tuple[int, ...]:
        """The tokens that the template puts behind an answer, what is special of them last."""
        return self.form.end

    @cached_property
    def form(self) -> Form:
        """What the template has around an answer, read off a question with one."""
        asked = self._asked(QUESTION)
        turns = (*self.before, Turn("user", QUESTION), Turn("assistant", ANSWER))
        whole = self.rendered(turns, answering=False)
        behind = whole.removeprefix(asked) if whole.startswith(asked) else ""
        before, _, after = behind.partition(ANSWER) if ANSWER in behind else ("", "", "")
        if not after:  # it writes a finished turn in another way than it opens one
            after = whole.rpartition(ANSWER)[2]
        blanks = len(before) - len(before.rstrip())
        opening = before[: len(before) - blanks]
        closing = ""
        while found := self._spells.search(after, len(closing)):
            if closing and found.start() > len(closing):
                break
            closing = after[: found.end()]  # of Cohere's newer models two in a row
        return Form(opening, before[len(opening) :], self._ending(after), closing)

    def _ending(self, after: str) -> tuple[int, ...]:
        special = set(special_tokens(self.tokenizer).values())
        (ids,) = self.tokens([after])
        first = next((place for place, id in enumerate(ids) if id in special), None)
        if first is None:
            return (self.tokenizer.eos_token_id,)
        return (*ids[:first], *takewhile(special.__contains__, ids[first:]))

    def _asked(self, question: str) -> str:
        return self.rendered((*self.before, Turn("user", question)), answering=True)

    def rendered(self, turns: Sequence[Turn], *, answering: bool) -> str:
        """A chat of these turns alone; `answering` opens a turn of the assistant behind them.

        Raises:
            InputError: the template does not take them.
        """
        try:
            found: str = self.tokenizer.apply_chat_template(
                [turn._asdict() for turn in turns],
                tokenize=False,
                add_generation_prompt=answering,
                enable_thinking=False,  # what is read is the answer, not what precedes it
                chat_template=self.rendered_by,
            )
        except Exception as error:  # a template may raise whatever it likes
            roles = ", ".join(dict.fromkeys(turn.role for turn in turns))
            name = self.tokenizer.name_or_path or "the model"
            raise InputError(
                f"the chat template of {name} takes no turns of {roles} ({reason(error)}). Leave "
                "out system or shown examples, or ask without it: chat: never."
            ) from error
        return found

    @cached_property
    def rendered_by(self) -> str:
        """The template that chats are rendered by, in which every day is the same."""
        template: str = self.template or self.tokenizer.get_chat_template()
        if CLOCK not in template:
            return template
        day = "".join(f" | replace('{sign}', '{text}')" for sign, text in TODAY.items())
        return f"{{%- macro {CLOCK}(form) -%}}{{{{ form{day} }}}}{{%- endmacro -%}}{template}"

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of rendered texts, in which the template's special tokens are tokens."""
        if not texts:
            return []
        found = self.tokenizer(list(texts), add_special_tokens=False, verbose=False)
        ids: list[list[int]] = found["input_ids"]
        return ids


class Form(NamedTuple):
    """What a template has between a question and its answer, and behind it."""

    opening: str  # belongs to the question
    lead: str  # blanks, which belong to the answer's first token
    end: tuple[int, ...]
    closing: str  # the same as text; "" where no special token ends an answer


def asks_in_chat(tokenizer: Any, chat: Chat, prompt: str) -> bool:
    """Whether a prompt becomes a turn of a chat.

    Raises:
        InputError: it has to, and the tokenizer has no chat template.
    """
    has_template = bool(getattr(tokenizer, "chat_template", None))
    if chat == "always" and not has_template:
        name = getattr(tokenizer, "name_or_path", "") or "the model"
        raise InputError(f"chat: always, and the tokenizer of {name} has no chat template.")
    if chat == "auto":
        return has_template and not spelt(tokenizer).search(prompt)
    return chat == "always"


def reader_of(
    tokenizer: Any, prompt: str, chat: Chat, before: Sequence[Turn] = ()
) -> PromptReader | ChatReader:
    """What reads prompts of this form: in a chat behind the turns `before`, or plainly.

    Raises:
        InputError: as `asks_in_chat`.
    """
    if asks_in_chat(tokenizer, chat, prompt):
        return ChatReader(tokenizer, tuple(before))
    return PromptReader(tokenizer, prompt)
