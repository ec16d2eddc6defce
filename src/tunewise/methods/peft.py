"""Every method of the PEFT library, by PEFT's own settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from torch import Tensor, nn

from tunewise.backbones.model import Model
from tunewise.backbones.modules import ALL_LINEAR
from tunewise.core.canonical import OPEN, JSONObject, Settings, settings_of
from tunewise.core.settings import described
from tunewise.methods import peft_adalora, peft_files, peft_model
from tunewise.methods.base import METHODS, Adaptation, OpenSettings, State, Unpacked
from tunewise.methods.peft_folder import FOLDER, read_folder
from tunewise.methods.peft_settings import (
    PROMPTS,
    RATE,
    RATES,
    configuration,
    defaults,
    kinds,
    known_type,
    label,
    refused,
)

ADALORA = "ADALORA"
# Types whose correction is nothing at first, by PEFT's own initial values.
START_AT_BASE = {"LORA", "ADALORA", "IA3", "LOHA", "LOKR", "LN_TUNING", "OFT", "BOFT", "VERA"}


@METHODS.register("peft")
@dataclass(frozen=True)
class PEFTMethod(Adaptation):
    """An adapter of the PEFT library and the head are trained; the settings are PEFT's.

    `target_modules` may also name our roles, such as attention. Where it names nothing and PEFT
    has no choice for the family, query and value are adapted. Instead of settings,
    ``folder: PATH`` takes those of an experiment of PEFT's method comparison.
    """

    description = (
        "Methods of the PEFT library run as it builds them, in the same loop on the same batches."
    )

    peft_type: str = field(metadata=described("PEFT's name of the method, such as IA3."))
    config: Settings = field(default_factory=dict, metadata={OPEN: True})

    needs_weights = True
    shards = False
    one_value: ClassVar[Mapping[str, str]] = {
        "peft_type": "each type has settings of its own: write an entry for each."
    }

    def __post_init__(self) -> None:
        known_type(self.peft_type)
        own = defaults(self.peft_type)
        changed = {n: v for n, v in self.config.items() if n not in own or v != own[n]}
        object.__setattr__(self, "config", changed)
        configuration(self.peft_type, self.config)

    @classmethod
    def label(cls, settings: Settings) -> str:
        return label(settings)

    @classmethod
    def unpacked(cls, settings: Settings, base: Path) -> Unpacked:
        return read_folder(settings, base) if FOLDER in settings else Unpacked(dict(settings), {})

    @classmethod
    def opened(cls, settings: Settings) -> OpenSettings:
        name = known_type(settings["peft_type"])
        return OpenSettings(kinds(name), refused(name))

    def open_defaults(self) -> JSONObject:
        return defaults(self.peft_type)

    @classmethod
    def default_rate(cls, settings: Settings) -> float:
        """The default learning rate of a type; the reasons stand with the table."""
        return RATES.get(settings["peft_type"], RATE)

    @property
    def version(self) -> int:  # type: ignore[override]  # it depends on the settings
        """2 since `all-linear` leaves a language model's output layer out, and since a module that
        is trained whole is no longer tied to another.
        """
        targets = self.config.get("target_modules") or ()
        everything = ALL_LINEAR in ((targets,) if isinstance(targets, str) else targets)
        return 2 if everything or self.config.get("modules_to_save") else 1

    @property
    def learning_rate(self) -> float:  # type: ignore[override]  # it depends on the settings
        return self.default_rate(settings_of(self))

    @property
    def starts_at_base(self) -> bool:  # type: ignore[override]  # it depends on the settings
        return self.peft_type in START_AT_BASE and "init_lora_weights" not in self.config

    @property
    def saves_all(self) -> bool:  # type: ignore[override]  # it depends on the settings
        return self.peft_type not in PROMPTS  # of a prompt's encoder PEFT keeps what it put out

    def prepare(self, model: Model) -> None:
        peft_model.apply(model, self.peft_type, self.config)

    def begin(self, model: Model, steps: int) -> None:
        if self.peft_type == ADALORA:
            peft_adalora.begin(model, steps)

    def penalty(self, model: Model) -> Tensor | None:
        return peft_adalora.penalty(model) if self.peft_type == ADALORA else None

    def after_step(self, model: Model, step: int) -> None:
        if self.peft_type == ADALORA:
            peft_adalora.after_step(model, step)

    def state(self, model: Model) -> State:
        return peft_adalora.state(model) if self.peft_type == ADALORA else State({}, {})

    def restore(self, model: Model, state: State) -> None:
        if self.peft_type == ADALORA:
            peft_adalora.restore(model, state)

    def save(self, model: Model, folder: Path) -> None:
        peft_files.save(model, folder)

    def load(self, model: Model, folder: Path) -> None:
        peft_files.load(model, folder)

    def merged(self, model: Model) -> nn.Module | None:
        return peft_model.merged(model)

    def folded(self, model: Model) -> nn.Module | None:
        return peft_model.folded(model)
