"""TensorBoard: an event file for each trial."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from tunewise.core.extras import needed
from tunewise.trackers.process import main
from tunewise.trackers.runs import Run

EXTRA = "tensorboard"


def write(place: Path, study: str, runs: Sequence[Run]) -> None:
    """Write ``<contender>/<point and seed>-<id>`` folders, as TensorBoard names runs by folders.

    Scalars stand at their step and their time; settings at the hyper-parameters' page.
    """
    event_pb2 = needed("tensorboard.compat.proto.event_pb2", extra=EXTRA)
    summary_pb2 = needed("tensorboard.compat.proto.summary_pb2", extra=EXTRA)
    files = needed("tensorboard.summary.writer.event_file_writer", extra=EXTRA)
    hparams = needed("tensorboard.plugins.hparams.summary_v2", extra=EXTRA)
    for run in runs:
        for old in place.glob(f"*/*-{run.id}"):
            shutil.rmtree(old)
        rest = run.name.removeprefix(run.contender).strip()
        # Two folder names that any system takes, whatever the study calls its contenders.
        own = place / _safe(run.contender) / f"{_safe(rest)}-{run.id}"
        writer = files.EventFileWriter(str(own))
        settings = hparams.hparams_pb(run.settings, trial_id=run.id, start_time_secs=run.started)
        writer.add_event(event_pb2.Event(wall_time=run.started, step=0, summary=settings))
        last = max((point.step for point in run.points), default=0)
        points = [(p.step, run.started + p.seconds, p.values) for p in run.points]
        for step, time, values in [*points, (last, run.started + run.seconds, run.summary)]:
            scalars = [summary_pb2.Summary.Value(tag=n, simple_value=v) for n, v in values.items()]
            summary = summary_pb2.Summary(value=scalars)
            writer.add_event(event_pb2.Event(wall_time=time, step=step, summary=summary))
        writer.close()


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9=+_-]+", "_", name)[:80]


if __name__ == "__main__":
    main(write)
