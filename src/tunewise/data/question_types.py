"""What a question asks for: its question word, and two taxonomies for those about images.

The taxonomies are those of two data sets whose questions were made by type. Elsewhere, as in
DAQUAR, the type is not given and must be derived from the words: the rules below are ours. The
first rule that matches decides, so the order matters.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from re import Pattern

from tunewise.core.errors import InputError, unknown


@dataclass(frozen=True)
class Taxonomy:
    """Types of questions. `types` holds all of them, those that no rule can find included."""

    name: str
    source: str
    types: tuple[str, ...]
    rules: tuple[tuple[str, Pattern[str]], ...]
    otherwise: str  # the type of a question that no rule matches

    def type_of(self, question: str) -> str:
        """The type of a question.

        >>> COCOQA.type_of("How many chairs are there?"), COCOQA.type_of("what is on the desk")
        ('number', 'object')
        """
        for name, pattern in self.rules:
            if pattern.search(question):
                return name
        return self.otherwise

    def counts(self, questions: Iterable[str]) -> dict[str, int]:
        """How many questions are of each type; absent types are there with 0."""
        found = Counter(self.type_of(question) for question in questions)
        return {name: found[name] for name in self.types}


def taxonomy(name: str) -> Taxonomy:
    """The taxonomy of that name.

    Raises:
        InputError: there is none; with the nearest name.
    """
    if name not in TAXONOMIES:
        raise InputError(unknown("taxonomy of questions", name, TAXONOMIES))
    return TAXONOMIES[name]


def _rules(patterns: Mapping[str, str]) -> tuple[tuple[str, Pattern[str]], ...]:
    return tuple((name, re.compile(text, re.IGNORECASE)) for name, text in patterns.items())


# "of color", "what color are", but not "what is the colored thing".
_COLOUR = r"\b(what|which)\b.*\bcolou?rs?\b|\bcolou?r of\b"
_COUNT = r"\bhow many\b|\bnumber of\b|\bcount\b"
_WHERE = (
    r"\bwhere\b|\b(what|which|who)\b[^?]*\b(on|in front|in the middle|inside|in|under|underneath|"
    r"below|beneath|above|over|behind|between|beside|near|next to|left|right|at|around|against|"
    r"to the|across|along|along with|stuck|hanging|hanged)\b"
)

COCOQA = Taxonomy(
    name="cocoqa",
    source="Ren, Kiros and Zemel 2015, arXiv:1505.02074",
    types=("object", "number", "colour", "location"),
    rules=_rules(
        {
            "number": _COUNT,
            "colour": _COLOUR,
            "location": r"\bwhere\b|\b(what|which) (room|place|side)\b",
        }
    ),
    otherwise="object",
)

TDIUC = Taxonomy(
    name="tdiuc",
    source="Kafle and Kanan 2017, arXiv:1703.09684",
    types=(
        "object presence",
        "subordinate object recognition",
        "counting",
        "colour attributes",
        "other attributes",
        "activity recognition",
        "sport recognition",
        "positional reasoning",
        "scene classification",
        "sentiment understanding",
        "object utilities and affordances",
        "absurd",  # a question about something that is not in the image: no rule on words
    ),
    rules=_rules(
        {
            "counting": _COUNT,
            "colour attributes": _COLOUR,
            "sport recognition": r"\bsports?\b|\bgame (is|are)\b",
            "activity recognition": r"\bdoing\b",
            "sentiment understanding": r"\b(feel|feeling|mood|emotion|happy|sad|angry)\b",
            "object utilities and affordances": (
                r"\b(used? for|used to|use of|purpose|can (you|one|be))\b"
            ),
            "scene classification": (
                r"\b(what|which) (kind of |type of )?(room|scene|place|weather)\b|\bindoors?\b|"
                r"\boutdoors?\b"
            ),
            "object presence": r"^\W*(is|are) there\b|^\W*(do|does|can) you see\b",
            "other attributes": (
                r"\b(shape|material|made (of|from|up)|size|pattern|texture|"
                r"largest|biggest|smallest)\b"
            ),
            "positional reasoning": _WHERE,
        }
    ),
    otherwise="subordinate object recognition",
)

TAXONOMIES = {one.name: one for one in (COCOQA, TDIUC)}

_WORD = re.compile(r"\b(what|who|whom|whose|when|where|which|why|how)\b", re.IGNORECASE)
_ALIKE = {"whom": "who", "whose": "who"}


def question_word(question: object) -> str:
    """The first word that asks, wherever it stands; "other" where there is none.

    >>> question_word("In which year?"), question_word("Whose is it?"), question_word("Is it?")
    ('which', 'who', 'other')
    """
    found = _WORD.search(str(question))
    word = found[0].lower() if found else "other"
    return _ALIKE.get(word, word)
