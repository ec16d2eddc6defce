"""Conversations in the forms that people keep them in, as turns of one form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tunewise.core.errors import InputError, Problem, nearest
from tunewise.core.format import first_of, plural
from tunewise.data.table import PLACE, Row, Splits

CONVERSATION = "conversation"  # what stands before the answer, as text
ANSWER = "answer"  # the assistant's last turn
TURNS = "turns"  # all of them, up to the answer

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "chatgpt": "assistant",
}
"""The roles that data name, each with the one that chat templates know."""
PAIRS = (  # of columns, as people name a prompt and its completion
    *(("prompt", "completion"), ("prompt", "response"), ("instruction", "output")),
    *(("instruction", "response"), ("instruction", "completion")),
)
INPUTS = ("input", "context")  # what is put behind an instruction
KEYS = (("role", "content"), ("from", "value"))  # OpenAI's and ShareGPT's
LOOKED_AT = 20  # rows
FORM = "a list of {role: user, content: ...} or {from: human, value: ...}"


class Said(NamedTuple):
    """What one side says; the role is system, user or assistant."""

    role: str
    content: str


class _Fault(ValueError):
    """Why a row is no conversation, without its place."""


@dataclass(frozen=True)
class Columns:
    """Where conversations stand: whole in one column, or as a prompt and its completion.

    `input` is a column whose text is put behind the prompt where it is not empty, as Alpaca's.
    """

    messages: str = "messages"
    prompt: str | None = None
    input: str | None = None
    completion: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Those that a row must have."""
        return (*self.asked_in, self.completion) if self.completion else self.asked_in

    @property
    def asked_in(self) -> tuple[str, ...]:
        """Those of a row that is to be answered."""
        if self.prompt is None:
            return (self.messages,)
        return tuple(name for name in (self.prompt, self.input) if name)

    def turns(self, row: Mapping[str, Any]) -> tuple[Said, ...]:
        """The turns of a row up to the assistant's last one, which is the answer.

        Raises:
            ValueError: it is no conversation, or nobody answers in it.
        """
        if self.prompt is None:
            turns = _listed(row.get(self.messages), self.messages)
        else:
            turns = self._pair(row)
        last = max((at for at, turn in enumerate(turns) if turn.role == "assistant"), default=-1)
        if last < 0:
            raise _Fault("no turn of the assistant, so there is nothing to learn.")
        turns = turns[: last + 1]
        _check_order(turns)
        return tuple(turns)

    def asked(self, row: Mapping[str, Any]) -> tuple[Said, ...]:
        """The turns of a row that is to be answered, up to the user's last one.

        Raises:
            InputError: it is no conversation, or nobody asks in it.
        """
        try:
            if self.prompt is None:
                turns = _listed(row.get(self.messages), self.messages)
            else:
                turns = self._prompt(row)
            last = max((at for at, turn in enumerate(turns) if turn.role == "user"), default=-1)
            if last < 0:
                raise _Fault("no turn of the user, so there is nothing to answer.")
            turns = turns[: last + 1]
            _check_order(turns)
        except _Fault as fault:
            raise InputError([Problem(str(row.get(PLACE, row.get("id"))), str(fault))]) from fault
        return tuple(turns)

    def _prompt(self, row: Mapping[str, Any]) -> list[Said]:
        asked, more = (row.get(name) if name else None for name in (self.prompt, self.input))
        if isinstance(asked, list):
            return _listed(asked, str(self.prompt))
        text = _text(asked, str(self.prompt))
        if more not in (None, ""):
            text = f"{text}\n\n{_text(more, str(self.input))}"
        return [Said("user", text)]

    def _pair(self, row: Mapping[str, Any]) -> list[Said]:
        answer = row.get(str(self.completion))
        if isinstance(answer, list):
            return [*self._prompt(row), *_listed(answer, str(self.completion))]
        return [*self._prompt(row), Said("assistant", _text(answer, str(self.completion)))]


def conversation_columns(names: Sequence[str], rows: Sequence[Row]) -> Columns | None:
    """Where these rows hold conversations, by their form, or a prompt and its completion, by their
    names; None where they hold none.
    """
    for prompt, completion in PAIRS:
        if {prompt, completion} <= {*names}:
            more = next((one for one in INPUTS if one in names), None)
            return Columns(prompt=prompt, completion=completion, input=more)
    for name in names:
        values = [row.get(name) for row in rows[:LOOKED_AT]]
        if values and all(map(_is_listed, values)):
            return Columns(messages=name)
    return None


