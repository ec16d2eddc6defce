"""How a study grows with its rows: to the first step, and an evaluation of 1,000 rows.

    python benchmarks/rows.py [--rows 1000 10000 100000 1000000] [--model embedded:encoder]

Each number of rows is invented, texts of some 90 characters, and has processes of its own: one that
prepares the study and writes it, and two that train LoRA for 20 steps and answer the 1,000 rows of
validation, the second with all tokens kept. Both have one thread. Seconds are of the processor,
which other work on the machine lengthens least; memory is the most that a process held. What a row
costs more than before is what is worse than linear.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tunewise import runner
from tunewise.costs.measure import peak_resident_bytes
from tunewise.store.identity import rung_id
from tunewise.store.study import StudyFolder
from tunewise.studies.jobs import next_jobs
from tunewise.studies.prepare import prepare, store
from tunewise.studyfile.studyfile import read_study
from tunewise.training.loop import Learner
from tunewise.training.trial import TrialRun

HELD, STEPS, BATCH = 1000, 20, 32
AT_ONCE = 10_000  # rows that are invented at a time
WORDS = 14  # of a text, of some 90 characters
STAGES = ("prepare", "train", "again")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10**n for n in range(3, 7)])
    parser.add_argument("--model", default="embedded:encoder")
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)  # a process of its own
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.stage:
        found = (
            prepared(asked.folder, asked.model)
            if asked.stage == "prepare"
            else trained(asked.folder)
        )
        print(json.dumps(found))
        return
    print("     rows   prepare s    GB   first step s   with tokens kept s   evaluation s    GB")
    for rows in asked.rows:
        with tempfile.TemporaryDirectory(prefix="tunewise-") as name:
            invent(Path(name) / "data", rows)
            at = {stage: in_process(stage, Path(name), asked.model) for stage in STAGES}
        before, train, again = (at[stage] for stage in STAGES)
        print(
            f"{rows:>9,}{before['seconds']:>12.1f}{before['gigabytes']:>6.2f}"
            f"{train['first']:>15.1f}{again['first']:>21.1f}"
            f"{again['evaluation']:>15.1f}{train['gigabytes']:>6.2f}",
            flush=True,
        )


def in_process(stage: str, folder: Path, model: str) -> dict[str, float]:
    """What a stage tells, run in a process of its own."""
    keep = {"TUNEWISE_CACHE": str(folder / ("empty" if stage == "train" else "cache"))}
    here = [sys.executable, __file__, "--stage", stage, "--folder", str(folder), "--model", model]
    environment = {**os.environ, **keep, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    ran = subprocess.run(here, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return found


def invent(folder: Path, rows: int) -> None:
    """Texts of invented words, of which the first names the class in four of five."""
    folder.mkdir()
    rng = random.Random(0)
    words = ["".join(rng.choices("aeioubdfgklmnprst", k=rng.randint(3, 8))) for _ in range(5000)]
    schema = pa.schema([("text", pa.string()), ("label", pa.string())])
    for split, count in {"train": rows, "validation": HELD, "test": HELD}.items():
        with pq.ParquetWriter(folder / f"{split}.parquet", schema) as file:
            for start in range(0, count, AT_ONCE):
                table = [_row(rng, words) for _ in range(min(AT_ONCE, count - start))]
                file.write_table(pa.Table.from_pylist(table, schema=schema))


def _row(rng: random.Random, words: list[str]) -> dict[str, str]:
    label = rng.choice(("good", "bad"))
    first = label if rng.random() < 0.8 else "even"
    return {"text": " ".join([first, *rng.choices(words, k=WORDS)]), "label": label}


def prepared(folder: Path, model: str) -> dict[str, float]:
    """Prepare the study and write it; what that took."""
    began = time.process_time()
    study = read_study(
        {
            "name": "rows",
            "task": {"kind": "classification", "text": "text", "label": "label"},
            "data": {"source": str(folder / "data")},
            "models": [model],
            "methods": ["lora"],
            "training": {"epochs": 1, "batch_size": BATCH, "learning_rate": 1e-3},
        }
    )
    place = StudyFolder(folder / "study")
    place.path.mkdir()
    with place.lock():
        store(prepare(study), place)
    return {
        "seconds": time.process_time() - began,
        "gigabytes": (peak_resident_bytes() or 0) / 1e9,
    }


def trained(folder: Path) -> dict[str, float]:
    """Train for a few steps and answer validation; when the first step was done, and what it took.

    Loading libraries is left out, as the worker does that once for all trials.
    """
    runner.warm_up()
    (job,) = next_jobs(StudyFolder(folder / "study").study(), {}, {})
    run = TrialRun(replace(job, id=rung_id(job.id, STEPS), until=STEPS), folder / "study", bool)
    ends: list[float] = []
    step = Learner.step

    def clocked(*given: object, **named: object) -> object:
        taken = step(*given, **named)  # type: ignore[arg-type]  # handed on as they came
        ends.append(time.process_time())
        return taken

    Learner.step = clocked  # type: ignore[assignment]  # the first step has no place in the log
    began = time.process_time()
    if (status := run.run()) != "done":
        raise SystemExit(f"the trial ended: {status}, {run.result.error}")
    return {
        "first": ends[0] - began,
        "evaluation": run.stopwatch.seconds["evaluate"],
        "gigabytes": (peak_resident_bytes() or 0) / 1e9,
    }


if __name__ == "__main__":
    main()
