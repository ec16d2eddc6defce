"""The model as it comes, shown a few answered conversations first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import MappingProxyType

from tunewise.backbones.model import Model
from tunewise.core.files import read_json, write_json
from tunewise.core.settings import refuse_below, setting
from tunewise.data.examples import Example
from tunewise.methods.base import METHODS, AsIs
from tunewise.methods.frozen import check_base, write_base
from tunewise.methods.trained import train_only

FILE = "shown.json"


@METHODS.register("few-shot")
@dataclass(frozen=True)
class FewShot(AsIs):
    """The pretrained model without any training, shown conversations of train before each question.

    They are drawn by seed, and stand as earlier turns of the chat. Where not all fit into the
    maximum length, the first of them are left out.
    """

    description = (
        "Few-shot prompting shows the base model a few answered examples of the training split as "
        "earlier turns of the conversation (in-context learning); it has no trainable parameters."
    )

    shots: int = setting(4, "Examples that are shown, drawn from the training split by seed.")

    cannot = MappingProxyType(
        {
            "choose": "'prompt' with style: few-shot shows examples where labels are chosen",
            "question-answering": "examples are shown as turns of a conversation; task chat has "
            "these",
        }
    )

    def __post_init__(self) -> None:
        refuse_below(1, self, "shots")

    def prepare(self, model: Model) -> None:
        train_only(model, ())

    def shown(self, train: Sequence[Example], seed: int) -> tuple[Example, ...]:
        known = [example for example in train if example.references]
        return tuple(Random(seed).sample(known, min(self.shots, len(known))))

    def save(self, model: Model, folder: Path) -> None:
        """Write which model it was; `save_shown` writes the rest."""
        write_base(model, folder)

    def load(self, model: Model, folder: Path) -> None:
        check_base(model, folder)

    def save_shown(self, shown: Sequence[Example], folder: Path) -> None:
        content = [
            {
                "id": example.id,
                "texts": example.texts,
                "references": example.references,
                "turns": example.turns,
            }
            for example in shown
        ]
        write_json(folder / FILE, {"shown": content})

    def load_shown(self, folder: Path) -> tuple[Example, ...]:
        return tuple(
            Example(
                one["id"],
                tuple(one["texts"]),
                references=tuple(one["references"]),
                turns=tuple((role, content) for role, content in one["turns"]),
            )
            for one in read_json(folder / FILE)["shown"]
        )
