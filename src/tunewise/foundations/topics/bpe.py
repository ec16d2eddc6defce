"""Byte-pair encoding, learned from a corpus."""

from __future__ import annotations

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from tunewise.foundations.tokenisation import BPE, MARK, learn
from tunewise.foundations.topic import Check, Topic

CORPUS = (
    "the room is quiet and the room is light",
    "a light room with a quiet garden and a low rent",
    "the lower the rent the smaller the room",
    "the quietest rooms are the lowest and the lightest",
)
NEW = "the quieter garden rooms rent slower"
SIZE = 60


def library(corpus: tuple[str, ...], size: int) -> Tokenizer:
    """The same tokenizer by the ``tokenizers`` library."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme="always"),
        ]
    )
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False)
    tokenizer.train_from_iterator(corpus, trainer)
    return tokenizer


def unequal(ours: BPE, theirs: Tokenizer, texts: tuple[str, ...]) -> int:
    """How many texts the two cut differently."""
    return sum(ours.encode(text) != theirs.encode(text).tokens for text in texts)


def explain() -> Topic:
    ours, theirs = learn(CORPUS, size=SIZE), library(CORPUS, SIZE)
    places = theirs.get_vocab()
    texts, size = (*CORPUS, NEW), len(ours.vocabulary)
    return Topic(
        statement=(
            "Start from characters. Again and again, find the pair of neighboring tokens seen "
            "most often in the corpus and make it one token, until the vocabulary is as large as "
            "wanted. Frequent words end up whole, rare ones in pieces, and no word is unknown as "
            "long as its characters are known. To encode a text, apply the merges in the order "
            "in which they were learned."
        ),
        derivation=(
            "count of a pair = sum over words (how often the word occurs) x (pairs in it)",
            "most frequent first; of equal pairs, the one whose tokens are older",
            "words are cut at white space and start with the mark, so nothing is lost:",
            "joining the tokens and reading the mark as a space gives the text back",
        ),
        quantities=(
            (
                "characters, merges, vocabulary",
                f"{size - len(ours.merges)}, {len(ours.merges)}, {size}",
            ),
            ("first merges", "  ".join("+".join(pair) for pair in ours.merges[:6])),
            ("a known text", " ".join(ours.encode(CORPUS[0])[:8])),
            ("a new text", " ".join(ours.encode(NEW)[:12])),
        ),
        checks=(
            Check(
                "vocabulary against the tokenizers library: tokens in another place",
                sum(places.get(token) != i for i, token in enumerate(ours.vocabulary))
                + abs(len(places) - len(ours.vocabulary)),
                0,
            ),
            Check("texts cut differently by the library", unequal(ours, theirs, texts), 0),
            Check(
                "texts not given back by decoding",
                sum(ours.decode(ours.encode(text)) != text for text in texts),
                0,
            ),
        ),
        source="Sennrich, Haddow and Birch 2016, arXiv:1508.07909.",
    )
