"""Names that a reader takes for the same although their characters differ."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from tunewise.core.errors import Problem
from tunewise.core.format import first_of

# What Unicode lists as ignored by default beside the format characters (fillers, joiners and
# variation selectors), and the blank of Braille.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)


def too_alike(names: Mapping[str, Sequence[str]]) -> list[Problem]:
    """Names that differ only by case, blanks, Unicode form or by characters that cannot be seen.

    Args:
        names: each with the places where it occurs.
    """
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(as_seen(name), []).append(name)
    problems = []
    for group in alike.values():
        if len(group) > 1:
            quoted = " and ".join(f"'{escaped(name)}'" for name in group)
            places = "; ".join(first_of(names[name], 2) for name in group)
            message = (
                f"the labels {quoted} differ only by case, blanks, Unicode form or characters that "
                f"cannot be seen ({places}): one class or several? Write them alike, or map one to "
                "the other: data.clean.labels."
            )
            problems.append(Problem(names[group[-1]][0], message))
    return problems


def as_seen(name: str) -> str:
    """A name without what a reader overlooks.

    >>> as_seen("Gro\u00dfe  Box\u200b") == as_seen("grosse box")
    True
    """
    composed = unicodedata.normalize("NFKC", "".join(c for c in name if not _is_unseen(c)))
    # folding can leave what composes anew
    return " ".join(unicodedata.normalize("NFKC", composed.casefold()).split())


def escaped(name: str) -> str:
    r"""A name with what cannot be seen, and other blanks than the common one, by their numbers.

    >>> print(escaped("a\u200b c\u00a0"))
    a\u200b c\xa0
    """
    return "".join(
        ascii(c)[1:-1] if _is_unseen(c) or (c.isspace() and c != " ") else c for c in name
    )


def _is_unseen(character: str) -> bool:
    if character.isspace():
        return False
    unseen = unicodedata.category(character) in ("Cf", "Cc")
    return unseen or _BLANK.fullmatch(character) is not None
