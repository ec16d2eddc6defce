from __future__ import annotations

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from tunewise.training.batches import evaluation_batches, parts_of, training_batches

LENGTHS = st.lists(st.integers(1, 200), min_size=1, max_size=400)


@given(LENGTHS, st.integers(1, 40), st.integers(0, 5), st.integers(1, 5))
def test_each_example_occurs_once_in_an_epoch(
    lengths: list[int], size: int, seed: int, epoch: int
) -> None:
    batches = training_batches(lengths, size, seed=seed, epoch=epoch)
    assert sorted(chain.from_iterable(batches)) == list(range(len(lengths)))
    assert all(1 <= len(batch) <= size for batch in batches)
    assert len(batches) == -(-len(lengths) // size)


@given(LENGTHS, st.integers(1, 40))
def test_evaluation_sees_each_example_once(lengths: list[int], size: int) -> None:
    batches = evaluation_batches(lengths, size)
    assert sorted(chain.from_iterable(batches)) == list(range(len(lengths)))


def padding(batches: list[list[int]], lengths: list[int]) -> float:
    padded = sum(max(lengths[place] for place in batch) * len(batch) for batch in batches)
    return padded / sum(lengths)


def test_buckets_remove_most_padding() -> None:
    lengths = [5 + (place * 7919) % 60 for place in range(2000)]
    batches = training_batches(lengths, 32, seed=0, epoch=1)
    in_order = [list(range(start, min(start + 32, 2000))) for start in range(0, 2000, 32)]
    assert padding(in_order, lengths) > 1.6
    assert padding(batches, lengths) < 1.1


def test_epochs_and_seeds_differ_and_repeat() -> None:
    lengths = list(range(100))
    first = training_batches(lengths, 8, seed=0, epoch=1)
    assert first == training_batches(lengths, 8, seed=0, epoch=1)
    assert first != training_batches(lengths, 8, seed=0, epoch=2)
    assert first != training_batches(lengths, 8, seed=1, epoch=1)


@given(st.lists(st.integers(), min_size=1, max_size=50), st.integers(1, 60))
def test_parts_keep_every_example_and_none_is_empty(batch: list[int], count: int) -> None:
    parts = parts_of(batch, count)
    assert list(chain.from_iterable(parts)) == batch
    assert all(parts)
    assert len(parts) == min(count, len(batch))
