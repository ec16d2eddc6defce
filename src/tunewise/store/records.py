"""What ``study.json`` holds: a study with its contenders, their search points and their data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tunewise.core.canonical import JSONObject, Settings
from tunewise.store.json_record import KEY, OPTIONAL, JSONRecord

IN_CHAT = "prompts by the chat template"
"""What `ModelRecord.reads` says of a model that is asked in a chat without the study saying so."""

Environment = Mapping[str, str | int | None]
"""Versions of packages and the hardware, as `core.environment` tells them."""


@dataclass(frozen=True)
class ParameterCounts(JSONRecord):
    """Parameters of a model with its method, each counted once."""

    total: int = 0
    trainable: int = 0
    head: int = 0


@dataclass(frozen=True)
class ModelRecord(JSONRecord):
    """A backbone: where it was found, its commit on the hub, and a hash of its content."""

    source: str = ""
    revision: str | None = None
    # unknown of a folder that was exported whole
    hash: str = field(default="", metadata=OPTIONAL)
    # how it reads texts, where that was once another way
    reads: str | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class MethodRecord(JSONRecord):
    """A method by the name and version of its class, with every setting."""

    name: str = ""
    version: int | None = None
    settings: Settings = field(default_factory=dict)


@dataclass(frozen=True)
class DataReference(JSONRecord):
    """The data of a trial, by the hash of its content."""

    hash: str = ""


@dataclass(frozen=True)
class TrialSettings(JSONRecord):
    """Everything a trial's result depends on. Those of a search point have no seed yet."""

    task: Settings = field(default_factory=dict)  # with its kind and what the data adds to it
    data: DataReference = DataReference()
    model: ModelRecord | None = None
    # tokens, where no training says it
    max_length: int | None = field(default=None, metadata=OPTIONAL)
    method: MethodRecord = MethodRecord()
    training: Settings = field(default_factory=dict)  # empty where the loop trains nothing
    seed: int | None = field(default=None, metadata=OPTIONAL)

    def with_seed(self, seed: int) -> TrialSettings:
        return replace(self, seed=seed)

    def with_max_length(self, tokens: int) -> TrialSettings:
        """With a limit that was found in the model, which is written behind what was asked for."""
        return TrialSettings.from_json({**self.as_json(), "max_length": tokens})


@dataclass(frozen=True)
class PointRecord(JSONRecord):
    """One point of a contender's search. Its trials are named by `identity` and a seed."""

    # by path; empty without a search
    chosen: Settings = field(default_factory=dict, metadata={KEY: "point"})
    settings: TrialSettings = TrialSettings()
    identity: Settings = field(default_factory=dict)
    # counted once a model has been built
    parameters: ParameterCounts | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class RateSearch(JSONRecord):
    """A contender's points are learning rates, of which most stop early.

    `prior` is the position of the rate that the search begins around, with so many on either
    side; those beyond are for a best rate at the edge. `rungs` are the steps of the comparisons.
    """

    prior: int = 0
    around: int = 2
    rungs: tuple[int, ...] = ()


@dataclass(frozen=True)
class ContenderRecord(JSONRecord):
    """A contender: a model, or none, with a method and its settings at every point it is tried."""

    name: str
    model: str | None = None  # as the study file names it
    method: str = ""
    settings: Settings = field(default_factory=dict)  # without those that the search chooses
    seeded: bool = True  # False: every seed gives the same result
    trained: bool = False  # by the training loop
    # whether its batch size is found before the study runs
    auto_batch: bool = field(default=False, metadata=OPTIONAL)
    search: tuple[str, ...] = ()  # paths, as in each point
    points: tuple[PointRecord, ...] = ()
    parameters: ParameterCounts | None = None
    features: str | None = None  # the key of the stored outputs of its frozen backbone
    own_training: tuple[str, ...] = ()  # training settings that its entry alone gives
    # where its learning rate is measured
    rates: RateSearch | None = field(default=None, metadata=OPTIONAL)
    # what a sentence calls its method, where the name says too little
    spoken: str = field(default="", metadata=OPTIONAL)
    # whether it answers every example alike
    constant: bool = field(default=False, metadata=OPTIONAL)
    # the one input that it reads, where it leaves the task's others out
    reads_only: str | None = field(default=None, metadata=OPTIONAL)

    def chosen_by(self, headline: str) -> str:
        """The validation metric by which its point is chosen: of measured rates always the loss.

        Few examples tell losses apart where they tie in what is right.
        """
        return "loss" if self.rates else headline


