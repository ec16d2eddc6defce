"""The rates that a study measures, without the trainings that follow them.

    python benchmarks/searches.py recipes/sst5-minilm.yaml --set 'models=[FOLDER]' \
        --set data.source=FOLDER --workers 2 [--out runs/searches]

A rate that is chosen is trained on from where its search left it, and gives what the same trial
gives alone. When the rule of the search changes, a table of trained contenders stands for every
contender whose rate it still chooses. A search takes about a third of the time of its trainings;
one that was cut short goes on.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from unittest.mock import patch

from tunewise.core.format import duration
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job
from tunewise.studies import jobs, study_state
from tunewise.studies.engines.pool import Pool
from tunewise.studies.events import Finished
from tunewise.studies.launch import run_jobs
from tunewise.studies.prepare import prepare, store
from tunewise.studies.rate_search import rate_progress
from tunewise.studyfile.studyfile import read_study

every_job = jobs.next_jobs


def main() -> int:
    asked = arguments()
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    settings = read_study(asked.study, [*asked.set, "budget=null"])
    prepared = prepare(settings)
    folder = StudyFolder.create(asked.out / settings.name)
    with folder.lock(), patch.object(study_state, "next_jobs", comparisons):
        store(prepared, folder)
        run_jobs(folder, engine=Pool(), workers=asked.workers, on_event=told)
    records = folder.records()
    for row in prepared.study.contenders:
        if row.rates is not None:
            ended = rate_progress(prepared.study, row, row.rates, records).finalists
            rates = [row.points[point].chosen["training.learning_rate"] for point in ended]
            print(f"{row.name:<16} {', '.join(f'{rate:.2g}' for rate in rates) or 'not yet'}")
    return 0


def told(event: object) -> None:
    """A line for each comparison that is done."""
    if isinstance(event, Finished):
        print(f"{event.job.key} ({duration(event.seconds)})", flush=True)


def comparisons(*args: object) -> list[Job]:
    """Of all that a study needs, what its rates are compared by."""
    due = every_job(*args)  # type: ignore[arg-type]
    return [job for job in due if job.until is not None or job.kind == "features"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("runs") / "searches")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
