from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.foundations.masking import IGNORED, Masked, mask_tokens

PAD, MASK, VOCABULARY = 0, 1, 50


def masked(
    seed: int, fraction: float = 0.15, shape: tuple[int, ...] = (20, 30)
) -> tuple[np.ndarray, Masked]:
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, VOCABULARY, size=shape)
    result = mask_tokens(
        tokens, mask=MASK, vocabulary=VOCABULARY, special={PAD, MASK}, rng=rng, fraction=fraction
    )
    return tokens, result


@given(seed=st.integers(0, 10_000), fraction=st.floats(0, 1))
@settings(deadline=None)
def test_labels_are_originals_at_chosen_places_and_ignored_elsewhere(
    seed: int, fraction: float
) -> None:
    tokens, (inputs, labels) = masked(seed, fraction)
    chosen = labels != IGNORED
    assert (labels[chosen] == tokens[chosen]).all()
    assert (inputs[~chosen] == tokens[~chosen]).all()
    assert not np.isin(tokens[chosen], [PAD, MASK]).any()


def test_the_fractions_are_eighty_ten_ten() -> None:
    tokens, (inputs, labels) = masked(0, shape=(1000, 200))
    chosen, words = labels != IGNORED, ~np.isin(tokens, [PAD, MASK])
    # Half a point is about four standard errors of the smallest of these samples.
    assert chosen.sum() / words.sum() == pytest.approx(0.15, abs=0.005)
    drawn = 0.1 / VOCABULARY
    assert (inputs[chosen] == MASK).mean() == pytest.approx(0.8 + drawn, abs=0.01)
    assert (inputs[chosen] == tokens[chosen]).mean() == pytest.approx(0.1 + drawn, abs=0.007)


def test_random_tokens_come_from_the_whole_vocabulary() -> None:
    tokens, (inputs, labels) = masked(0, shape=(1000, 200))
    random = (labels != IGNORED) & (inputs != tokens) & (inputs != MASK)
    assert set(inputs[random]) == set(range(VOCABULARY)) - {MASK}


@pytest.mark.parametrize(("fraction", "expected"), [(0.0, 0.0), (1.0, 1.0)])
def test_the_extremes_choose_nothing_and_everything(fraction: float, expected: float) -> None:
    tokens, (_, labels) = masked(0, fraction)
    words = ~np.isin(tokens, [PAD, MASK])
    assert (labels[words] != IGNORED).mean() == expected


def test_the_same_seed_masks_the_same() -> None:
    _, first = masked(3)
    _, second = masked(3)
    np.testing.assert_array_equal(first.inputs, second.inputs)


def test_the_original_stays_as_it_is() -> None:
    tokens = np.full((4, 4), 7)
    mask_tokens(
        tokens, mask=1, vocabulary=9, special=(), rng=np.random.default_rng(0), fraction=1.0
    )
    assert (tokens == 7).all()


@pytest.mark.parametrize(
    ("fraction", "mask", "named"), [(1.5, 1, "fraction = 1.5"), (0.1, 50, "mask = 50")]
)
def test_impossible_settings_are_named(fraction: float, mask: int, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        mask_tokens(
            np.ones((1, 1), int),
            mask=mask,
            vocabulary=VOCABULARY,
            special=(),
            rng=np.random.default_rng(0),
            fraction=fraction,
        )
