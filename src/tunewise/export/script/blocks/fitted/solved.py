"""A head of one linear layer on a frozen backbone, solved."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from tunewise.export.script.blocks.batches import evaluation_batches
from tunewise.export.script.blocks.constants import CLASSIFIER, LABEL_COLUMN, LABELS

Matrix = NDArray[np.float64]


@torch.no_grad()
def solve(
    model: nn.Module,
    collator: Callable[[list[Any]], Any],
    features: dict[str, list[dict[str, Any]]],
    device: str,
) -> None:
    """Put multinomial logistic regression on the backbone's vectors into the head.

    Its loss is convex, so that there is one solution, whatever the seed. The L2 penalty is the
    one of least validation loss, on vectors scaled feature by feature or all by one scale.
    """
    layer = model.get_submodule(CLASSIFIER)
    assert isinstance(layer, nn.Linear)
    x, y = vectors_of(model, layer, collator, features["train"], device)
    x_val, y_val = vectors_of(model, layer, collator, features["validation"], device)
    best = float("inf")
    for each_feature in (True, False):
        mean = x.mean(0) if layer.bias is not None else np.zeros(x.shape[1])
        squares = ((x - mean) ** 2).mean(0)
        deviation = np.sqrt(squares if each_feature else np.full_like(squares, squares.mean()))
        deviation = np.where(deviation > 0, deviation, 1.0)
        loss, weight, bias = along_the_path(
            (x - mean) / deviation, y, (x_val - mean) / deviation, y_val, layer.bias is not None
        )
        if loss < best:
            best = loss
            weight = weight / deviation  # so that the layer reads plain vectors
            layer.weight.copy_(torch.from_numpy(weight))
            if layer.bias is not None:
                layer.bias.copy_(torch.from_numpy(bias - weight @ mean))


def vectors_of(
    model: nn.Module,
    layer: nn.Linear,
    collator: Callable[[list[Any]], Any],
    features: list[dict[str, Any]],
    device: str,
) -> tuple[Matrix, NDArray[np.int64]]:
    """What the layer reads of each labeled example, (examples, d), and the labels."""
    seen: list[Tensor] = []
    model.eval()
    features = [feature for feature in features if feature[LABEL_COLUMN] is not None]
    rows = np.empty((len(features), layer.in_features))
    hook = layer.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    for places in evaluation_batches([len(f["inputs"]["input_ids"]) for f in features]):
        model(**collator([features[place] for place in places]).to(device).inputs)
        rows[places] = seen.pop().float().cpu().reshape(len(places), -1).numpy()
    hook.remove()
    return rows, np.array([LABELS.index(feature[LABEL_COLUMN]) for feature in features])


def along_the_path(
    x: Matrix, y: NDArray[np.int64], x_val: Matrix, y_val: NDArray[np.int64], has_bias: bool
) -> tuple[float, Matrix, Matrix]:
    """The least validation loss over penalties from strong to weak, with weight and bias."""
    solver: Any = LogisticRegression(
        fit_intercept=has_bias, tol=1e-5, max_iter=1000, warm_start=True
    )
    seen = np.unique(y)
    found: list[tuple[float, Matrix, Matrix]] = []
    best = 0
    for place, strength in enumerate(10 ** (1 - k / 2) for k in range(11)):
        weight = np.zeros((len(LABELS), x.shape[1]))
        bias = np.full(len(LABELS), -30.0 if has_bias else 0.0)  # of classes never seen
        bias[seen] = 0.0
        if len(seen) > 1:
            solver.C = 1 / (len(y) * strength)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                solver.fit(x, y)
            rows = seen if len(seen) > 2 else seen[1:]  # of two classes the first has zeros
            weight[rows] = solver.coef_
            if has_bias:
                bias[rows] = solver.intercept_
        found.append((cross_entropy(x_val @ weight.T + bias, y_val), weight, bias))
        if found[place][0] < found[best][0]:
            best = place
        elif place - best >= 3:  # the losses along a path have one valley
            break
    return found[best]


def cross_entropy(logits: Matrix, labels: NDArray[np.int64]) -> float:
    """The mean cross-entropy in nats."""
    logits = logits - logits.max(1, keepdims=True)
    right = logits[np.arange(len(labels)), labels]
    return float((np.log(np.exp(logits).sum(1)) - right).mean())
