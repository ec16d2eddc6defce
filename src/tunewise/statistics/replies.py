"""What can be counted in a text that answers with one of several options."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

RUN = 4  # words in a row that may not come twice


def options_named(text: str, words: Sequence[str]) -> tuple[int, ...]:
    """The options whose word stands in a text, whatever its case, in the order of first mention.

    >>> options_named("It is not FALSE, it is true: true.", ["True", "False"])
    (1, 0)
    >>> options_named("Falsehoods all.", ["True", "False"])
    ()
    """
    by_length = sorted(range(len(words)), key=lambda at: -len(words[at]))
    ways = "|".join(f"({re.escape(words[at].strip())})" for at in by_length)
    found = re.finditer(rf"(?<!\w)(?:{ways})(?!\w)", text, re.IGNORECASE)
    places = (by_length[one.lastindex - 1] for one in found if one.lastindex is not None)
    return tuple(dict.fromkeys(places))


def repeats_itself(text: str, *, run: int = RUN) -> bool:
    """Whether some run of words comes twice, whatever their case.

    >>> repeats_itself("Bats are not blind. Bats are not blind.")
    True
    >>> repeats_itself("Bats are not blind, and bats are not birds.")
    False
    """
    words = re.findall(r"\w+", text.lower())
    runs = Counter(tuple(words[at : at + run]) for at in range(len(words) - run + 1))
    return max(runs.values(), default=0) > 1


def holds_together(text: str, words: Sequence[str]) -> bool:
    """A text that names one option and no other, and does not repeat itself.

    That is as much of coherence as can be counted without a judge: a text that takes both sides,
    takes none or goes round in circles explains nothing. Whether its reasons are good it cannot
    tell.

    >>> holds_together("True. It stands near Cairo.", ["False", "True"])
    True
    >>> holds_together("True, or perhaps false.", ["False", "True"])
    False
    """
    return len(options_named(text, words)) == 1 and not repeats_itself(text)
