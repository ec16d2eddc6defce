"""Tunewise's side: studies that name task, data, model and methods, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reference.cases import Case, study_of

import tunewise
from tunewise.analysis.evidence import DONE
from tunewise.data.prepared import read_prepared
from tunewise.statistics.score_matrix import RowScores

METHODS = ("majority", "tfidf", "head", "lora", "full")


def study_folder(runs: Path, case: Case) -> Path:
    return runs / case.model / case.name


def run_study(
    case: Case,
    data: Path,
    runs: Path,
    *,
    methods: Sequence[str],
    seeds: Sequence[int],
    workers: int | None,
) -> dict[str, float | None]:
    """Run the study, or go on with it; each contender's mean test accuracy."""
    study = tunewise.Study.read(study_of(case, data, methods, seeds))
    finished = study.run(study_folder(runs, case), workers=workers)
    return {row.name: row.test["accuracy"].mean for row in finished.results.rows}


@dataclass(frozen=True)
class Tested:
    """A study's answers to its test split, in the order of the split.

    `data` is the hash of its rows; `unfinished` holds the status of each contender that has no
    answers for one of its seeds, because it failed or has not run.
    """

    data: str | None
    rows: list[RowScores]
    unfinished: dict[str, str]


def tested(runs: Path, case: Case) -> Tested:
    """What the study of a case has answered so far.

    Raises:
        InputError: there is no such study.
    """
    finished = tunewise.open(study_folder(runs, case))
    evidence = finished.evidence
    ids = [row["id"] for row in read_prepared(finished.folder.path / "data", "test")]
    rows, unfinished = [], {}
    for contender in evidence.contenders:
        answers = {trial.seed: trial.answers("test") for trial in contender.finished}
        known = {seed: found for seed, found in answers.items() if found is not None}
        if contender.status != DONE:
            unfinished[contender.name] = contender.status
            continue
        first = next(iter(known.values()))
        row = RowScores(
            contender.name,
            first.ids,
            first.labels,
            {seed: found.choices for seed, found in known.items()},
            seeded=contender.described.seeded,
        )
        rows.append(row.in_order_of(ids))
    return Tested(evidence.data.hash, rows, unfinished)
