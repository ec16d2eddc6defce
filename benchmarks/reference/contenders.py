"""Tunewise's side: studies that name task, data, model and methods, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from reference.cases import Case, study_of

import tunewise
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


def tested(runs: Path, case: Case) -> tuple[str, list[RowScores]]:
    """The hash of the study's data, and each contender's answers to its test split.

    The items are in the order of the split. A contender without a finished test is left out.
    """
    finished = tunewise.open(study_folder(runs, case))
    evidence = finished.evidence
    ids = [row["id"] for row in read_prepared(finished.folder.path / "data", "test")]
    rows = []
    for contender in evidence.contenders:
        answers = {trial.seed: trial.answers("test") for trial in contender.finished}
        known = {seed: found for seed, found in answers.items() if found is not None}
        if not known:
            continue
        first = next(iter(known.values()))
        row = RowScores(
            contender.name,
            first.ids,
            first.labels,
            {seed: np.asarray(found.choices) for seed, found in known.items()},
            seeded=contender.seeded,
        )
        rows.append(row.in_order_of(ids))
    return evidence.data.hash, rows
