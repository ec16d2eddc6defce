"""How a contender is trained. No torch, so that a study file is read quickly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tunewise.core.errors import SettingError, refuse_below

OptimizerName = Literal[
    "adamw",
    "adam",
    "sgd",
    "adagrad",
    "adafactor",
    "nadam",
    "radam",
    "rmsprop",
    "own-gd",
    "own-sgd",
    "own-adagrad",
    "own-adam",
]
FULL_BATCH = ("own-gd",)
"""Optimisers whose step is over all training examples, or they are not what their name says."""


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of the one loop. `learning_rate` None means the method's own default.

    `version` rises with a changed default, or with a loop that gives other numbers.
    """

    version: ClassVar[int] = 1

    epochs: int = 3
    batch_size: int = 32  # examples in one step, over all its parts; auto: as many as fit
    accumulate: int = 1  # parts a step is computed in; changes memory, not the gradient
    learning_rate: float | None = None
    optimizer: OptimizerName = "adamw"  # own-: our own rules, from first principles
    weight_decay: float = 0.01  # not on biases and norms
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    warmup: float = 0.06  # fraction of all steps
    clip_norm: float = 1.0
    max_length: int | None = None  # tokens; None: what the model can take, at most 512
    loss_on: Literal["answer", "all"] | None = None  # what is learnt; None: as the task says
    dropout: float | None = None  # of the backbone; None: as its configuration says
    choose: Literal["best", "last"] = "best"  # epoch whose weights count, by the first metric
    patience: int | None = None  # epochs without a better validation score before stopping
    timeout: float | None = None  # seconds for one trial
    gradient_checkpointing: bool = False  # compute a block again in the backward pass: less memory
    precision: Literal["float32", "bfloat16", "float16"] = "float32"  # of the matrix products

    def __post_init__(self) -> None:
        refuse_below(1, self, "epochs", "batch_size", "accumulate", "patience")
        if self.batch_size < self.accumulate:
            right = (
                f"a step of {self.batch_size} examples cannot be computed in more parts than it "
                "has examples."
            )
            raise SettingError("accumulate", self.accumulate, right)
        if self.learning_rate is not None and not 0 < self.learning_rate < 1:
            raise SettingError("learning_rate", self.learning_rate, "a number between 0 and 1.")
        if not 0 <= self.warmup <= 1:
            raise SettingError("warmup", self.warmup, "a fraction of all steps, from 0 to 1.")
        if self.weight_decay < 0:
            raise SettingError("weight_decay", self.weight_decay, "a number from 0 up.")
        if self.clip_norm <= 0:
            raise SettingError("clip_norm", self.clip_norm, "a number above 0.")
        if self.max_length is not None and self.max_length < 4:
            raise SettingError("max_length", self.max_length, "at least 4 tokens.")
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise SettingError("dropout", self.dropout, "from 0 up to, not including, 1.")
        if self.timeout is not None and self.timeout <= 0:
            raise SettingError("timeout", self.timeout, "seconds, above 0.")
