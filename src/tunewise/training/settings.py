"""How a contender is trained. No torch, so that a study file is read quickly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from tunewise.core.errors import SettingError
from tunewise.core.settings import refuse_below, setting

OptimizerName = Literal[
    "auto",
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
    "lbfgs",
]
AUTO: Final = "auto"
SOLVER: Final = "lbfgs"
"""Solves a head that is one linear layer on a frozen backbone; there are no steps to set."""
STEPS: Final = "adamw"
"""What `auto` means for all that is not solved."""
READ_BY_SOLVER = ("optimizer", "max_length", "precision", "timeout")
ABOUT_MEMORY = ("batch_size", "accumulate", "devices", "gradient_checkpointing")
"""Settings whose naming does not ask for steps: they say how large one may be."""
Schedule = Literal["linear", "cosine", "constant"]
WHOLE_TENSORS = ("sgd", "adagrad", "adafactor")
"""Optimizers whose kernels take whole tensors, not slices of them."""
FULL_BATCH = ("own-gd",)
"""Optimizers whose step is over all training examples, or they are not what their name says."""
# Where epochs are found: the steps of a training, and the length at which rates are compared.
LEAST_STEPS, MOST_STEPS, MOST_EPOCHS = 200, 3000, 40
SEARCH_EPOCHS = 3  # of the length at which learning rates are compared
DECAY = 0.2  # of the epochs up to the best one, for the decay after it


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of the one loop. `learning_rate` None means the method's own default.

    A study that leaves it unset has it measured; the loop itself is given a number.

    `version` rises with a changed default, or with a loop that gives other results.
    """

    version: ClassVar[int] = 2

    epochs: int | Literal["auto"] = setting(
        "auto",
        "Passes over the training split. `auto`: as many as validation loss falls for, within a "
        "limit.",
    )
    batch_size: int = setting(
        32,
        "Examples in one optimizer step, over all its micro-batches. `auto`: as many as fit "
        "in memory.",
    )
    accumulate: int = setting(
        1, "Micro-batches that a step is computed in. Changes the memory needed, not the gradient."
    )
    learning_rate: float | None = setting(
        None,
        "Peak learning rate. `auto`, which is meant if nothing is said: measured for each "
        "contender. `null`: each method's own default.",
    )
    optimizer: OptimizerName = setting(
        "auto",
        "The update rule; `auto` is adamw, and for a linear head on a frozen backbone lbfgs. "
        "`own-`: our own implementations, from first principles.",
    )
    weight_decay: float = setting(0.01, "Weight decay; biases and norms have none.")
    schedule: Schedule = setting("linear", "How the learning rate changes after the warmup.")
    warmup: float = setting(0.06, "Fraction of all steps in which the learning rate rises.")
    clip_norm: float = setting(
        1.0, "Largest norm of a step's gradient; a longer one is scaled down to it."
    )
    max_length: int | None = setting(
        None, "Tokens of an example. If unset, what the model can take, at most 512."
    )
    loss_on: Literal["answer", "last", "all"] | None = setting(
        None,
        "Tokens that the loss is over where answers are generated: those of the answers, of a "
        "conversation's last answer, or all. If unset, as the task says.",
    )
    dropout: float | None = setting(
        None, "Dropout of the backbone. If unset, as its configuration says."
    )
    choose: Literal["best", "last"] = setting(
        "best",
        "The epoch whose weights count; `best` is by the first metric on validation. With epochs: "
        "auto a score within the noise of the best so far decides nothing; there the loss does.",
    )
    patience: int | None = setting(
        None,
        "Epochs without a better validation score after which training stops; with epochs: auto "
        "those without a lower loss, of which it then needs no more.",
    )
    timeout: float | None = setting(None, "Seconds that one trial may take.")
    devices: int | Literal["auto"] = setting(
        "auto",
        "GPUs that one trial computes on, each some of the micro-batches of every step; without "
        "GPUs, processes. Changes time and memory, not the gradient. `auto`: one, or as many as it "
        "takes where a trial is predicted not to fit one and more are there.",
    )
    shard: bool = setting(
        False,
        "Keep on each of several devices a slice of the weights, the gradients and the optimizer's "
        "state (FSDP2), for a model that does not fit one.",
    )
    gradient_checkpointing: bool = setting(
        False, "Recompute each block in the backward pass, which saves memory and costs time."
    )
    packing: bool = setting(
        False,
        "Let short examples share a row in training, each attending to itself alone: less padding "
        "is computed, and the loss is the same. Where answers are generated.",
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = setting(
        "float32",
        "Format of the numbers in matrix products, and of the frozen matrices they read; what is "
        "trained stays in float32. `auto`: bfloat16 where this machine takes a step faster in it.",
    )
    quantize: Literal["nf4"] | None = setting(
        None,
        "`nf4` keeps frozen matrices in four bits a number; with lora that is QLoRA. Needs "
        "bitsandbytes.",
    )

    def __post_init__(self) -> None:
        refuse_below(1, self, "batch_size", "accumulate", "patience")
        for name in ("epochs", "devices"):
            if getattr(self, name) != AUTO:
                refuse_below(1, self, name)
        right = f"a step of {self.batch_size} examples cannot be computed in more parts than it has"
        if self.batch_size < self.accumulate:
            raise SettingError("accumulate", self.accumulate, f"{right} examples.")
        if self.batch_size < self.parts:
            message = f"{right} examples, and accumulate = {self.accumulate} on each."
            raise SettingError("devices", self.devices, message)
        self._check_slices()
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

    def _check_slices(self) -> None:
        if not self.shard:
            return
        if self.ranks == 1:
            right = "slices for several devices; say how many, such as devices: 4."
            raise SettingError("shard", self.shard, right)
        if self.optimizer in WHOLE_TENSORS:
            right = "takes whole tensors, where shard: true leaves slices of them; adamw can."
            raise SettingError("optimizer", self.optimizer, right)
        if self.quantize is not None:
            right = "matrices in four bits are not sliced; leave out shard: true, or quantize."
            raise SettingError("quantize", self.quantize, right)

    @property
    def ranks(self) -> int:
        """The processes that compute a trial. Where it was left to us and settled, one."""
        return 1 if self.devices == AUTO else self.devices

    @property
    def parts(self) -> int:
        """Micro-batches of a step, over all ranks."""
        return self.accumulate * self.ranks


def search_steps(settings: TrainingSettings, steps_per_epoch: int) -> int:
    """The steps over which learning rates are compared: all, where epochs are named."""
    if settings.epochs != "auto":
        return settings.epochs * steps_per_epoch
    wanted = max(SEARCH_EPOCHS * steps_per_epoch, LEAST_STEPS)
    return min(_whole(wanted, steps_per_epoch), most_steps(settings, steps_per_epoch))


def expected_steps(settings: TrainingSettings, steps_per_epoch: int) -> int:
    """The steps that a training is expected to take: it stops learning by the end of the search
    length, and the decay follows.
    """
    if settings.epochs != "auto":
        return settings.epochs * steps_per_epoch
    wanted = math.ceil((1 + DECAY) * search_steps(settings, steps_per_epoch))
    return min(_whole(wanted, steps_per_epoch), most_steps(settings, steps_per_epoch))


def most_steps(settings: TrainingSettings, steps_per_epoch: int) -> int:
    """The steps that a training takes at most, its decay included."""
    if settings.epochs != "auto":
        return settings.epochs * steps_per_epoch
    most = max(LEAST_STEPS, min(MOST_STEPS, MOST_EPOCHS * steps_per_epoch))
    return _whole(most, steps_per_epoch)


def _whole(steps: int, steps_per_epoch: int) -> int:
    """The steps of the epochs that hold so many."""
    return math.ceil(steps / steps_per_epoch) * steps_per_epoch
