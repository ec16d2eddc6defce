from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.foundations.attention import (
    Array,
    argmax_attend,
    attend,
    attention,
    jacobian,
    softmax,
    softmax_jacobian,
    weights,
)
from tunewise.foundations.attention_limits import (
    averaging_query,
    copying_margin,
    extraction,
    outside_weight,
    sharpness,
)

KEYS = np.array([[0, 1, 2], [1, 1, 2], [-1, 1, -2], [0, -1, -2]], float)
VALUES = np.array([[3, 2, -4], [3, -2, 4], [3, 2, 0], [3, 2, 4]], float)
QUERY = np.array([-2, 1, 1], float)


def random_case(seed: int) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(seed)
    m, n, h, d = rng.integers(1, 7, size=4)
    return rng.normal(size=(m, h)), rng.normal(size=(n, h)), rng.normal(size=(n, d))


def orthonormal(n: int, h: int) -> Array:
    return np.asarray(np.linalg.qr(np.random.default_rng(0).normal(size=(h, h)))[0][:n])


@pytest.mark.parametrize("seed", range(5))
def test_each_row_of_the_matrix_form_is_one_query(seed: int) -> None:
    Q, K, V = random_case(seed)
    np.testing.assert_allclose(attention(Q, K, V), [attend(q, K, V) for q in Q], atol=1e-14)


@pytest.mark.parametrize("seed", range(5))
def test_attention_is_pytorchs(seed: int) -> None:
    Q, K, V = random_case(seed)
    theirs = torch.nn.functional.scaled_dot_product_attention(
        torch.tensor(Q), torch.tensor(K), torch.tensor(V)
    )
    np.testing.assert_allclose(attention(Q, K, V), theirs.numpy(), atol=1e-12)


def test_weights_do_not_change_when_all_scores_shift() -> None:
    z = np.random.default_rng(0).normal(size=(3, 5))
    np.testing.assert_allclose(softmax(z + 1000), softmax(z), atol=1e-12)


def test_weights_stay_finite_for_huge_scores() -> None:
    assert weights(np.array([1e6, 0.0]), np.eye(2)).tolist() == [1.0, 0.0]


def test_argmax_attention_of_the_worked_instance_is_the_first_value() -> None:
    assert argmax_attend(QUERY, KEYS, VALUES).tolist() == [3, 2, -4]


def test_argmax_takes_the_first_of_equal_keys() -> None:
    assert argmax_attend(np.ones(1), np.ones((3, 1)), np.arange(3.0)[:, None]).tolist() == [0.0]


def test_a_sharpened_softmax_tends_to_argmax() -> None:
    np.testing.assert_allclose(
        attend(1000 * QUERY, KEYS, VALUES), argmax_attend(QUERY, KEYS, VALUES), atol=1e-12
    )


def test_argmax_hands_no_gradient_to_query_and_keys() -> None:
    in_query = jacobian(lambda q: argmax_attend(q, KEYS, VALUES), QUERY)
    in_keys = jacobian(lambda K: argmax_attend(QUERY, K, VALUES), KEYS)
    assert not in_query.any()
    assert not in_keys.any()


def test_argmax_hands_the_values_a_gradient() -> None:
    in_values = jacobian(lambda V: argmax_attend(QUERY, KEYS, V), VALUES)
    np.testing.assert_allclose(in_values[:, 0, :], np.eye(3), atol=1e-9)
    assert not in_values[:, 1:, :].any()


def test_the_softmax_derivative_is_that_of_differences_and_of_pytorch() -> None:
    s = np.random.default_rng(0).normal(size=5)
    ours = softmax_jacobian(softmax(s))
    np.testing.assert_allclose(ours, jacobian(softmax, s), atol=1e-9)
    theirs = torch.autograd.functional.jacobian(lambda z: z.softmax(-1), torch.tensor(s))
    np.testing.assert_allclose(ours, np.asarray(theirs), atol=1e-12)


