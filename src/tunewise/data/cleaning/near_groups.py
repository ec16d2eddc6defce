"""Groups of texts that are nearly equal, found in a time that grows with the text alone.

Near is what `audit.near_duplicates` calls so: of the runs of three words in either, at least four
fifths are in both. Candidates come from MinHash in bands, and each is checked exactly; a pair
that is near is missed once in some thousands. Nothing depends on a random number of the process:
the same texts give the same groups everywhere.

Source: Broder 1997, On the Resemblance and Containment of Documents; Leskovec, Rajaraman and
Ullman 2014, Mining of Massive Datasets, section 3.4 (bands).
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tunewise.data.audit.near_duplicates import NEAR, RUN, Shingles, jaccard, shingles

BANDS, ROWS = 20, 5  # at a similarity of 0.8, 4 pairs in 10,000 meet in no band
MOST_COMPARED = 8  # rows of one bucket that a further one is compared with
_MIXED = np.random.default_rng(0).integers(1, 2**63, size=(3, BANDS * ROWS), dtype=np.uint64)
_FACTORS = _MIXED[0] | np.uint64(1)

Keys = Sequence[tuple[str, ...]]


def near_groups(keys: Keys) -> list[int]:
    """For each row, the position of the first row of its group; of a row alone, its own.

    Rows are in one group where they are nearly equal, or are connected by rows that are.

    Args:
        keys: of every row its texts, as `text_keys` gives them; of several, each must be near.
    """
    group = list(range(len(keys)))
    runs: dict[int, tuple[Shingles, ...]] = {}  # of the rows that were compared
    buckets: defaultdict[tuple[int, bytes], list[int]] = defaultdict(list)
    words: dict[str, int] = {}
    for place, key in enumerate(keys):
        text = " ".join(key)
        if not text:
            continue
        for band, name in enumerate(_bands(text.split(), words)):
            bucket = buckets[(band, name)]
            for other in bucket:
                if _first(group, other) == _first(group, place):
                    continue
                for at in (place, other):
                    if at not in runs:
                        runs[at] = tuple(map(shingles, keys[at]))
                pairs = zip(runs[place], runs[other], strict=True)
                if all(jaccard(one, two) >= NEAR for one, two in pairs):
                    low, high = sorted((_first(group, place), _first(group, other)))
                    group[high] = low
            if len(bucket) < MOST_COMPARED:
                bucket.append(place)
    return [_first(group, place) for place in range(len(keys))]


def _bands(text: Sequence[str], words: dict[str, int]) -> list[bytes]:
    """The MinHash of the runs of a text, cut into bands."""
    for word in text:
        if word not in words:  # a hash that is the same in every process
            data = word.encode("utf-8", "surrogatepass")
            words[word] = zlib.crc32(data) << 32 | zlib.crc32(data[::-1], 1)
    numbers = np.array([words[word] for word in text], dtype=np.uint64)
    if len(numbers) > RUN:
        stacked = [numbers[at : len(numbers) - RUN + 1 + at] for at in range(RUN)]
        runs = _joined(stacked)
    else:
        runs = _joined([number[None] for number in numbers])
    runs = np.unique(runs)
    signature = np.full(BANDS * ROWS, np.iinfo(np.uint64).max, dtype=np.uint64)
    for start in range(0, len(runs), 4096):
        mixed = (runs[start : start + 4096, None] ^ _MIXED[1]) * _FACTORS
        mixed = (mixed ^ (mixed >> np.uint64(32))) * _MIXED[2]
        signature = np.minimum(signature, (mixed >> np.uint64(16)).min(axis=0))
    return [signature[at : at + ROWS].tobytes() for at in range(0, BANDS * ROWS, ROWS)]


def _joined(parts: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """One number for each run of words; unsigned arithmetic wraps around."""
    total = np.zeros_like(parts[0])
    for part in parts:
        total = (total ^ part) * np.uint64(0x9E3779B97F4A7C15)
        total ^= total >> np.uint64(29)
    return total


def _first(group: list[int], place: int) -> int:
    while group[place] != place:
        group[place] = group[group[place]]
        place = group[place]
    return place
