"""A Wengert list: what a framework does to differentiate."""

from __future__ import annotations

import numpy as np

from tunewise.foundations.autodiff import backward, forward
from tunewise.foundations.network import NAMES, STEPS, Network, symbolic, wengert, worked_instance
from tunewise.foundations.topic import Check, Topic, difference, vector


def explain() -> Topic:
    network, x, y = worked_instance()
    values = forward(STEPS, {**{name: getattr(network, name) for name in NAMES}, "x": x, "y": y})
    derivatives = backward(STEPS, values)

    return Topic(
        statement=(
            "The computation is written as a list of steps, each one operation on earlier names. "
            "Forwards it yields values, which are kept; backwards each step turns the derivative "
            "of its output into those of its inputs. Written directly are the backward functions "
            "of three operations, from each operation alone: the squared distance, the affine "
            "map (used in two steps) and the ReLU. Only L's starts from nothing but values, as "
            "dL/dL = 1; each of the others is handed the derivative of its output. Every gradient "
            "of the network is then one of their results and needs no formula of its own. That "
            "is what frameworks take off one's hands: they record the list while the forward "
            "pass runs, keep the values the backward pass will need, bring a tested backward "
            "function for every operation, add up where a name is used twice, and batch the "
            "work for the hardware. Left to us: to write the forward pass, to say what is "
            "trained, and to write a backward function for an operation they do not have."
        ),
        derivation=(
            "step              backward function, d = dL/d(output)   symbolic derivative",
            "1 q = W1 x + b1   dW1 = d x'    db1 = d    (dx = W1'd)  dL/dW1, dL/db1",
            "2 h = ReLU(q)     dq = d * 1[q > 0]                     dL/dq",
            "3 p = W2 h + b2   dW2 = d h'    db2 = d    dh = W2'd    dL/dW2, dL/db2, dL/dh",
            "4 L = |p - y|^2   dp = 2 (p - y) d,  d = 1              dL/dp",
            "",
            "run backwards: 4, 3, 2, 1",
        ),
        quantities=(
            *(
                (f"step {i}: {step}", vector(np.atleast_1d(values[step.output])))
                for i, step in enumerate(STEPS, 1)
            ),
            ("dL/dp, from step 4", vector(derivatives["p"])),
            ("dL/dh, from step 3", vector(derivatives["h"])),
            ("dL/dq, from step 2", vector(derivatives["q"])),
            ("dL/db1, from step 1", vector(derivatives["b1"])),
            ("dL/dW1, row 1, from step 1", vector(derivatives["W1"][0])),
        ),
        checks=(
            Check(
                "every gradient against its symbolic form, worked instance",
                largest(network, x, y),
                0,
            ),
            Check(
                "the same on 20 random networks of random sizes",
                max(largest(*random_case(seed)) for seed in range(20)),
                1e-10,
            ),
        ),
        source="Wengert 1964, CACM 7(8); Griewank and Walther 2008, ch. 3.",
    )


def largest(network: Network, x: np.ndarray, y: np.ndarray) -> float:
    """The largest difference between list and symbolic form, over all gradients and q."""
    listed, by_hand = wengert(network, x, y), symbolic(network, x, y)
    return max(difference(listed[name], by_hand[name]) for name in by_hand)


def random_case(seed: int) -> tuple[Network, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    k, m, o = rng.integers(1, 8, size=3)
    shapes = ((m, k), (m,), (o, m), (o,))
    network = Network(*(rng.normal(size=shape) for shape in shapes))
    return network, rng.normal(size=k), rng.normal(size=o)
