"""What a trial is asked and what it leaves: its job, ``result.json`` and ``costs.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from tunewise.core.canonical import JSONObject
from tunewise.store.json_record import OPTIONAL, JSONRecord
from tunewise.store.records import Environment, ParameterCounts, TrialSettings

JobKind = Literal["features", "trial", "test", "probe"]


@dataclass(frozen=True)
class Job(JSONRecord):
    """One process to run, as the worker receives it.

    `id` is the trial's for a trial and its test, the key for stored features. `settings` are
    the trial's, with its seed; for features those of the first trial that needs them.
    `features` is the key of the stored features it needs or makes. What is `promised` is checked
    before training. A trial that goes `until` a step leaves a record of it and a checkpoint.
    """

    kind: JobKind
    id: str
    settings: TrialSettings
    features: str | None = None
    promised: ParameterCounts | None = None  # what the plan has counted
    # bytes
    memory_limit: int | None = field(default=None, metadata=OPTIONAL)
    # threads that may read images beside its own
    helpers: int = field(default=0, metadata=OPTIONAL)
    checkpoint_seconds: float | None = field(default=None, metadata=OPTIONAL)
    until: int | None = field(default=None, metadata=OPTIONAL)
    # trials that the same process trains together with this one
    beside: tuple[Job, ...] = field(default=(), metadata=OPTIONAL)

    @property
    def all(self) -> tuple[Job, ...]:
        """It and those beside it, each as it would be alone."""
        return (replace(self, beside=()), *self.beside)

    @property
    def ranks(self) -> int:
        """The processes that compute it, each on a device of its own.

        What is trained on stored outputs takes one, and so does all but a training.
        """
        devices = (self.settings.training or {}).get("devices")
        alone = self.kind != "trial" or self.features is not None
        return devices if isinstance(devices, int) and not alone else 1

    @property
    def key(self) -> str:
        """A name no other job of the study has: a trial and its test share their id."""
        return f"{self.kind}/{self.id}"


@dataclass(frozen=True)
class Check(JSONRecord):
    """One thing looked for. `passed` is None where it could not be judged; `detail` says why."""

    name: str
    passed: bool | None = None
    detail: str = ""


@dataclass(frozen=True)
class EpochRecord(JSONRecord):
    """An epoch: losses in nats, accuracies and validation metrics as fractions.

    `kept` says that its weights were the best so far.
    """

    epoch: int
    train_loss: float | None = None
    train_accuracy: float | None = None
    validation: Mapping[str, float | None] = field(default_factory=dict)
    kept: bool = False


@dataclass(frozen=True)
class RegularizationRecord(JSONRecord):
    """A head solved at one strength of its penalty: mean losses in nats, without the penalty.

    `standardized` says whether each feature was, or all by one scale. The losses are those after
    the logits were multiplied by `scale`, which suits the validation split best.
    """

    standardized: bool
    strength: float
    train_loss: float
    validation_loss: float
    scale: float = 1.0


@dataclass(frozen=True)
class TokenCounts(JSONRecord):
    """Tokens trained on, without and with padding."""

    real: int = 0
    padded: int = 0


@dataclass(frozen=True)
class TrialResult(JSONRecord):
    """``result.json``: what was computed, a function of the settings alone.

    A test has an id, a status and metrics. Metrics are by split and name, None where undefined.
    """

    id: str
    settings: TrialSettings = field(default_factory=TrialSettings)
    status: str = "done"
    error: str | None = None
    flags: tuple[str, ...] = ()  # such as "degenerate": one answer for every example
    metrics: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    best_epoch: int | None = None
    epochs: tuple[EpochRecord, ...] = ()
    parameters: ParameterCounts | None = None
    steps: int | None = None
    tokens: TokenCounts | None = None
    truncated_share: Mapping[str, float | None] = field(default_factory=dict)  # by split
    checks: tuple[Check, ...] = ()
    # why a training of open length ended: "convergence" of a solver, "patience", or its "limit"
    ended: str | None = field(default=None, metadata=OPTIONAL)
    # strengths that were tried of a head that is solved; least validation loss was taken
    regularization: tuple[RegularizationRecord, ...] | None = field(default=None, metadata=OPTIONAL)
    # ids that do not fit, by split
    left_out: Mapping[str, tuple[str, ...]] | None = field(default=None, metadata=OPTIONAL)
    # at a rung: of each validation example, in nats, in their order, as the task compares rates
    losses: tuple[float, ...] | None = field(default=None, metadata=OPTIONAL)
    # in float16, because their gradients overflowed
    skipped_steps: int | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class TrialBytes(JSONRecord):
    """Sizes in bytes. What else a version measured is in `others`."""

    peak_resident: int | None = None
    artefact: int | None = field(default=None, metadata=OPTIONAL)

    @property
    def others(self) -> dict[str, int]:
        known = ("peak_resident", "artefact")
        return {
            name: value
            for name, value in (self.read or {}).items()
            if name not in known and isinstance(value, int)
        }


@dataclass(frozen=True)
class MemoryRecord(JSONRecord):
    """What the counted step held, in bytes: the most in each phase, and what of which kind."""

    peak_bytes: Mapping[str, int] = field(default_factory=dict)  # by phase
    peak_phase: str | None = None
    weights_bytes: int | None = None
    gradients_bytes: int | None = None
    optimizer_bytes: int | None = None
    activations_bytes: int | None = None  # alive when the backward pass begins
    # by phase, of a GPU: the most that tensors had, and that was reserved for them
    device: Mapping[str, Mapping[str, int]] | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class LatencyRecord(JSONRecord):
    """Seconds of a batch: the median and the 95th percentile over the timed batches."""

    batch_size: int
    median_seconds: float
    p95_seconds: float

    @property
    def examples_per_second(self) -> float:
        return self.batch_size / self.median_seconds


@dataclass(frozen=True)
class TrialCosts(JSONRecord):
    """``costs.json``: what was measured, in seconds and bytes, and where; it differs every time.

    `memory`, `flops_per_step`, `share_of_peak` and `step_seconds` are of one counted step, and
    missing where none was. A test says when the split was opened for it, and how long answers of
    the saved contender take: `at_one` one at a time, `at_best` at the best batch size.
    """

    opened: str | None = field(default=None, metadata=OPTIONAL)
    # more than one: an earlier one was cut short
    openings: tuple[str, ...] = field(default=(), metadata=OPTIONAL)
    started: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)  # by phase, and in total
    bytes: TrialBytes = TrialBytes()
    memory: MemoryRecord | None = None
    flops_per_step: int | None = None
    share_of_peak: float | None = None  # of the machine's matmul throughput
    step_seconds: Mapping[str, float] | None = None  # by phase
    parts_of_a_step: int | None = None
    tokens_per_second: float | None = None
    threads: int | None = None
    device: str | None = field(default=None, metadata=OPTIONAL)
    precision: str | None = field(default=None, metadata=OPTIONAL)
    host: str | None = None
    environment: Environment = field(default_factory=dict)
    at_one: LatencyRecord | None = field(default=None, metadata=OPTIONAL)
    at_best: LatencyRecord | None = field(default=None, metadata=OPTIONAL)
    # the SHA-256 of the marker of the trial's weights
    weights: str | None = field(default=None, metadata=OPTIONAL)
    # The trials that were trained in one process, this one included. Seconds of what was computed
    # for all, and the peak of memory, are then this one's equal share, and no step is counted.
    together: tuple[str, ...] = field(default=(), metadata=OPTIONAL)

    @property
    def total_seconds(self) -> float | None:
        return self.seconds.get("total")

    def as_json(self) -> JSONObject:
        written = super().as_json()
        if self.memory is None:
            for name in ("memory", "flops_per_step", "share_of_peak", "step_seconds"):
                written.pop(name, None)
        return written
