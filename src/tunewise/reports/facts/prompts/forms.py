"""How the form of a prompt changed what a model answers, counted over the examples of a split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from tunewise.core.format import listed
from tunewise.core.sanitize import shown
from tunewise.reports.facts.prompts.side_by_side import SideBySide
from tunewise.statistics.replies import holds_together, options_named, repeats_itself


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


def forms(asked: SideBySide) -> list[Form]:
    """Every prompt with what its replies come to."""
    return [_form(asked, place) for place in range(len(asked.prompts))]


def changes(asked: SideBySide) -> list[str]:
    """How far the answers move with the form, from the first prompt of each model on."""
    moves = []
    for places in asked.by_model:
        first, *others = places
        prompt, total = asked.prompts[first], len(asked.items)
        alike = sum(len({one.replies[n].option for n in places}) == 1 for one in asked.items)
        moved = [_moved(asked, first, place) for place in others]
        if moved:
            moves.append(
                f"All {len(places)} prompts on {shown(str(prompt.model))} answer {alike:,} of "
                f"{total:,} examples alike. Against {shown(prompt.name)}, "
                f"{listed(moved, most=len(moved))}."
            )
    return moves


def _moved(asked: SideBySide, first: int, place: int) -> str:
    """How many answers a prompt changes, and from what to what."""
    pairs = zip(asked.replies(first), asked.replies(place), strict=True)
    moved = Counter((a.answer, b.answer) for a, b in pairs if a.option != b.option)
    name = shown(asked.prompts[place].name)
    if not moved:
        return f"{name} changes no answer"
    ways = [f"{count:,} from {shown(a)} to {shown(b)}" for (a, b), count in moved.most_common(2)]
    return f"{name} changes {moved.total():,} ({listed(ways)})"


def _form(asked: SideBySide, place: int) -> Form:
    prompt, replies = asked.prompts[place], asked.replies(place)
    first = next(places[0] for places in asked.by_model if place in places)
    changed = [a.option != b.option for a, b in zip(asked.replies(first), replies, strict=True)]
    texts = [reply.text for reply in replies if reply.text is not None]
    return Form(
        prompt.name,
        prompt.position,
        len(replies),
        _mean([reply.right for reply in replies if reply.right is not None]),
        None if first == place else sum(changed),
        _mean([not text.strip() for text in texts]),
        _mean([reply.understood for reply in replies if reply.text is not None]),
        _mean([len(options_named(text, prompt.words)) == 1 for text in texts]),
        _mean([repeats_itself(text) for text in texts]),
        _mean([holds_together(text, prompt.words) for text in texts]),
        len(set(texts)) / len(texts) if texts else None,
        _mean([len(text.split()) for text in texts]),
    )


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None