@pytest.mark.parametrize("n", [2, 5, 100])
@pytest.mark.parametrize("outside", [0.5, 0.01, 1e-6])
def test_the_copying_margin_leaves_exactly_what_was_allowed(n: int, outside: float) -> None:
    scores = np.zeros(n)
    scores[0] = copying_margin(n, outside=outside)
    assert 1 - softmax(scores)[0] == pytest.approx(outside, rel=1e-6)


def test_a_copied_value_is_closer_than_the_bound() -> None:
    rng = np.random.default_rng(1)
    K, V = rng.normal(size=(6, 9)), rng.normal(size=(6, 4))
    lead = K[2] @ K[2] - np.max(np.delete(K, 2, axis=0) @ K[2])
    q = copying_margin(6, outside=1e-4) * 3 / lead * K[2]
    reach = np.linalg.norm(V - V[2], axis=1).max()
    assert np.linalg.norm(attend(q, K, V) - V[2]) <= 1e-4 * reach


@given(seed=st.integers(0, 1000), d=st.integers(2, 12), data=st.data())
@settings(deadline=None)
def test_extraction_recovers_either_half_of_an_average(
    seed: int, d: int, data: st.DataObject
) -> None:
    p = data.draw(st.integers(1, d - 1))
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(d, d)))[0]
    A, B = basis[:, :p], basis[:, p:]
    v_a, v_b = A @ rng.normal(size=p), B @ rng.normal(size=d - p)
    np.testing.assert_allclose(extraction(A) @ (v_a + v_b) / 2, v_a, atol=1e-10)
    np.testing.assert_allclose(extraction(B) @ (v_a + v_b) / 2, v_b, atol=1e-10)


def test_half_an_extraction_is_a_projection() -> None:
    A = np.random.default_rng(0).normal(size=(6, 2))
    P = extraction(A) / 2
    np.testing.assert_allclose(P @ P, P, atol=1e-12)
    np.testing.assert_allclose(P, P.T, atol=1e-12)


@pytest.mark.parametrize(("n", "h"), [(3, 3), (4, 4), (10, 16), (64, 64)])
@pytest.mark.parametrize("c", [0.0, 0.5, 20.0])
def test_the_weight_outside_is_that_of_attention_itself(n: int, h: int, c: float) -> None:
    K = orthonormal(n, h)
    a = weights(averaging_query(K[0], K[1], c), K)
    assert a[2:].sum() == pytest.approx(outside_weight(c, n=n, h=h), abs=1e-12)
    assert a[0] == pytest.approx(a[1])


@pytest.mark.parametrize(("n", "h"), [(3, 3), (4, 4), (10, 16), (64, 64)])
def test_sharpness_is_where_the_weight_outside_falls_below_the_limit(n: int, h: int) -> None:
    c = sharpness(n=n, h=h, outside=1e-3)
    assert c == pytest.approx(np.sqrt(h) * np.log(999 * (n - 2) / 2))
    assert outside_weight(c + 1e-6, n=n, h=h) < 1e-3 < outside_weight(c - 1e-6, n=n, h=h)


def test_half_the_sum_of_the_keys_does_not_average_the_values() -> None:
    V = np.eye(4)
    out = attend(averaging_query(V[0], V[1], 0.5), np.eye(4), V)
    assert out[2:].sum() == pytest.approx(0.438, abs=5e-4)
    assert sharpness(n=4, h=4, outside=1e-3) == pytest.approx(13.81, abs=5e-3)


@pytest.mark.parametrize(("n", "outside", "named"), [(1, 0.1, "n = 1"), (4, 0.0, "outside = 0")])
def test_impossible_demands_are_named(n: int, outside: float, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        sharpness(n=n, h=4, outside=outside)


def test_a_single_key_is_always_copied() -> None:
    assert copying_margin(1, outside=1e-3) == 0


def test_two_keys_need_no_sharpness() -> None:
    assert sharpness(n=2, h=4, outside=1e-3) == 0
    assert outside_weight(0.0, n=2, h=4) == 0
