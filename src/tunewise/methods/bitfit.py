"""Train the biases and the head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from torch import nn

from tunewise.backbones.model import Model
from tunewise.core.errors import InputError
from tunewise.methods.base import METHODS, Adaptation
from tunewise.methods.trained import load_trained, save_trained, train_only


@METHODS.register("bitfit")
@dataclass(frozen=True)
class BitFit(Adaptation):
    """Every bias of the backbone, norms included, and the head are trained.

    Source: Ben Zaken et al. 2021, arXiv:2106.10199.
    """

    description = "BitFit {ben-zaken-2021} trains the biases and the classifier."
    references = MappingProxyType(
        {
            "ben-zaken-2021": "E. Ben Zaken, S. Ravfogel, and Y. Goldberg, “BitFit: Simple "
            "parameter-efficient fine-tuning for transformer-based masked language-models,” "
            "arXiv:2106.10199, 2021."
        }
    )

    # The paper searches 1e-4 to 1e-3: biases are few, and bear more than matrices do.
    learning_rate = 5e-4
    starts_at_base = True

    def prepare(self, model: Model) -> None:
        """Raises InputError where the backbone has no bias, as in Llama."""
        names = [name for name, _ in model.module.named_parameters()]
        biases = [n for n in names if n.endswith(".bias") and n not in model.head]
        if not biases:
            raise InputError("bitfit: this model has no biases to train; Llama's family has none.")
        train_only(model, [*biases, *model.head])

    def save(self, model: Model, folder: Path) -> None:
        save_trained(model, folder)

    def load(self, model: Model, folder: Path) -> None:
        load_trained(model, folder)

    def merged(self, model: Model) -> nn.Module:
        return model.module
