"""``training.precision: auto``: bfloat16 where steps take less time in it.

It is settled before a study runs and stored with it, so that going on changes no trial, also on
another machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tunewise.core.errors import DamagedFile, InputError
from tunewise.costs.calibration import faster_precision
from tunewise.estimate.client import EstimateClient
from tunewise.store.records import PointRecord
from tunewise.store.study import StudyFolder
from tunewise.studies.prepare import Prepared, Say
from tunewise.studyfile.contender_records import identity_of
from tunewise.training.settings import AUTO

EXACT = "float32"


def with_precision(
    prepared: Prepared,
    folder: Path | None,
    *,
    say: Say = lambda text: None,
    step: Callable[[], float] | None = None,
) -> Prepared:
    """The study with a format in the place of every precision left to us.

    What the folder's study says is kept. Where a frozen backbone runs once for all contenders it
    does so in float32, and so does what stands on it.

    Args:
        prepared: the study.
        folder: where it lies if it ran before.
        say: is told what was chosen.
        step: a step's time in bfloat16 over that in float32; if None, as it is measured here.
    """
    study = prepared.study
    points = [point for row in study.contenders for point in row.points]
    if not any(_is_open(point) for point in points):
        return prepared
    known = _stored(folder)
    if known is None:
        fraction = (step or _measured)()
        known = faster_precision(fraction)
        say(f"precision auto: {known}; a step in bfloat16 takes {fraction:.2f} of the time here.")
    else:
        say(f"precision auto: {known}, as before.")
    contenders = tuple(
        replace(
            row,
            points=tuple(_point(one, EXACT if row.features else known) for one in row.points),
        )
        for row in study.contenders
    )
    return replace(prepared, study=replace(study, contenders=contenders, precision=known))


def _is_open(point: PointRecord) -> bool:
    return (point.settings.training or {}).get("precision") == AUTO


def _point(point: PointRecord, precision: str) -> PointRecord:
    if not _is_open(point):
        return point
    training = {**point.settings.training, "precision": precision}
    settings = replace(point.settings, training=training)
    return replace(point, settings=settings, identity=identity_of(settings))


def _stored(folder: Path | None) -> str | None:
    """What an earlier launch chose for the folder's study."""
    try:
        return None if folder is None else StudyFolder(folder).study().precision
    except (FileNotFoundError, DamagedFile, InputError):
        return None


def _measured() -> float:
    with EstimateClient() as client:
        return float(client.ask({"ask": "bfloat16"})["step"])
