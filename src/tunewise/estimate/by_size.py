"""What a study would take with a model of some size, before anything of the model is at hand.

Approximations from the shapes alone, for choosing among models: `plan` executes the real step on
fake tensors instead. `benchmarks/by_size.py` holds one against the other. No torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tunewise.backbones.known import MANY, KnownModel, known_models
from tunewise.costs.calibration import Calibration
from tunewise.store.records import RateSearch
from tunewise.studies.rate_search import rungs_of
from tunewise.training.settings import TrainingSettings, expected_steps, search_steps

FULL_BYTES = 16  # a parameter: weight, gradient or best epoch, and two of the optimizer
ACTIVATION_BYTES = 75  # of training, a token and layer and unit of width, attention included
LIBRARIES_BYTES = 600_000_000  # torch and transformers, once
UPDATE_BYTES = 40  # moved for each parameter by an optimizer's step
BESIDE = 1.2  # times what the matrix products alone would take: padding, and all other operations
FORWARD = {"lora": 2.0, "full": 3.0}  # passes of a step, backward included, in forward passes
TOKENS_A_WORD, USUAL_LIMIT = 1.4, 512  # as without a tokenizer, and where no length is named
MODELS_SHOWN = 5
DRAFTED_SEEDS = 3  # of a study without a budget, as `init` writes it
NEXT_SIZE = 1.9  # times as long, at least, as with any other model that is shown
LOGITS_BYTES = 12  # of a model that writes: a token and word of the vocabulary, with its gradient


@dataclass(frozen=True)
class Workload:
    """What of the data and the study decides costs: that of the study `init` drafts."""

    form: str  # of a `Builder`: choose or write
    languages: tuple[str, ...]
    rows: int  # of train
    held: int  # of validation
    words: int  # of a usual text: half are shorter
    long_words: int  # of a long text: 95 % are shorter
    seeds: int = DRAFTED_SEEDS
    workers: int = 1
    training: TrainingSettings = field(default_factory=TrainingSettings)


@dataclass(frozen=True)
class Proposal:
    """A model with what the drafted study would take with it."""

    name: str
    parameters: int
    languages: tuple[str, ...]
    license: str
    peak_bytes: int  # of one trial, libraries included
    seconds: float  # of the study


def proposals(
    work: Workload, *, memory_bytes: int, calibration: Calibration
) -> tuple[Proposal, ...]:
    """A few well-known models of different sizes that read the languages and fit the memory.

    Args:
        work: what they would be adapted to.
        memory_bytes: that one trial may hold.
        calibration: of one core of this machine.
    """
    asked = work.languages or ("en",)
    read = [m for m in known_models() if m.forms[0] == work.form and m.reads(asked)]
    fitting = [
        Proposal(
            model.name,
            model.parameters,
            model.languages,
            model.license,
            peak_bytes(model, work),
            study_seconds(model, work, calibration),
        )
        for model in read
    ]
    fitting = [one for one in fitting if one.peak_bytes <= memory_bytes]
    own = _spread([one for one in fitting if MANY not in one.languages])
    # A model of many languages spends most of its size on their words.
    found = own if len(own) > 1 else _spread([*own, *fitting])
    return tuple(sorted(found, key=lambda one: one.seconds))


def peak_bytes(model: KnownModel, work: Workload) -> int:
    """Of one full fine-tuning with batches that are padded to a long text."""
    tokens = work.training.batch_size * tokens_of(work.long_words, model)
    held = ACTIVATION_BYTES * tokens * model.layers * model.width
    if work.form == "write":
        held += LOGITS_BYTES * tokens * model.embedded // model.width
    return LIBRARIES_BYTES + FULL_BYTES * model.parameters + held


def study_seconds(model: KnownModel, work: Workload, calibration: Calibration) -> float:
    """Of LoRA and full with their rates searched and every seed, and of a head on features."""
    settings = work.training
    tokens = tokens_of(work.words, model)
    forward = forward_flops(model, tokens, writes=work.form == "write") * tokens  # of a text
    per_flop = BESIDE * calibration.slowdown / calibration.flops_per_second
    step = settings.batch_size * forward * per_flop
    steps_per_epoch = -(-work.rows // settings.batch_size)
    steps = expected_steps(settings, steps_per_epoch)
    evaluations = steps / steps_per_epoch * work.held * forward * per_flop
    update = UPDATE_BYTES * model.parameters / calibration.bytes_per_second
    trained = sum(passes * steps * step + evaluations for passes in FORWARD.values())
    trained += steps * update  # full alone: LoRA has hardly any parameters
    read = (work.rows + work.held) * forward * per_flop
    return (read + trained * trainings(settings, steps_per_epoch, work.seeds)) / work.workers


def forward_flops(model: KnownModel, tokens: float, *, writes: bool) -> float:
    """Of one token: two for each parameter that takes part in a product, and attention.

    Token embeddings do where a model writes: they are its output layer too.
    """
    looked_up = 0 if writes else model.embedded
    return 2 * (model.parameters - looked_up) + 4 * model.layers * model.width * tokens


def trainings(settings: TrainingSettings, steps_per_epoch: int, seeds: int) -> float:
    """Whole trainings that a contender comes to: the search of its rate under the first seed, where
    most stop at a rung, and the other seeds.
    """
    whole = expected_steps(settings, steps_per_epoch)
    rungs = rungs_of(search_steps(settings, steps_per_epoch))
    begun, before, steps = 2 * RateSearch.around + 1, 0, 0
    for number, step in enumerate([*rungs, whole]):
        alive = begun if number == 0 else len(rungs) - number + 1
        steps += alive * (step - before)
        before = step
    return steps / whole + seeds - 1


def tokens_of(words: int, model: KnownModel) -> int:
    """Of a text, as the model reads it."""
    return max(1, min(model.context, USUAL_LIMIT, int(TOKENS_A_WORD * words) + 2))


def _spread(fitting: Sequence[Proposal]) -> list[Proposal]:
    """The first few that take clearly longer, or shorter, than each before them."""
    chosen: list[Proposal] = []
    for one in fitting:
        times = [other.seconds for other in chosen]
        if all(max(one.seconds, t) >= NEXT_SIZE * min(one.seconds, t) for t in times):
            chosen.append(one)
    return chosen[:MODELS_SHOWN]