@dataclass(frozen=True)
class AuditRecord(JSONRecord):
    """What the audit of the data found. `facts` are shown, and read by the slices."""

    warnings: tuple[str, ...] = ()
    facts: JSONObject = field(default_factory=dict)


@dataclass(frozen=True)
class DataRecord(JSONRecord):
    """The study's data: `rows` by split, `label_counts` by split and label."""

    hash: str | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    label_counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    source: JSONObject = field(default_factory=dict)
    audit: AuditRecord = AuditRecord()
    accept_leakage: str | None = None  # the reason why shared texts were accepted
    has_test: bool | None = None


@dataclass(frozen=True)
class PriceRecord(JSONRecord):
    """What training and testing a contender takes, in seconds, as predicted when a race began."""

    step: float = 0.0  # of training, with its part of the evaluations
    around: float = 0.0  # of a training apart from its steps: process, loading, answering
    steps: tuple[int, ...] = (0,)  # of a training: as expected, and at most
    test: float = 0.0


@dataclass(frozen=True)
class BudgetRecord(JSONRecord):
    """What a study may take, and what each of its parts is predicted to take. All in seconds.

    Counted are predictions times `speed`, never the clock, so that a study decides alike
    wherever it goes on. Where predictions were wrong the clock ends it, which is `stopped`.
    """

    seconds: float = 0.0  # in all
    workers: int = 1  # trials side by side when the race began
    prices: Mapping[str, PriceRecord] = field(default_factory=dict)  # by contender
    around: float = 0.0  # of the study: preparing, stored features, report
    calibration: JSONObject = field(default_factory=dict)  # of the machine that it began on
    # added on the command line
    added: float = field(default=0.0, metadata=OPTIONAL)
    # False: it is given in trials, and no clock ends it
    clocked: bool = field(default=True, metadata=OPTIONAL)
    # measured once, when every search was over, over predicted
    speed: float | None = field(default=None, metadata=OPTIONAL)
    # the budget at which the clock ended it
    stopped: float | None = field(default=None, metadata=OPTIONAL)

    @property
    def is_stopped(self) -> bool:
        """Whether the clock has ended it, and no time was added since."""
        return self.stopped is not None and self.seconds <= self.stopped


@dataclass(frozen=True)
class Descriptions(JSONRecord):
    """What the task and the methods, by their names, say of themselves for a paper.

    `references` holds the sources that methods bring, by the names under which they cite them.
    """

    task: str = ""
    methods: Mapping[str, str] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict, metadata=OPTIONAL)


@dataclass(frozen=True)
class StudyRecord(JSONRecord):
    """A study as it was resolved when it was last prepared."""

    name: str = ""
    settings: Settings = field(default_factory=dict)  # of the study file, with every default
    seeds: tuple[int, ...] = ()
    keep: str = "chosen"
    equivalence_margin: float | None = None
    memory_limit: int | None = None  # bytes
    slices: tuple[str, ...] = ()
    require: Mapping[str, float] | None = None
    task: Settings = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    answer: str | None = None  # the column of the labels or references
    metrics: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    # missing from studies of before
    descriptions: Descriptions = field(default=Descriptions(), metadata=OPTIONAL)
    contenders: tuple[ContenderRecord, ...] = ()
    data: DataRecord = DataRecord()
    models: Mapping[str, ModelRecord] = field(default_factory=dict)
    # of each model, and why, where the task leaves it to us
    pooling: Mapping[str, str] = field(default_factory=dict, metadata=OPTIONAL)
    # of each pair of encoders the numbers in the vector of an image and of a text
    vectors: Mapping[str, Mapping[str, int]] = field(default_factory=dict, metadata=OPTIONAL)
    notes: tuple[str, ...] = ()
    environment: Environment = field(default_factory=dict)
    # the comparisons for which p values are corrected
    family: str = field(default="to-best", metadata=OPTIONAL)
    # those found, by the hash of the model
    batch_sizes: Mapping[str, int] | None = field(default=None, metadata=OPTIONAL)
    # of matrix products, where the study leaves it to us
    precision: str | None = field(default=None, metadata=OPTIONAL)
    # of runs that another program made, and that no folder holds: what was assumed of them
    elsewhere: tuple[str, ...] | None = field(default=None, metadata=OPTIONAL)

    # what it may take; None: every contender gets every seed
    budget: BudgetRecord | None = field(default=None, metadata=OPTIONAL)

    @property
    def plans_tests(self) -> bool:
        """Whether chosen trials are to be tested; where an old record does not say, they are."""
        return self.data.has_test is not False
