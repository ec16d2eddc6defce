"""What it changed to ask by the chat template: the same prompt with it and without, paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunewise.core.format import listed, percent, probability
from tunewise.core.sanitize import shown
from tunewise.reports.facts.prompts.forms import Form
from tunewise.reports.facts.prompts.side_by_side import Prompt, SideBySide
from tunewise.statistics.corrections import holm
from tunewise.statistics.paired import mcnemar_of

BESIDE = ("chat", "system")  # settings that only a chat has


@dataclass(frozen=True)
class ChatForm:
    """One prompt asked plainly and in a chat. `p` is exact McNemar's, by Holm over the prompts.

    It is of the first seed, and None where no label is known.
    """

    plain: Form
    chat: Form
    changed: int  # answers
    p: float | None


def chat_forms(asked: SideBySide, forms: Sequence[Form]) -> list[ChatForm]:
    """Every prompt of which both forms were asked, on one model."""
    pairs = [
        (plain, chat)
        for places in asked.by_model
        for plain in places
        for chat in places
        if _same_but_for_chat(asked.prompts[plain], asked.prompts[chat])
    ]
    right = [[reply.right for reply in asked.replies(n)] for n in range(len(asked.prompts))]
    known = [pair for pair in pairs if None not in right[pair[0]]]
    raw = [mcnemar_of(list(map(bool, right[a])), list(map(bool, right[b]))).exact for a, b in known]
    corrected = dict(zip(known, holm(raw).tolist() if raw else (), strict=True))
    return [
        ChatForm(forms[a], forms[b], len(asked.moved(a, b)), corrected.get((a, b)))
        for a, b in pairs
    ]


def _same_but_for_chat(plain: Prompt, chat: Prompt) -> bool:
    names = {*plain.settings, *chat.settings} - {*BESIDE}
    same = all(plain.settings.get(name) == chat.settings.get(name) for name in names)
    return chat.chat and not plain.chat and same


def what_changed(found: Sequence[ChatForm]) -> list[str]:
    """A sentence for each prompt."""
    sentences = []
    for one in found:
        p = "" if one.p is None else f" (p = {probability(one.p)})"
        rates = (
            ("are right", one.chat.right, one.plain.right, p),
            ("of the texts are empty", one.chat.silent, one.plain.silent, ""),
            ("hold together", one.chat.together, one.plain.together, ""),
        )
        parts = [
            f"{percent(chat)} % {what} instead of {percent(plain)} %{test}"
            for what, chat, plain, test in rates
            if chat is not None and plain is not None
        ]
        changed = f"{one.changed:,} of {one.chat.items:,} answers"
        detail = f": {listed(parts)}" if parts else ""
        sentences.append(f"The chat form changes {changed} of {shown(one.plain.name)}{detail}.")
    return sentences
