"""What of a study's folder counts for a study that has changed, and what is to be run anew."""

from __future__ import annotations

from collections import Counter

from tunewise.core.errors import DamagedFile
from tunewise.core.format import listed, plural
from tunewise.core.sanitize import shown
from tunewise.store.identity import trial_of
from tunewise.store.records import StudyRecord
from tunewise.store.study import StudyFolder, is_study
from tunewise.studies.choose import search_ids
from tunewise.studies.chosen import chosen_ids
from tunewise.studies.race.race import race_of


def reused(study: StudyRecord, folder: StudyFolder) -> list[str]:
    """Lines about a folder whose study was another one; none where nothing has changed."""
    try:
        earlier = folder.study() if is_study(folder.path) else None
    except DamagedFile:
        return []
    if earlier is None or _asked(earlier) == _asked(study):
        return []
    records = folder.records()
    race = race_of(study, records)
    needed: dict[str, str] = {}  # by id, whose it is
    for row in study.contenders:
        chosen = chosen_ids(study, row, records, race)
        for id in [*search_ids(study, row, records), *chosen]:
            needed.setdefault(id, row.name)
    known = [id for id in needed if id in records]
    missing = Counter(needed[id] for id in needed if id not in records)
    if not records:
        return []
    count = "counts" if len(known) == 1 else "count"
    lines = [f"The study has changed. {plural(len(known), 'finished training')} of before {count}."]
    if missing:
        names = [f"{shown(name)} ({count})" for name, count in missing.items()]
        lines.append(f"To be trained anew, as far as is known by now: {listed(names, most=8)}.")
    useful = set(map(trial_of, needed))
    others = [id for id in records if trial_of(id) not in useful]
    if others:
        kept = plural(len(others), "finished training")
        lines.append(f"Not asked for any more, but kept in the folder: {kept}.")
    return lines


def _asked(study: StudyRecord) -> object:
    """What decides which trainings there are."""
    points = {row.name: [point.identity for point in row.points] for row in study.contenders}
    return points, study.seeds, study.budget.seconds if study.budget else None
