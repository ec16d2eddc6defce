from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import linear

from tunewise.foundations.autodiff import (
    AFFINE,
    LINEAR,
    RELU,
    SQUARED_DISTANCE,
    Array,
    Operation,
    Step,
    backward,
    finite_difference,
    forward,
    scaled_sum,
)
from tunewise.foundations.network import (
    NAMES,
    STEPS,
    Network,
    by_differences,
    loss,
    predict,
    sgd_update,
    symbolic,
    symbolic_by_index,
    wengert,
    worked_instance,
)

Case = tuple[Network, Array, Array]


def by_pytorch(network: Network, x: Array, y: Array) -> dict[str, Array]:
    t = {name: torch.tensor(getattr(network, name), requires_grad=True) for name in NAMES}
    h = linear(torch.tensor(x), t["W1"], t["b1"]).relu()
    (linear(h, t["W2"], t["b2"]) - torch.tensor(y)).square().sum().backward()
    return {name: np.asarray(array.grad) for name, array in t.items()}


WAYS = {
    "matrix": symbolic,
    "index": symbolic_by_index,
    "wengert": wengert,
    "pytorch": by_pytorch,
    "differences": by_differences,
}


def random_case(seed: int) -> Case:
    rng = np.random.default_rng(seed)
    k, m, o = rng.integers(1, 8, size=3)
    shapes = ((m, k), (m,), (o, m), (o,))
    network = Network(*(rng.normal(size=shape) for shape in shapes))
    return network, rng.normal(size=k), rng.normal(size=o)


@pytest.mark.parametrize("way", ["index", "wengert", "pytorch"])
@pytest.mark.parametrize("seed", range(10))
def test_all_ways_agree_on_random_networks(way: str, seed: int) -> None:
    case = random_case(seed)
    for name in NAMES:
        np.testing.assert_allclose(
            WAYS[way](*case)[name], symbolic(*case)[name], atol=1e-10, rtol=1e-10
        )


@pytest.mark.parametrize("seed", range(5))
def test_differences_agree_away_from_the_kink(seed: int) -> None:
    case = random_case(seed)
    network, x, _ = case
    q = network.W1 @ x + network.b1
    assert np.abs(q).min() > 2.0**-7 * max(1, np.abs(x).max())  # no step crosses it
    for name in NAMES:
        np.testing.assert_allclose(by_differences(*case)[name], symbolic(*case)[name], atol=1e-9)


@pytest.mark.parametrize("way", WAYS)
def test_the_worked_instance_by_hand(way: str) -> None:
    # q = h = (66, 53); dL/dp = 2 (943, 1214, 933) = (1886, 2428, 1866)
    # dL/dq[1] = 11*1886 + 8*2428 + 6*1866 = 51366, times x_1 = 2
    # dL/dq[2] = 4*1886 + 13*2428 + 10*1866 = 57768
    gradients = WAYS[way](*worked_instance())
    assert gradients["W1"][0, 0] == 102_732
    assert gradients["b1"][1] == 57_768
    assert gradients["b2"].tolist() == [1886, 2428, 1866]


def test_the_worked_instance_forwards_by_hand() -> None:
    network, x, y = worked_instance()
    assert predict(network, x).tolist() == [947, 1219, 941]
    assert loss(network, x, y) == 943**2 + 1214**2 + 933**2 == 3_233_534


def test_the_derivative_in_q_is_also_that_of_the_list() -> None:
    case = worked_instance()
    np.testing.assert_array_equal(symbolic(*case)["q"], wengert(*case)["q"])


def test_a_unit_that_is_off_gets_no_gradient() -> None:
    network, x, y = worked_instance()
    off = Network(-network.W1, -network.b1, network.W2, network.b2)
    assert not symbolic(off, x, y)["W1"].any()
    assert not wengert(off, x, y)["W1"].any()


def test_the_kink_counts_as_off_as_in_pytorch() -> None:
    q = torch.zeros(1, requires_grad=True)
    q.relu().backward()
    assert q.grad is not None
    (ours,) = RELU.backward(np.ones(1), np.zeros(1), np.zeros(1))
    assert ours.tolist() == q.grad.tolist()


def test_sgd_updates_one_weight_as_the_formula_says() -> None:
    network, x, y = worked_instance()
    after = sgd_update(network, x, y, 1e-6)
    p = predict(network, x)
    slope = sum(2 * (p[i] - y[i]) * network.W2[i, 0] for i in range(3)) * x[1]
    assert after.W1[0, 1] == pytest.approx(8 - 1e-6 * slope, rel=1e-12)


def test_sgd_is_pytorchs() -> None:
    network, x, y = worked_instance()
    after = sgd_update(network, x, y, 1e-6)
    for name in NAMES:
        w = torch.nn.Parameter(torch.tensor(getattr(network, name)))
        w.grad = torch.tensor(symbolic(network, x, y)[name])
        torch.optim.SGD([w], lr=1e-6).step()
        np.testing.assert_allclose(getattr(after, name), w.detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("operation", "shapes"),
    [
        (LINEAR, ((4, 3), (3,))),
        (LINEAR, ((4, 3), (2, 5, 3))),
        (AFFINE, ((4, 3), (3,), (4,))),
        (AFFINE, ((4, 3), (6, 3), (4,))),
        (RELU, ((5,),)),
        (SQUARED_DISTANCE, ((5,), (5,))),
        (scaled_sum(0.5), ((2, 3), (2, 3))),
    ],
    ids=lambda value: value.name if isinstance(value, Operation) else str(value),
)
def test_every_backward_function_is_the_derivative_of_its_forward(
    operation: Operation, shapes: tuple[tuple[int, ...], ...]
) -> None:
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=shape) for shape in shapes]
    output = operation.forward(*inputs)
    d = rng.normal(size=np.shape(output))
    for i, (at, ours) in enumerate(
        zip(inputs, operation.backward(d, output, *inputs), strict=True)
    ):

        def along(value: Array, i: int = i) -> float:
            return float(np.sum(d * operation.forward(*inputs[:i], value, *inputs[i + 1 :])))

        numeric = [
            finite_difference(along, at, place, step=2.0**-12) for place in np.ndindex(at.shape)
        ]
        np.testing.assert_allclose(ours, np.reshape(numeric, at.shape), atol=1e-6)


def test_a_name_used_twice_gets_the_sum_of_both_uses() -> None:
    steps = (Step("y", scaled_sum(3.0), ("x", "x")),)
    values = forward(steps, {"x": np.array([2.0])})
    assert backward(steps, values)["x"].tolist() == [4.0]


def test_a_value_the_loss_does_not_depend_on_gets_no_derivative() -> None:
    steps = (Step("unused", RELU, ("x",)), Step("h", RELU, ("z",)))
    values = forward(steps, {"x": np.ones(1), "z": np.ones(1)})
    assert "x" not in backward(steps, values)


def test_a_step_before_its_input_is_an_error_that_names_both() -> None:
    with pytest.raises(ValueError, match=r"'h = relu\(q\)' comes before its input 'q'"):
        forward(STEPS[1:], {"x": np.ones(2)})


def test_setting_a_name_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match="a second time"):
        forward((STEPS[1], STEPS[1]), {"q": np.ones(2)})
