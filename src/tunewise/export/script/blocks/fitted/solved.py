"""A head of one linear layer on a frozen backbone, solved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tunewise.export.script.blocks.batches import evaluation_batches
from tunewise.export.script.blocks.constants import CLASSIFIER, LABEL_COLUMN, LABELS
from tunewise.export.script.blocks.files import Row
from tunewise.export.script.blocks.fitted.penalty import along_the_path

Matrix = NDArray[np.float64]


@torch.no_grad()
def solve(
    model: nn.Module,
    collator: Callable[[list[Any]], Any],
    features: dict[str, list[Row]],
    device: str,
) -> None:
    """Put multinomial logistic regression on the backbone's vectors into the head.

    Its loss is convex, so that there is one solution, whatever the seed. The L2 penalty is chosen
    on validation, on vectors scaled feature by feature or all by one scale.
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
            ((x - mean) / deviation, y),
            ((x_val - mean) / deviation, y_val),
            # scikit-learn's penalty stands beside the sum of the losses, this one beside their mean
            [1 / (len(y) * 10 ** (1 - k / 2)) for k in range(11)],
            has_bias=layer.bias is not None,
            tol=1e-5,
            max_iter=1000,
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
    features: list[Row],
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
