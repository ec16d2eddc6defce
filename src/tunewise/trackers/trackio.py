"""Trackio: its local SQLite store, with no server and no Space."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tunewise.core.extras import needed
from tunewise.trackers.process import main
from tunewise.trackers.runs import Run

EXTRA = "trackio"


def write(place: Path, study: str, runs: Sequence[Run]) -> None:
    """Write the runs into the project of the study's name.

    ``TRACKIO_DIR`` says where; the library reads it when it is imported. Its store is written
    directly, because `trackio.init` gives every point the time of writing.
    """
    store = needed("trackio.sqlite_storage", extra=EXTRA).SQLiteStorage
    for run in runs:
        store.delete_run(study, run.name, run.id)
        last = max((point.step for point in run.points), default=0)
        points = [(p.step, run.started + p.seconds, p.values) for p in run.points]
        points.append((last, run.started + run.seconds, run.summary))
        store.bulk_log(
            project=study,
            run=run.name,
            run_id=run.id,
            metrics_list=[values for _, _, values in points],
            steps=[step for step, _, _ in points],
            timestamps=[datetime.fromtimestamp(time, UTC).isoformat() for _, time, _ in points],
            config={**run.settings, **run.tags, "_Group": run.contender},
        )


if __name__ == "__main__":
    main(write)
