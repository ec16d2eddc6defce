"""Weights & Biases, offline: runs that ``wandb sync`` can send, when somebody asks it to."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tunewise.core.extras import needed
from tunewise.trackers.process import main
from tunewise.trackers.runs import Run

EXTRA = "wandb"


def write(place: Path, study: str, runs: Sequence[Run]) -> None:
    """Write an offline run for each trial; curves are logged by step, times as a metric."""
    wandb = needed("wandb", extra=EXTRA)
    quiet = wandb.Settings(
        console="off", disable_git=True, disable_code=True, silent=True, x_disable_stats=True
    )
    for run in runs:
        for old in (place / "wandb").glob(f"offline-run-*-{run.id}"):
            shutil.rmtree(old)
        made = wandb.init(
            project=study,
            group=run.contender[:128],
            name=run.name,
            id=run.id,
            config={**run.settings, **run.tags},
            dir=str(place),
            mode="offline",
            settings=quiet,
        )
        for point in run.points:
            made.log({**point.values, "seconds": point.seconds}, step=point.step)
        made.summary.update(run.summary)
        made.finish(exit_code=0 if run.status == "done" else 1)


if __name__ == "__main__":
    main(write)
