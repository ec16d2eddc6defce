"""Byte-pair encoding, learned from a corpus and applied.

Text is cut at white space, and each word starts with ``▁`` so that joining the tokens gives the
text back. A word begins as its characters; each merge joins two neighboring tokens into one.

Source: Sennrich, Haddow and Birch 2016, arXiv:1508.07909, section 3.2; the mark ``▁`` from Kudo
and Richardson 2018, arXiv:1808.06226. Order and ties follow the ``tokenizers`` library.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

MARK = "▁"

Pair = tuple[str, str]


@dataclass(frozen=True)
class BPE:
    """A learned tokenizer.

    ``vocabulary`` lists the tokens; a token's place is its number. ``merges`` stand in the order
    in which they were learned, which is also the order in which they apply.
    """

    vocabulary: tuple[str, ...]
    merges: tuple[Pair, ...]
    unknown: str | None = None

    @cached_property
    def places(self) -> dict[str, int]:
        """Each token's number."""
        return {token: place for place, token in enumerate(self.vocabulary)}

    @cached_property
    def ranks(self) -> dict[Pair, int]:
        """Each merge's place in the order, the one learned first being 0."""
        return {pair: rank for rank, pair in enumerate(self.merges)}

    def encode(self, text: str) -> list[str]:
        """The tokens of a text. A character never seen becomes ``unknown``, or is left out."""
        return [
            token
            for word in words(text)
            for token in apply(self.ranks, [c if c in self.places else self.unknown for c in word])
        ]

    def token_ids(self, text: str) -> list[int]:
        """The same as places in the vocabulary."""
        return [self.places[token] for token in self.encode(text)]

    def decode(self, tokens: Iterable[str]) -> str:
        """The text, with one space wherever it had white space."""
        return "".join(tokens).replace(MARK, " ").removeprefix(" ")


def words(text: str) -> list[str]:
    """The words of a text, each with its mark.

    >>> words("to be")
    ['▁to', '▁be']
    """
    return [MARK + word for word in text.split()]


def learn(
    corpus: Iterable[str],
    *,
    size: int,
    special: Sequence[str] = (),
    unknown: str | None = None,
    min_count: int = 1,
) -> BPE:
    """Learn merges until the vocabulary has ``size`` tokens or no pair is left.

    The vocabulary starts with ``special``, then the corpus' characters by code point. Each round
    joins the pair seen most often; of equal pairs, the one whose tokens came first into the
    vocabulary. A merge that spells a special token shares its place.

    >>> learn(["low low lower"], size=9).merges
    (('l', 'o'), ('▁', 'lo'), ('▁lo', 'w'))
    """
    counts = Counter(word for text in corpus for word in words(text))
    characters = sorted({c for word in counts for c in word})
    places = {token: place for place, token in enumerate(dict.fromkeys([*special, *characters]))}
    pairs = Pairs(counts)
    merges: list[Pair] = []

    while len(places) < size and pairs.seen:
        best = min(
            pairs.seen, key=lambda pair: (-pairs.seen[pair], places[pair[0]], places[pair[1]])
        )
        if pairs.seen[best] < min_count:
            break
        merges.append(best)
        places.setdefault("".join(best), len(places))
        pairs.merge(best)

    return BPE(tuple(places), tuple(merges), unknown)


class Pairs:
    """The words of a corpus as they are cut now, and how often each pair of neighbours occurs.

    A merge looks only at the words that hold the pair.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = counts
        self.cut = {word: list(word) for word in counts}
        self.seen: Counter[Pair] = Counter()
        self.holders: defaultdict[Pair, set[str]] = defaultdict(set)
        for word in counts:
            self._count(word, 1)

    def merge(self, pair: Pair) -> None:
        """Join every occurrence of a pair in every word."""
        for word in self.holders.pop(pair):
            self._count(word, -1)
            self.cut[word] = join(self.cut[word], pair)
            self._count(word, 1)

    def _count(self, word: str, sign: int) -> None:
        for pair in pairwise(self.cut[word]):
            self.seen[pair] += sign * self.counts[word]
            if self.seen[pair]:
                self.holders[pair].add(word)
            else:
                del self.seen[pair]


def join(tokens: Sequence[str], pair: Pair) -> list[str]:
    """Join every occurrence of a pair, from the left.

    >>> join(["a", "a", "a"], ("a", "a"))
    ['aa', 'a']
    """
    joined: list[str] = []
    i = 0
    while i < len(tokens):
        if tuple(tokens[i : i + 2]) == pair:
            joined.append(tokens[i] + tokens[i + 1])
            i += 2
        else:
            joined.append(tokens[i])
            i += 1
    return joined


def apply(ranks: dict[Pair, int], tokens: Sequence[str | None]) -> list[str]:
    """Join the pair learned first, leftmost first, until no neighbours were ever joined."""
    left = [token for token in tokens if token is not None]
    while True:
        found = [(ranks[pair], i) for i, pair in enumerate(pairwise(left)) if pair in ranks]
        if not found:
            return left
        _, i = min(found)
        left[i : i + 2] = [left[i] + left[i + 1]]
