"""How well a written answer agrees with the reference answers: SQuAD's exact match and F1.

As the official script does it (Rajpurkar et al. 2016, evaluate-v1.1.py and evaluate-v2.0.py):
answers are compared without case, ASCII punctuation, the articles a, an, the, and extra blanks;
of several references the one that agrees best counts.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalized(answer: str) -> str:
    """The answer as it is compared.

    Only ASCII punctuation goes, and nothing takes its place: ``24-10`` becomes ``2410``.

    >>> normalized("The  Denver Broncos!"), normalized("an apple-a day")
    ('denver broncos', 'applea day')
    """
    plain = answer.lower().translate(_WITHOUT_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def exact_match(answer: str, references: Sequence[str]) -> float:
    """1 where the answer equals a reference, else 0.

    No reference, or an empty one, means that the right answer is to say nothing.

    >>> exact_match("the Broncos", ["Denver Broncos", "Broncos"]), exact_match("", [])
    (1.0, 1.0)
    """
    answered = normalized(answer)
    return float(any(answered == normalized(reference) for reference in references or ("",)))


def f1(answer: str, references: Sequence[str]) -> float:
    """The best overlap of words with a reference: the harmonic mean of precision and recall.

    Where the answer or the reference is empty, it is 1 if both are and otherwise 0.

    >>> f1("Denver Broncos of Colorado", ["Denver Broncos"])
    0.666...
    """
    answered = normalized(answer).split()
    return max(_f1(answered, normalized(reference).split()) for reference in references or ("",))


def _f1(answered: Sequence[str], right: Sequence[str]) -> float:
    if not answered or not right:
        return float(answered == right)
    common = sum((Counter(answered) & Counter(right)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(answered), common / len(right)
    return 2 * precision * recall / (precision + recall)
