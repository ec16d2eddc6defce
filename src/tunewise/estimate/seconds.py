"""How long a study would take: its trials at the lengths of its texts, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tunewise.core.canonical import JSONObject
from tunewise.costs.calibration import Calibration
from tunewise.decoding.strategies import PROMPTS_AT_ONCE
from tunewise.estimate.lengths import Lengths
from tunewise.estimate.plan_types import Planned
from tunewise.studies.race.account import makespan
from tunewise.studies.rate_search import rungs_of
from tunewise.studyfile.expand import Expansion, PlannedContender, PlannedPoint
from tunewise.tasks.rows import positions_computed
from tunewise.training.batches import evaluation_batches, training_batches
from tunewise.training.predictor import EVALUATION_BATCH
from tunewise.training.settings import TrainingSettings, expected_steps, most_steps, search_steps

START_SECONDS = 0.5  # a trial's process, reading its data, writing its results
LOADED_BYTES = 1e9  # of weights that are read or written in a second
ITERATIONS = 800  # of the solver over its path, as measured on data sets of 300 to 8,544 rows
DOUBLE = 2  # float64 beside the float32 that was calibrated
SOLVER_CALLS = 20  # operations on arrays in an iteration
TRAINING = ("forward", "backward", "update")


def trial_seconds(
    calibration: Calibration, point: PlannedPoint, seen: JSONObject, lengths: Lengths
) -> tuple[float, float]:
    """Of one trial, as expected and at most: every epoch's steps and evaluations at the lengths the
    texts have.

    Answers are taken to be as long as they may be. What nothing trains is evaluated once.
    """
    training = point.training
    calibration = computing(calibration, point)
    moved = 4 * (seen["parameters"]["total"] + seen["parameters"]["trainable"])
    around = START_SECONDS + moved / LOADED_BYTES
    asked_again = "every_way" in seen["memory"]["flops"]  # else the best epoch's answers stay
    if training is None or seen["solved"] or asked_again:
        around += answering_seconds(calibration, seen, lengths)
    if training is None:
        return around, around
    if seen["solved"]:
        # Fits along the path: two products of all rows with the layer in each iteration.
        products = 4 * len(lengths.train.read(seen["max_length"])) * seen["parameters"]["trainable"]
        around += ITERATIONS * calibration.seconds(
            DOUBLE * products, DOUBLE * products, SOLVER_CALLS
        )
        return around, around
    train, longest = lengths.train.read(seen["max_length"]), seen["shape"]["tokens"]
    if seen["stored_features"]:
        train, longest = [1] * len(train), 1
    batches = training_batches(train, training.batch_size, seed=0, epoch=1)
    counted = seen["shape"]["examples"] * longest
    fractions = (
        positions_computed([train[at] for at in batch], packs=training.packing) / counted
        for batch in batches
    )
    epoch = sum(_work(calibration, seen["memory"], TRAINING, fraction) for fraction in fractions)
    epoch += _evaluation(calibration, seen, lengths)
    epoch += _writing(calibration, seen, lengths, "generation")
    epoch /= training.ranks  # what they tell each other apart
    expected, most = steps_of(training, len(lengths.train.texts))
    steps_per_epoch = -(-len(lengths.train.texts) // training.batch_size)
    return around + expected / steps_per_epoch * epoch, around + most / steps_per_epoch * epoch


def computing(calibration: Calibration, point: PlannedPoint) -> Calibration:
    """What the machine can do in the precision of a point's training."""
    precision = "float32" if point.training is None else point.training.precision
    return calibration.computing_in(precision)


