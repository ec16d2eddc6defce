"""Whether a contender's training takes steps or is solved, once its model is known."""

from __future__ import annotations

from dataclasses import replace

from tunewise.core.canonical import settings_of
from tunewise.core.errors import InputError
from tunewise.store.records import ContenderRecord, PointRecord
from tunewise.studyfile.contender_records import identity_of
from tunewise.training.settings import READ_BY_SOLVER, SOLVER, STEPS, TrainingSettings


def settled(point: PointRecord, *, solvable: bool) -> PointRecord:
    """The point with an optimizer in the place of ``auto``; a solver reads no settings of steps.

    Raises:
        InputError: the study asks for the solver where there is nothing for it to solve.
    """
    training = dict(point.settings.training)
    asked = training["optimizer"]
    if asked == SOLVER and not solvable:
        raise InputError(
            f"optimizer = {SOLVER}: solves a head that is one linear layer on a frozen backbone, "
            "which this contender does not train; take adamw."
        )
    if asked == SOLVER or (asked == "auto" and solvable):
        kept = {name: training[name] for name in READ_BY_SOLVER}
        training = settings_of(TrainingSettings(**{**kept, "optimizer": SOLVER}))
    elif asked == "auto":
        training["optimizer"] = STEPS
    settings = replace(point.settings, training=training)
    return replace(point, settings=settings, identity=identity_of(settings))


def is_solved(point: PointRecord) -> bool:
    return point.settings.training.get("optimizer") == SOLVER


def described(contender: ContenderRecord) -> ContenderRecord:
    """A contender that is solved is not trained by the loop, and no seed changes it."""
    if not any(map(is_solved, contender.points)):
        return contender
    return replace(contender, seeded=False, trained=False, auto_batch=False)
