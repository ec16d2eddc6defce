"""What is reported of jobs that something outside of them has ended."""

from __future__ import annotations

from tunewise.store.records import StudyRecord
from tunewise.store.study import StudyFolder
from tunewise.studies.jobs import next_jobs
from tunewise.studies.rate_search import Records

HOW_TO_GO_ON = (
    "Run the same command to try again, or take the contender out of the study file to go on "
    "without it."
)


def waiting_jobs(
    folder: StudyFolder, study: StudyRecord, records: Records, tests: Records
) -> list[str]:
    """A line for each job that waits for the next launch, and what it means for the study.

    Empty where none waits that the study still needs.
    """
    stored = {row.features for row in study.contenders if row.features}  # which are no matter here
    needed = {job.key for job in next_jobs(study, records, tests, stored)}
    waiting = {key: note for key, note in folder.set_aside().items() if key in needed}
    if not waiting:
        return []
    lines = [
        f"{note['name']} ({key}): {note['status']}: {note['error']}"
        for key, note in waiting.items()
    ]
    sealed = any(key.startswith("trial/") for key in waiting)
    if sealed and study.plans_tests:
        lines.append("The test split stays sealed, because they may still come back and be chosen.")
    return [*lines, HOW_TO_GO_ON]
