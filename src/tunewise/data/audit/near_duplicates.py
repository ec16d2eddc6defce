"""When two texts count as the same, and finding the nearly same ones.

Same: equal after Unicode normalization, with case, punctuation and blanks left out. Nearly same:
of the runs of three words in either, at least four fifths are in both.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

NEAR = 0.8  # Jaccard similarity of the runs of words
RUN = 3  # words

# Signs only: combining marks and letters of every script carry meaning and stay.
_PUNCTUATION = re.compile(
    "[!-/:-@[-`{-~\u00a1-\u00bf\u2000-\u206f\u2190-\u2bff\u3000-\u303f\ufe00-\ufe0f]+"
)

Shingles = frozenset[int]


def plain(text: str) -> str:
    """The text without case, punctuation and extra blanks.

    A text of nothing but such signs stays as it is, so that ":-)" is not ":-(".

    >>> plain("  Don't PANIC!!"), plain(":-)")
    ('don t panic', ':-)')
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = _PUNCTUATION.sub(" ", folded).split()
    return " ".join(words or folded.split())


def shingles(text: str) -> Shingles:
    """The hashes of all runs of three words of a plain text; of a shorter one, of all of it."""
    words = text.split()
    if len(words) <= RUN:
        return frozenset([hash(tuple(words))])
    return frozenset(map(hash, zip(words, words[1:], words[2:], strict=False)))


def near_pairs(ours: Sequence[Shingles], theirs: Sequence[Shingles]) -> Iterator[tuple[int, int]]:
    """Positions of a text of ours and one of theirs that are nearly the same; one pair for each
    text of ours that has any.

    Exact, not sampled. A text of theirs can only be near one of ours if four fifths of its runs
    occur in ours at all, which few do. Two sets that overlap by four fifths also share one of
    their rarest members, so those few are looked up under their rarest only.

    Source: Bayardo, Ma and Srikant 2007, Scaling Up All Pairs Similarity Search (prefix filter).
    """
    everything = frozenset[int]().union(*ours)
    possible = {
        place: members
        for place, members in enumerate(theirs)
        if len(members & everything) >= NEAR * len(members)
    }
    spread = Counter(item for members in possible.values() for item in members)
    index: defaultdict[int, list[int]] = defaultdict(list)
    for place, members in possible.items():
        for item in _rarest(members, spread):
            index[item].append(place)
    for place, members in enumerate(ours):
        candidates = {other for item in _rarest(members, spread) for other in index.get(item, ())}
        for other in sorted(candidates):
            if jaccard(members, theirs[other]) >= NEAR:
                yield place, other
                break


def jaccard(one: Shingles, other: Shingles) -> float:
    """Shared members as a fraction of all members of two sets, of which one is not empty."""
    small, large = sorted((len(one), len(other)))
    if small < NEAR * large:
        return small / large  # the most it could be, and too little
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def _rarest(members: Shingles, spread: Counter[int]) -> list[int]:
    count = len(members) - math.ceil(NEAR * len(members)) + 1
    return sorted(members, key=lambda item: (spread[item], item))[:count]
