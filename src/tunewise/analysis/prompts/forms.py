"""How the form of a prompt, and asking in a chat, changed what a model answers on a split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tunewise.analysis.prompts.side_by_side import Prompt, SideBySide
from tunewise.core.format import listed, percent, probability
from tunewise.core.sanitize import shown
from tunewise.statistics.corrections import holm
from tunewise.statistics.paired import mcnemar_of
from tunewise.statistics.replies import holds_together, options_named, repeats_itself
from tunewise.statistics.summary import mean_known

ONLY_IN_CHAT = {"chat", "system"}  # settings


@dataclass(frozen=True)
class Form:
    """One prompt over all examples, with its first seed; rates are fractions.

    What is counted in texts is None where labels were only weighed. `changed` are the examples that
    it answers otherwise than the first prompt on the same model.
    """

    name: str
    position: int
    items: int
    right: float | None
    changed: int | None
    silent: float | None  # texts in which nothing stands
    named: float | None  # texts that name an answer
    one_answer: float | None  # texts that name one and no other
    repeating: float | None  # texts in which some words in a row come twice
    together: float | None  # texts with one answer and no repetition
    different: float | None  # different texts over all
    words: float | None  # of a text, on average


@dataclass(frozen=True)
class ChatForm:
    """One prompt asked plainly and in a chat. `p` is exact McNemar's, by Holm over the prompts.

    It is of the first seed, and None where no label is known.
    """

    plain: Form
    chat: Form
    changed: int  # answers
    p: float | None


def forms(asked: SideBySide) -> list[Form]:
    """Every prompt with what its replies come to."""
    first = {place: places[0] for places in asked.by_model for place in places}
    found = []
    for place, prompt in enumerate(asked.prompts):
        replies = asked.replies(place)
        texts = [reply.text for reply in replies if reply.text is not None]
        form = Form(
            prompt.name,
            prompt.position,
            items=len(replies),
            right=mean_known(reply.right for reply in replies),
            changed=len(asked.moved(first[place], place)) if place != first[place] else None,
            silent=mean_known(not text.strip() for text in texts),
            named=mean_known(one.understood for one in replies if one.text is not None),
            one_answer=mean_known(len(options_named(one, prompt.words)) == 1 for one in texts),
            repeating=mean_known(repeats_itself(text) for text in texts),
            together=mean_known(holds_together(text, prompt.words) for text in texts),
            different=len(set(texts)) / len(texts) if texts else None,
            words=mean_known(len(text.split()) for text in texts),
        )
        found.append(form)
    return found


def changes(asked: SideBySide) -> list[str]:
    """How far the answers move with the form, from the first prompt of each model on."""
    moves = []
    for places in asked.by_model:
        first, *others = places
        prompt, total = asked.prompts[first], len(asked.items)
        alike = sum(len({one.replies[n].option for n in places}) == 1 for one in asked.items)
        moved = []
        for place in others:  # how many answers a prompt changes, and from what to what
            pairs = Counter((one.answer, other.answer) for one, other in asked.moved(first, place))
            ways = [f"{n:,} from {shown(a)} to {shown(b)}" for (a, b), n in pairs.most_common(2)]
            changed = f"{pairs.total():,} ({listed(ways)})" if pairs else "no answer"
            moved.append(f"{shown(asked.prompts[place].name)} changes {changed}")
        if moved:
            moves.append(
                f"All {len(places)} prompts on {shown(str(prompt.model))} answer {alike:,} of "
                f"{total:,} examples alike. Against {shown(prompt.name)}, "
                f"{listed(moved, most=len(moved))}."
            )
    return moves


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
    names = {*plain.settings, *chat.settings} - ONLY_IN_CHAT
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