def steps_of(training: TrainingSettings, rows: int) -> tuple[int, int]:
    """Of a training, as expected and at most; they are the same where its epochs are named."""
    steps_per_epoch = -(-rows // training.batch_size)
    return expected_steps(training, steps_per_epoch), most_steps(training, steps_per_epoch)


def answering_seconds(calibration: Calibration, seen: JSONObject, lengths: Lengths) -> float:
    """Of validation once after a training, with answers in every way."""
    way = "every_way" if "every_way" in seen["memory"]["flops"] else "generation"
    evaluated = _evaluation(calibration, seen, lengths)
    return evaluated + _writing(calibration, seen, lengths, way)


def _evaluation(calibration: Calibration, seen: JSONObject, lengths: Lengths) -> float:
    held = lengths.validation.read(seen["max_length"], lengths.spare or 0)
    if seen["stored_features"]:
        held = [1] * len(held)
    return _passing(calibration, seen, "evaluation", held, counted=max(held))


def _writing(calibration: Calibration, seen: JSONObject, lengths: Lengths, phase: str) -> float:
    """Of the answers to all prompts, read so many at a time; 0 where none are written."""
    if lengths.spare is None:
        return 0.0
    prompts = lengths.validation.prompts(seen["max_length"], lengths.spare)
    whole = [prompt + lengths.spare for prompt in prompts]
    counted = seen["shape"]["prompt_tokens"] + lengths.spare
    return _passing(calibration, seen, phase, whole, counted=counted, at_once=PROMPTS_AT_ONCE)


def _passing(
    calibration: Calibration,
    seen: JSONObject,
    phase: str,
    lengths: Sequence[int],
    *,
    counted: int,
    at_once: int = EVALUATION_BATCH,
) -> float:
    """Of a pass over a split, `at_once` examples at a time; the counted batch had `counted` tokens
    in each of its examples, of which there were as many, or all that validation has.
    """
    examples = min(at_once, seen["shape"]["evaluated"])
    return sum(
        _work(
            calibration,
            seen["memory"],
            (phase,),
            len(batch) * lengths[batch[0]] / (examples * counted),
        )
        for batch in evaluation_batches(lengths, at_once)
    )


def features_seconds(calibration: Calibration, seen: JSONObject, lengths: Lengths) -> float:
    """Of what frozen parts read of train and validation, once; 0 where there are none."""
    shape, phases = seen["shape"], seen["memory"]["flops"]
    total = 0.0
    for split in (lengths.train, lengths.validation):
        cut = split.read(seen["max_length"])
        if "features" in phases:
            counted = shape["evaluated_tokens"]
            total += _passing(calibration, seen, "features", cut, counted=counted)
        if "texts" in phases:
            total += _reading(calibration, seen, "texts", cut)
        if "pictures" in phases:
            total += _reading(calibration, seen, "pictures", [1] * split.pictures)
    return total


def _reading(
    calibration: Calibration, seen: JSONObject, phase: str, lengths: Sequence[int]
) -> float:
    """Of an encoder's pass over texts or, of length 1, images."""
    shape = seen["shape"]
    longest = max(shape["tokens"], shape["evaluated_tokens"]) if phase == "texts" else 1
    at_once = shape["read" if phase == "texts" else "pictures"]
    return sum(
        _work(
            calibration,
            seen["memory"],
            (phase,),
            len(batch) * lengths[batch[0]] / (at_once * longest),
        )
        for batch in evaluation_batches(lengths, at_once)
    )


def _work(
    calibration: Calibration, memory: JSONObject, phases: Iterable[str], fraction: float
) -> float:
    total = 0.0
    for phase in phases:
        by = 1.0 if phase == "update" else fraction
        total += calibration.seconds(
            int(by * memory["flops"].get(phase, 0)),
            int(by * memory["moved_bytes"].get(phase, 0)),
            memory["operations"].get(phase, 0),
        )
    return total


def study_seconds(
    expansion: Expansion,
    contenders: Sequence[Planned],
    workers: int,
    *,
    rows: int,
    tested: float,
    longest: bool,
) -> float:
    """Of the study: all search points, then the other seeds, then the tests, side by side.

    `rows` are those of training, `tested` is how many times as many test rows there are as rows of
    validation. A training of open length ends where it is expected to, or, for the `longest`, at
    its limit.
    """
    frozen = {str(row.model): 0.0 for row in expansion.contenders}
    for source, row in zip(expansion.contenders, contenders, strict=True):
        frozen[str(source.model)] = max(frozen[str(source.model)], row.features_seconds)
    total = makespan(list(frozen.values()), workers)
    by_name = {row.name: row for row in contenders}
    searches, seeds, tests = [], [], []
    for source in expansion.contenders:
        planned = by_name[source.name]
        tried = 1 if source.rates else len(source.points)
        searches += search_jobs(source, planned, rows, longest=longest)
        others = planned.trials - tried
        seeds += [planned.most_seconds if longest else planned.seconds] * others
        tests += [tested * planned.answering_seconds] * (1 + others)
    for jobs in (searches, seeds, tests):
        total += makespan(jobs, workers)
    return total


def search_jobs(
    source: PlannedContender, planned: Planned, rows: int, *, longest: bool
) -> list[float]:
    """Of what is trained before the other seeds: search points, or rates that stop on the way."""
    training = source.points[0].training
    seconds = planned.most_seconds if longest else planned.seconds
    if planned.solved or source.rates is None or training is None:
        return [seconds] * (1 if planned.solved else len(source.points))
    whole = steps_of(training, rows)[longest]
    rungs = rungs_of(search_steps(training, -(-rows // training.batch_size)))
    begun, before, jobs = 2 * source.rates.around + 1, 0, []
    for number, step in enumerate([*rungs, whole]):
        alive = begun if number == 0 else len(rungs) - number + 1
        jobs += [seconds * (step - before) / whole] * alive
        before = step
    return jobs