def _is_listed(value: Any) -> bool:
    try:
        return bool(_listed(value, ""))
    except _Fault:
        return False


def shaped(splits: Splits, columns: Columns) -> Splits:
    """The rows with their turns, what stands before the answer as a text, and the answer.

    Raises:
        InputError: all rows that are no conversation, by what is wrong with them.
    """
    found: Splits = {}
    wrong: dict[str, list[str]] = {}
    for name, rows in splits.items():
        found[name] = []
        for row in rows:
            try:
                turns = columns.turns(row)
            except _Fault as fault:
                wrong.setdefault(str(fault), []).append(row[PLACE])
                continue
            stored = [turn._asdict() for turn in turns]
            made = {CONVERSATION: as_text(turns[:-1]), ANSWER: turns[-1].content, TURNS: stored}
            found[name].append({**row, **made})
    problems = []
    for reason, places in sorted(wrong.items(), key=lambda one: one[1][0]):
        also = f" So in {plural(len(places), 'row')} ({first_of(places)})."
        problems.append(Problem(places[0], reason + also * (len(places) > 1)))
    if problems:
        raise InputError(problems)
    return found


def said(turns: Sequence[Mapping[str, str]]) -> tuple[Said, ...]:
    """Turns as `shaped` stores them."""
    return tuple(Said(turn["role"], turn["content"]) for turn in turns)


def as_text(turns: Sequence[Said]) -> str:
    r"""Turns as a text to be read and compared: of a single one its words alone.

    >>> as_text([Said("user", "Hi")]), as_text([Said("system", "Be brief."), Said("user", "Hi")])
    ('Hi', 'system: Be brief.\nuser: Hi')
    """
    if len(turns) == 1:
        return turns[0].content
    return "\n".join(f"{role}: {content}" for role, content in turns)


def _listed(value: Any, column: str) -> list[Said]:
    if isinstance(value, str) and value.lstrip().startswith("["):  # JSON in a cell of a table
        try:
            value = json.loads(value)
        except ValueError:
            raise _Fault(f"'{column}' is no JSON; it must be {FORM}.") from None
    if not isinstance(value, list) or not value:
        raise _Fault(f"'{column}' is {_shown(value)}; it must be {FORM}.")
    return [_turn(one, f"{column}[{at}]") for at, one in enumerate(value)]


def _turn(value: Any, where: str) -> Said:
    keys = next((keys for keys in KEYS if isinstance(value, dict) and {*keys} <= {*value}), None)
    if keys is None:
        raise _Fault(
            f"'{where}' is {_shown(value)}; a turn has role and content, or from and value."
        )
    role, content = (value[key] for key in keys)
    if not isinstance(role, str) or role.strip().lower() not in ROLES:
        if role in ("tool", "function", "tool_call", "function_call", "observation"):
            raise _Fault(
                f"'{where}' is a turn of a tool, which is not read: leave such rows out, or write "
                "the call and its result into turns of user and assistant."
            )
        known = nearest(str(role), ROLES)
        raise _Fault(f"'{where}': role {_shown(role)} is not known. {known}")
    if value.get("tool_calls"):
        raise _Fault(f"'{where}' calls tools, which is not read: leave such rows out.")
    return Said(ROLES[role.strip().lower()], _content(content, where))


def _content(value: Any, where: str) -> str:
    """A turn's text, which may come in parts."""
    if isinstance(value, list):
        found = [part.get("text") if isinstance(part, dict) else part for part in value]
        parts = [part for part in found if isinstance(part, str)]
        if len(parts) < len(found):
            raise _Fault(f"'{where}' holds something other than text, which is not read.")
        value = "".join(parts)
    return _text(value, where)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _Fault(f"'{where}' is {_shown(value)}, not a text.")
    return value


def _check_order(turns: Sequence[Said]) -> None:
    """Sides take turns, each says something, and the system speaks first if at all."""
    for before, turn in zip((None, *turns), turns, strict=False):
        if not turn.content.strip():
            raise _Fault(f"a turn of the {turn.role} is empty.")
        if turn.role == "system" and before is not None:
            raise _Fault("a turn of the system stands behind others; it must be the first.")
        if before is not None and before.role == turn.role:
            raise _Fault(
                f"two turns of the {turn.role} in a row; put them together, as chat templates "
                "expect the sides to take turns."
            )
    speaking = [turn.role for turn in turns if turn.role != "system"]
    if speaking[0] != "user":
        raise _Fault("the assistant speaks before the user; chat templates begin with the user.")


def _shown(value: Any) -> str:
    return f"{value!r:.80}"
