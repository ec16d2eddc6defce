"""How the form of a prompt changed what a model answers, counted over the items of a split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from tunewise.core.format import listed
from tunewise.core.sanitize import shown
from tunewise.reports.facts.prompts.side_by_side import Reply, SideBySide
from tunewise.statistics.replies import holds_together, options_named, repeats_itself


@dataclass(frozen=True)
class Form:
    """One prompt over all items, with its first seed; shares are fractions.

    What is counted in texts is None where labels were only weighed. `changed` are the items that
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
    return [_changes(asked, places) for places in asked.by_model if len(places) > 1]


def _changes(asked: SideBySide, places: Sequence[int]) -> str:
    first, *others = places
    total, prompt = len(asked.items), asked.prompts[first]
    alike = sum(len({item.replies[place].option for place in places}) == 1 for item in asked.items)
    told = [_moved(asked, first, place) for place in others]
    return (
        f"All {len(places)} prompts on {shown(str(prompt.model))} answer {alike:,} of {total:,} "
        f"examples alike. Against {shown(prompt.name)}, {listed(told, most=len(told))}."
    )


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
    texts = [reply.text for reply in replies if reply.text is not None]
    judged = [reply.right for reply in replies if reply.right is not None]
    return Form(
        prompt.name,
        prompt.position,
        len(replies),
        fmean(judged) if judged else None,
        None if first == place else _apart(asked.replies(first), replies),
        _share([not text.strip() for text in texts]),
        _share([reply.understood for reply in replies if reply.text is not None]),
        _share([len(options_named(text, prompt.words)) == 1 for text in texts]),
        _share([repeats_itself(text) for text in texts]),
        _share([holds_together(text, prompt.words) for text in texts]),
        len(set(texts)) / len(texts) if texts else None,
        fmean(len(text.split()) for text in texts) if texts else None,
    )


def _share(flags: Sequence[bool]) -> float | None:
    return fmean(flags) if flags else None


def _apart(ours: Sequence[Reply], theirs: Sequence[Reply]) -> int:
    return sum(one.option != other.option for one, other in zip(ours, theirs, strict=True))
