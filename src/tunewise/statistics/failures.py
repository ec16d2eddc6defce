"""What is wrong with a written answer, and what kind of question it was asked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tunewise.statistics.squad import exact_match, f1, normalized

KINDS = {
    "empty": "says nothing",
    "unanswerable": "answers where the context does not tell",
    "loop": "repeats itself",
    "copied question": "says the question again",
    "too long": "holds the right answer and more",
    "partial span": "is a part of the right answer",
    "some overlap": "shares a word with the right answer, and goes another way",
    "wrong type": "has no word in common, and is not of the kind that was asked for",
    "no overlap": "has no word in common",
}
"""Every kind of failure by name, in the order in which they are looked for."""

_ASKED = re.compile(r"\b(how many|how much|whom?|whose|when|where|which|why|how|what)\b")
_YEAR = re.compile(r"\bwhat (year|date|day|month|century|decade)\b")
_NUMBER_WORDS = (
    *("zero", "no", "none", "one", "two", "three", "four", "five", "six", "seven", "eight"),
    *("nine", "ten", "eleven", "twelve", "dozen", "twenty", "thirty", "forty", "fifty"),
    *("hundred", "thousand", "million", "billion", "half", "several", "few", "both"),
)
_TIMES = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december", "monday", "tuesday", "wednesday", "thursday"),
    *("friday", "saturday", "sunday", "century", "spring", "summer", "autumn", "fall", "winter"),
    *("before", "after", "during", "until", "today", "yesterday", "morning", "night", "year"),
    *("years", "ago", "when", "since", "early", "late", "era", "age", "war"),
)
SAME = 0.8  # F1 with the question from which on an answer only repeats it
LOOP = 3  # times that a word or a short phrase stands in a row


def failure(
    question: str, answer: str, references: Sequence[str], *, stopped: str = "end"
) -> str | None:
    """Why an answer is no exact match, one of `KINDS`; None where it is one.

    Args:
        question: as it was asked.
        answer: what was written.
        references: all right answers; none, or an empty one, where the context does not tell.
        stopped: why the writing ended; ``loop`` is believed.

    >>> failure("Who won?", "the Denver Broncos won", ["Denver Broncos"])
    'too long'
    >>> failure("How many teams?", "Denver", ["32"])
    'wrong type'
    """
    if exact_match(answer, references):
        return None
    words_written = normalized(answer).split()
    right = [words for one in references if (words := normalized(one).split())]
    signs = {
        "empty": not words_written,
        "unanswerable": not right,
        "loop": stopped == "loop" or _repeats(words_written),
        "copied question": len(words_written) > 2 and f1(answer, [question]) >= SAME,
        "too long": any(_within(words, words_written) for words in right),
        "partial span": any(_within(words_written, words) for words in right),
        "some overlap": f1(answer, references) > 0,
        "wrong type": not _is_of_kind(question, answer),
    }
    return next((kind for kind, holds in signs.items() if holds), "no overlap")


def question_word(question: str) -> str:
    """What is asked for: who, when, where, which, why, how many, how much, how, what, other.

    The first such word counts, wherever it stands.

    >>> question_word("In what year did it end?"), question_word("Name the winner.")
    ('when', 'other')
    """
    plain = question.lower()
    if _YEAR.search(plain):
        return "when"
    found = _ASKED.search(plain)
    if found is None:
        return "other"
    return "who" if found[1] in ("whom", "whose") else found[1]


def _within(inner: Sequence[str], outer: Sequence[str]) -> bool:
    size = len(inner)
    return any(list(outer[at : at + size]) == list(inner) for at in range(len(outer) - size + 1))


def _repeats(words: Sequence[str]) -> bool:
    """Whether a phrase of up to four words stands several times in a row."""
    for size in range(1, 5):
        for at in range(len(words) - LOOP * size + 1):
            phrase = words[at : at + size]
            if all(
                words[at + turn * size : at + (turn + 1) * size] == phrase for turn in range(LOOP)
            ):
                return True
    return False


def _is_of_kind(question: str, answer: str) -> bool:
    """Whether an answer could be one, by its form alone; in doubt it could."""
    words = answer.lower().split()
    is_number = any(sign.isdigit() for sign in answer) or any(
        word.strip(".,") in _NUMBER_WORDS for word in re.split(r"[\s-]", answer.lower())
    )
    only_digits = bool(words) and all(re.fullmatch(r"[\d.,$%/-]+", word) for word in words)
    match question_word(question):
        case "how many" | "how much":
            return is_number
        case "when":
            return is_number or any(word.strip(".,") in _TIMES for word in words)
        case "who" | "where":
            return not only_digits
        case _:
            return True
