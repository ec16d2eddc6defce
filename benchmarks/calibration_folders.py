"""Verdicts on whole study folders whose truth is known: ties kept, true differences found.

    python benchmarks/calibration_folders.py        100 reruns of each kind; about two minutes
    python benchmarks/calibration_folders.py 20     fewer

A rerun writes a study folder as a run leaves it: two contenders with their trials, sealed tests
and predictions, made of dice. It is read and judged by the code of ``tunewise results``. A
difference is found where the other contender is called behind; a tie is kept where it is called
tied, as trained or at least as a method. Seeds are fixed, so two runs
print the same; the exit code is 1 where fewer ties are kept than 90 of 100 or fewer differences
found than 80.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from simulated_studies import World, simulate

from tunewise.analysis.gather import gather
from tunewise.analysis.results import Results, results_of
from tunewise.analysis.verdict.verdict import Verdict, verdict
from tunewise.core.files import mark_complete, write_json
from tunewise.statistics.score_matrix import RowScores
from tunewise.store.identity import trial_id
from tunewise.store.study import StudyFolder

RERUNS = 100
ACCURACY = 0.75
FOR_DETECTABLE = 20  # studies of equals whose detectable difference is averaged
TIES, FOUND = 0.90, 0.80


@dataclass(frozen=True)
class Kind:
    """Studies of one kind; `start` is where their random numbers begin."""

    name: str
    seeds: tuple[int, ...]
    world: World
    start: int


KINDS = (
    Kind("one seed, 500 items", (0,), World(seed=0), 31),
    Kind("three seeds, 500 items", (0, 1, 2), World(), 32),
)


def main(reruns: int) -> int:
    missed = 0
    for kind in KINDS:
        equal = list(judged(kind, reruns))
        standings = Counter(_standing(results) for results, _ in equal)
        kept = 1 - standings["behind"] / reruns
        twice = 2 * float(np.mean([_detectable(results) for results, _ in equal[:FOR_DETECTABLE]]))
        apart = list(judged(kind, reruns, difference=twice))
        found = sum(_standing(results) == "behind" for results, _ in apart) / reruns
        right = sum(message.best == "better" for _, message in apart)
        missed += (kept < TIES) + (found < FOUND)
        print(
            f"{kind.name}: of {reruns} reruns with equal contenders {kept * reruns:.0f} called "
            f"tied ({standings['not-shown-over-seeds']} of them not shown over seeds), "
            f"{standings['behind']} different; of "
            f"{reruns} with {100 * twice:.1f} points between them {found * reruns:.0f} found, "
            f"the better one on top in {right}",
            flush=True,
        )
    print("both bounds kept" if not missed else f"{missed} outside their bounds")
    return 1 if missed else 0


def judged(
    kind: Kind, reruns: int, *, difference: float = 0.0
) -> Iterator[tuple[Results, Verdict]]:
    """Each rerun as a folder on disk, read and judged."""
    for number in range(reruns):
        rng = np.random.default_rng([kind.start, number])
        accuracies = [ACCURACY + difference / 2, ACCURACY - difference / 2]
        rows = simulate(kind.world, accuracies, [kind.seeds] * 2, rng=rng).rows
        with tempfile.TemporaryDirectory(prefix="tunewise-") as name:
            write_study(Path(name), dict(zip(("better", "other"), rows, strict=True)))
            evidence = gather(StudyFolder.open(Path(name)))
            results = results_of(evidence)
            yield results, verdict(evidence, results)


def write_study(folder: Path, rows: dict[str, RowScores]) -> None:
    """The folder of a finished study with these answers on its test split."""
    first = next(iter(rows.values()))
    labels = [f"label {number}" for number in range(int(np.max(first.labels)) + 1)]
    task = {"kind": "classification", "text": ["text"], "label": "label", "labels": labels}
    contenders = [_contender(name, task) for name in rows]
    write_json(
        folder / "study.json",
        {
            "schema": 1,
            "name": "dice",
            "settings": {"name": "dice", "task": task},
            "seeds": first.seeds,
            "task": task,
            "metrics": ["accuracy"],
            "labels": labels,
            "contenders": contenders,
            "data": {"hash": "0" * 16, "rows": {"test": len(first.ids)}, "has_test": True},
        },
    )
    for described, row in zip(contenders, rows.values(), strict=True):
        for seed in row.seeds:
            _write_trial(folder, described["points"][0], row, seed)


def _contender(name: str, task: dict[str, Any]) -> dict[str, Any]:
    settings = {"task": task, "method": {"name": "full", "settings": {"of": name}}, "training": {}}
    point = {"point": {}, "settings": settings, "identity": settings}
    return {"name": name, "model": "dice", "method": "full", "settings": {}, "points": [point]}


def _write_trial(folder: Path, point: dict[str, Any], row: RowScores, seed: int) -> None:
    labels, choices = np.asarray(row.labels), np.asarray(row.choices[seed])
    accuracy = {"accuracy": float((labels == choices).mean())}
    name = trial_id(point["identity"], seed)
    for room, split in (("trials", "validation"), ("tests", "test")):
        place = folder / room / name
        result = {"schema": 1, "id": name, "settings": point["settings"], "status": "done"}
        write_json(place / "result.json", {**result, "metrics": {split: accuracy}})
        write_json(place / "costs.json", {"schema": 1})
        if split == "test":
            sure = np.eye(int(labels.max()) + 1)[choices]
            columns = {"id": list(row.ids), "label": labels, "choice": choices}
            (place / "predictions").mkdir()
            table = pa.table({**columns, "probabilities": sure.tolist()})
            pq.write_table(table, place / "predictions" / "test.parquet")
        mark_complete(place)


def _standing(results: Results) -> str:
    """Where the one that is not best stands."""
    return next(row.standing for row in results.rows if row.to_best)


def _detectable(results: Results) -> float:
    pair = next(row.to_best for row in results.rows if row.to_best)
    return pair.deciding.detectable or 0.0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RERUNS))
