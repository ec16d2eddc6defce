"""Exact match and F1 of written answers, against the rules of SQuAD's script."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.statistics.squad import exact_match, f1, normalized

# The rules of SQuAD's evaluation script, step by step and the slow way, as the oracle.


def official_words(answer: str) -> list[str]:
    """Lower case, then no ASCII punctuation, then no articles, then split at white space."""
    kept = [sign for sign in answer.lower() if sign not in set(string.punctuation)]
    return re.sub(r"\b(a|an|the)\b", " ", "".join(kept)).split()


def official_exact(right: str, message: str) -> float:
    return float(" ".join(official_words(right)) == " ".join(official_words(message)))


def official_f1(right: str, message: str) -> float:
    left, common = official_words(right), 0
    for word in official_words(message):
        if word in left:
            left.remove(word)
            common += 1
    sizes = len(official_words(right)), len(official_words(message))
    if 0 in sizes:
        return float(sizes == (0, 0))
    return 2 * common / sum(sizes)  # 2PR / (P + R) with P and R written out


HOSTILE = (
    *("", " ", "a", "an the", "The", "the the cat", "a-an", "An.", "...", "24–10", "24-10"),
    *("$1,000.50", "1000.5", "U.S.A.", "USA", "İstanbul", "straße", "STRASSE", "ﬁne", "e\u0301"),
    *("é", "theatre", "a\u00a0b", "“quoted”", "it's", "x\ty\nz", "の a の", "\u200bthe", "½", "²"),
)
WORDS = st.lists(
    st.sampled_from(["the", "a", "red", "house", "24", "10", ".", "-", "É"]), max_size=6
)


@pytest.mark.parametrize("answer", HOSTILE)
def test_normalisation_is_the_official_one(answer: str) -> None:
    assert normalized(answer) == " ".join(official_words(answer))


@pytest.mark.parametrize("answer", HOSTILE)
def test_scores_are_the_official_ones(answer: str) -> None:
    for reference in HOSTILE:
        assert exact_match(answer, [reference]) == official_exact(reference, answer)
        assert f1(answer, [reference]) == pytest.approx(official_f1(reference, answer))


@given(st.text(max_size=12) | WORDS.map(" ".join), st.text(max_size=12) | WORDS.map(" ".join))
def test_scores_of_any_text_are_the_official_ones(answer: str, reference: str) -> None:
    assert normalized(answer) == " ".join(official_words(answer))
    assert exact_match(answer, [reference]) == official_exact(reference, answer)
    assert f1(answer, [reference]) == pytest.approx(official_f1(reference, answer))


@given(st.lists(WORDS.map(" ".join), min_size=1, max_size=4), WORDS.map(" ".join))
def test_the_best_of_several_references_counts(references: list[str], answer: str) -> None:
    assert exact_match(answer, references) == max(exact_match(answer, [r]) for r in references)
    assert f1(answer, references) == max(f1(answer, [r]) for r in references)
    assert exact_match(answer, references) <= f1(answer, references) <= 1


def test_no_reference_means_that_nothing_is_to_be_stated() -> None:
    assert (exact_match("", []), f1("", ())) == (1, 1)
    assert (exact_match("Denver", []), f1("Denver", [""])) == (0, 0)
    assert f1("the", [""]) == 1  # nothing is left of it


def test_f1_by_hand() -> None:
    # said: denver broncos won; right: denver broncos of colorado -> 2 common, P 2/3, R 2/4
    assert f1("Denver Broncos won", ["the Denver Broncos of Colorado"]) == pytest.approx(4 / 7)
    # a word said twice counts once where the reference has it once
    assert f1("red red", ["red"]) == pytest.approx(2 / 3)
