"""Whether a contender's training takes steps or is solved, once its model is known."""

from __future__ import annotations

from dataclasses import replace

from tunewise.core.canonical import JSONObject, settings_of
from tunewise.core.errors import InputError
from tunewise.store.records import ContenderRecord, PointRecord
from tunewise.studies.rate_search import rungs_of
from tunewise.studyfile.contender_records import identity_of
from tunewise.training.settings import READ_BY_SOLVER, SOLVER, STEPS, TrainingSettings, search_steps


def settled(point: PointRecord, *, solved: JSONObject | None) -> PointRecord:
    """The point with an optimizer in the place of ``auto``; a solver reads no settings of steps.

    Args:
        point: as the study file has it.
        solved: the task of a head that is solved; None where there is none to solve.

    Raises:
        InputError: the study asks for the solver where there is nothing for it to solve.
    """
    training = dict(point.settings.training)
    asked = training["optimizer"]
    if asked == SOLVER and solved is None:
        raise InputError(
            f"optimizer = {SOLVER}: solves a head that is one linear layer on a frozen backbone, "
            "which this contender does not train; take adamw."
        )
    task = point.settings.task
    if solved is not None and asked in {SOLVER, "auto"}:
        task = solved
        kept = {name: training[name] for name in READ_BY_SOLVER}
        training = settings_of(TrainingSettings(**{**kept, "optimizer": SOLVER}))
    elif asked == "auto":
        training["optimizer"] = STEPS
    settings = replace(point.settings, task=task, training=training)
    return replace(point, settings=settings, identity=identity_of(settings))


def is_solved(point: PointRecord) -> bool:
    return point.settings.training.get("optimizer") == SOLVER


def described(contender: ContenderRecord, *, rows: int) -> ContenderRecord:
    """A contender that is solved is not trained by the loop, and no seed or rate changes it.

    Others learn at which steps their learning rates are compared, over so many training rows.
    """
    if contender.rates is not None and is_solved(contender.points[0]):
        point = replace(contender.points[0], chosen={})
        contender = replace(contender, points=(point,), search=(), rates=None)
    if any(map(is_solved, contender.points)):
        return replace(contender, seeded=False, trained=False, auto_batch=False)
    return with_rungs(contender, rows)


def with_rungs(contender: ContenderRecord, rows: int) -> ContenderRecord:
    """The contender with the steps at which its learning rates are compared, if they are."""
    if contender.rates is None:
        return contender
    training = TrainingSettings(**contender.points[0].settings.training)
    steps = search_steps(training, -(-rows // training.batch_size))
    return replace(contender, rates=replace(contender.rates, rungs=rungs_of(steps)))
