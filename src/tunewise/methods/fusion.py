"""Train the head in which an image's vector and a question's meet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from torch import nn

from tunewise.backbones.fusion import WIDTH, Fusion, FusionHead, Inputs, head_names
from tunewise.backbones.model import Model
from tunewise.core.errors import InputError, SettingError
from tunewise.core.settings import refuse_below, setting
from tunewise.methods.base import METHODS, Adaptation
from tunewise.methods.trained import load_trained, save_trained, train_only


@METHODS.register("fusion")
@dataclass(frozen=True)
class FusionMethod(Adaptation):
    """A linear layer with ReLU on each vector and a linear classifier; the encoders are frozen.

    With `inputs` of one kind alone, the other is left out: what a question gives away by itself,
    and what images add.
    """

    description = "Fusion trains a small classifier on the frozen features of image and question."

    inputs: Inputs = setting("both", "What the classifier sees: both vectors, or one alone.")
    width: int = setting(WIDTH, "Features of each vector before they meet.")

    # As for any head: small random weights on fixed features bear large steps.
    learning_rate = 1e-3
    shards = False
    cannot = MappingProxyType({"write": "it chooses among a few answers"})

    def __post_init__(self) -> None:
        if self.inputs not in ("both", "question", "picture"):
            raise SettingError("inputs", self.inputs, "both, question or picture.")
        refuse_below(1, self, "width")

    @property
    def reads_only(self) -> str | None:
        return None if self.inputs == "both" else self.inputs

    def prepare(self, model: Model) -> None:
        """Raises InputError where the model has no image encoder."""
        module = model.module
        if not isinstance(module, Fusion):
            raise InputError(
                "method fusion: needs an image encoder and a text encoder, as the task "
                "visual-question-answering has; here is one model. Its like is the method head."
            )
        options = module.head.classifier.out_features
        module.head = FusionHead(
            module.image.size, module.text.size, options, width=self.width, inputs=self.inputs
        ).to(model.device)
        model.head = head_names(module)
        train_only(model, model.head)

    def save(self, model: Model, folder: Path) -> None:
        """Write the head by the names of its parameters."""
        save_trained(model, folder)

    def load(self, model: Model, folder: Path) -> None:
        load_trained(model, folder)

    def merged(self, model: Model) -> nn.Module:
        return model.module
