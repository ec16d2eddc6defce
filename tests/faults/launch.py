"""Runs the toy study of a folder as the command line would: ``launch.py FOLDER [WORKERS]``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tunewise.core.errors import TunewiseError
from tunewise.core.outside import is_outside, message_of
from tunewise.store.records import StudyRecord
from tunewise.store.study import StudyFolder
from tunewise.studies.engines.pool import Pool
from tunewise.studies.engines.ray_cluster import RayCluster
from tunewise.studies.events import Event, Finished, Notice, Started
from tunewise.studies.launch import run_jobs


def show(event: Event) -> None:
    if isinstance(event, Notice):
        print("notice", event.text, flush=True)
    elif isinstance(event, (Started, Finished)):
        print(type(event).__name__.lower(), event.job.key, flush=True)


def main() -> int:
    folder = StudyFolder.create(Path(sys.argv[1]))
    study = json.loads((folder.path / "data" / "toy.json").read_text())
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    try:
        made = {"local": Pool, "ray": RayCluster}[os.environ.get("TOY_ENGINE", "local")]
        with made(os.environ.get("TOY_RUNNER", "toy")) as engine, folder.lock():
            folder.write_study(StudyRecord.from_json(study), "name: toy\n")
            outcome = run_jobs(folder, workers=workers, engine=engine, on_event=show)
    except TunewiseError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except Exception as error:  # as the command line does
        if not is_outside(error):
            raise
        print(message_of(error), file=sys.stderr)
        return 1
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
