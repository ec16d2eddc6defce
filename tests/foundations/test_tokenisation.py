from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from tunewise.foundations.tokenisation import BPE, MARK, join, learn

SPECIAL = ("[PAD]", "[UNK]", "[MASK]")

# Few letters make ties and repeats; the others are there for their code points and widths.
WORDS = st.text(alphabet="abcé😀", min_size=1, max_size=8)
TEXTS = st.lists(WORDS, max_size=8).map(" ".join)
CORPORA = st.lists(TEXTS, min_size=1, max_size=6)


def library(
    corpus: list[str],
    size: int,
    *,
    special: tuple[str, ...] = (),
    unknown: str | None = None,
    min_count: int = 0,
) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token=unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme="always"),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(special),
        min_frequency=min_count,
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    return tokenizer


def merges(tokenizer: Tokenizer) -> list[tuple[str, str]]:
    return [(a, b) for a, b in json.loads(tokenizer.to_str())["model"]["merges"]]


def vocabulary(tokenizer: Tokenizer) -> list[str]:
    places = tokenizer.get_vocab()
    return sorted(places, key=lambda token: places[token])


@given(corpus=CORPORA, size=st.integers(1, 60), new=TEXTS)
@settings(deadline=None, max_examples=200)
def test_learning_and_applying_are_the_librarys(corpus: list[str], size: int, new: str) -> None:
    ours, theirs = learn(corpus, size=size), library(corpus, size)
    assert list(ours.merges) == merges(theirs)
    assert list(ours.vocabulary) == vocabulary(theirs)
    for text in [*corpus, new]:
        assert ours.encode(text) == theirs.encode(text).tokens


@given(corpus=CORPORA, new=st.text(alphabet="abxyz ", max_size=20))
@settings(deadline=None)
def test_unknown_characters_and_special_tokens_are_the_librarys(
    corpus: list[str], new: str
) -> None:
    ours = learn(corpus, size=40, special=SPECIAL, unknown="[UNK]")
    theirs = library(corpus, 40, special=SPECIAL, unknown="[UNK]")
    assert list(ours.vocabulary) == vocabulary(theirs)
    assert ours.encode(new) == theirs.encode(new).tokens
    assert ours.token_ids(new) == theirs.encode(new).ids


@given(corpus=CORPORA, min_count=st.integers(1, 4))
@settings(deadline=None)
def test_rare_pairs_are_left_apart_as_by_the_library(corpus: list[str], min_count: int) -> None:
    ours = learn(corpus, size=100, min_count=min_count)
    assert list(ours.merges) == merges(library(corpus, 100, min_count=min_count))


def test_a_merge_that_spells_a_special_token_is_the_librarys_too() -> None:
    corpus = ["ab ab abc"]
    ours, theirs = learn(corpus, size=20, special=("ab",)), library(corpus, 20, special=("ab",))
    assert list(ours.merges) == merges(theirs)
    assert list(ours.vocabulary) == vocabulary(theirs)


@given(corpus=CORPORA, size=st.integers(1, 60))
@settings(deadline=None)
def test_decoding_gives_the_text_back(corpus: list[str], size: int) -> None:
    bpe = learn(corpus, size=size)
    for text in corpus:
        assert bpe.decode(bpe.encode(text)) == " ".join(text.split())


@given(corpus=CORPORA, size=st.integers(1, 60))
@settings(deadline=None)
def test_a_larger_vocabulary_goes_on_from_a_smaller(corpus: list[str], size: int) -> None:
    smaller, larger = learn(corpus, size=size), learn(corpus, size=size + 5)
    assert larger.merges[: len(smaller.merges)] == smaller.merges


def test_the_most_frequent_pair_comes_first_by_hand() -> None:
    # "ug" stands in 5 + 2 words, "▁h" and "hu" in 5 + 1; then "▁h" in 6, "h ug" in 5.
    bpe = learn(["hug " * 5 + "rug " * 2 + "hut"], size=8)
    assert bpe.vocabulary[:6] == ("g", "h", "r", "t", "u", "▁")
    assert bpe.merges == (("u", "g"), ("▁", "h"))


def test_overlapping_pairs_are_joined_from_the_left() -> None:
    assert join(list("aaaaa"), ("a", "a")) == ["aa", "aa", "a"]


def test_an_unknown_character_without_a_token_for_it_is_left_out() -> None:
    assert learn(["ab"], size=3).encode("axb") == [MARK, "a", "b"]


@pytest.mark.parametrize("corpus", [[], [""], [" "]])
def test_an_empty_corpus_gives_an_empty_tokenizer(corpus: list[str]) -> None:
    assert learn(corpus, size=10) == BPE((), ())
