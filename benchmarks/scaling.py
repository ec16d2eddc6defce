"""How a study grows with its rows, its contenders and its seeds.

    python benchmarks/scaling.py [--axes rows contenders seeds] [--rows 1000 10000 100000 1000000]

Every case is a study that is run as `tunewise run` does, with one worker: on invented texts of some
90 characters, LoRA on the embedded encoder by default, 20 steps a trial and an answer to the 1,000
rows of validation. It is run twice, the second time in a folder of its own with the tokens of the
first. Seconds are of the processor, which other work on the machine lengthens least; memory is the
most that all processes of the study held together, pages that they share counted once. A case that
lies in the results is not measured again without --again; the tables are of all that lie there.
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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from reference.records import made_by

from tunewise import runner
from tunewise.api import launch
from tunewise.backbones import texts
from tunewise.core.files import read_json, write_json
from tunewise.store.trial_records import Job
from tunewise.studies.engines.pool import Pool
from tunewise.studyfile.studyfile import read_study
from tunewise.training import loop
from tunewise.training.loop import Learner, Training

RESULTS = Path(__file__).parent / "results" / "scaling.json"
AXES = {
    "rows": [10**n for n in range(3, 7)],
    "contenders": [1, 2, 4, 8],  # LoRA of as many ranks
    "seeds": [1, 2, 4, 8],
}
SMALL = {"rows": 1000, "contenders": 1, "seeds": 1}  # a case, along the other axes
HELD, STEPS, BATCH = 1000, 20, 32
AT_ONCE = 10_000  # rows that are invented at a time
WORDS = 14  # of a text, of some 90 characters
TICK = 0.5  # seconds between two looks at memory
PLACE = "TUNEWISE_SCALING"  # names the folder in which the worker leaves what follows
FIRST, EVALUATIONS = "first", "evaluations"
COLUMNS = {
    "first_step": ("first step (s)", "{:.1f}"),
    "tokenizing": ("of which tokenizing (s)", "{:.1f}"),
    "again": ("tokens kept (s)", "{:.1f}"),
    "evaluation": ("an evaluation (s)", "{:.1f}"),
    "whole": ("whole study (s)", "{:.1f}"),
    "gigabytes": ("most memory (GB)", "{:.2f}"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--axes", nargs="+", choices=AXES, default=list(AXES))
    parser.add_argument("--rows", type=int, nargs="+", default=AXES["rows"])
    parser.add_argument("--model", default="embedded:encoder")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--again", action="store_true", help="measure what is there already")
    parser.add_argument("--study", type=Path, help=argparse.SUPPRESS)  # in a process of its own
    asked = parser.parse_args()
    if asked.study:
        run_study(asked.study)
        return
    for axis in asked.axes:
        for number in asked.rows if axis == "rows" else AXES[axis]:
            known = read_json(asked.results) if asked.results.is_file() else {}
            here = known.get(axis, {})
            if str(number) in here and not asked.again:
                continue
            found = measured({**SMALL, axis: number}, asked.model)
            found["made_by"] = made_by("") | {"command": "python benchmarks/scaling.py"}
            write_json(asked.results, known | {axis: here | {str(number): found}})
            print(axis, number, json.dumps(found), file=sys.stderr, flush=True)
    for axis, here in (read_json(asked.results) if asked.results.is_file() else {}).items():
        print("\n".join(table(axis, here)))


def table(axis: str, cases: dict[str, dict[str, float]]) -> Iterator[str]:
    """What was measured along an axis, as Markdown."""
    yield f"\n| {axis} | {' | '.join(name for name, _ in COLUMNS.values())} |"
    yield "|---:" * (1 + len(COLUMNS)) + "|"
    for number in sorted(cases, key=int):
        case = cases[number]
        cells = [
            shape.format(case[key]) if key in case else "–" for key, (_, shape) in COLUMNS.items()
        ]
        yield f"| {int(number):,} | {' | '.join(cells)} |"


def measured(case: dict[str, int], model: str) -> dict[str, Any]:
    """Both runs of a case."""
    with tempfile.TemporaryDirectory(prefix="tunewise-") as name:
        folder = Path(name)
        invent(folder / "data", case["rows"])
        study = {
            "name": "scaling",
            "task": {"kind": "classification", "text": "text", "label": "label"},
            "data": {"source": str(folder / "data")},
            "models": [model],
            "methods": [{"lora": {"rank": 1 + rank}} for rank in range(case["contenders"])],
            "training": {"epochs": 1, "batch_size": BATCH, "learning_rate": 1e-3},
            "seeds": list(range(case["seeds"])),
        }
        (folder / "study.json").write_text(json.dumps(study))
        first, again = (watched(folder / run, folder) for run in ("first", "again"))
    return {**first, "again": again["first_step"]}


def watched(place: Path, folder: Path) -> dict[str, float]:
    """A study run by a process of its own; what that and its children took."""
    place.mkdir()
    (place / "study.json").write_text((folder / "study.json").read_text())
    keep = {"TUNEWISE_CACHE": str(folder / "cache"), PLACE: str(place)}
    paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    keep |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    process = subprocess.Popen(
        [sys.executable, __file__, "--study", str(place)],
        env={**os.environ, **keep, "PYTHONPATH": os.pathsep.join(paths)},
        stdout=subprocess.DEVNULL,
    )
    most, first = 0, 0.0
    while process.poll() is None:
        tree = descendants(process.pid)
        most = max(most, sum(map(shared_bytes, tree)))
        if not first and (place / FIRST).exists():
            first = sum(map(processor_seconds, tree))
        time.sleep(TICK)
    if process.returncode:
        raise SystemExit(f"the study ended with {process.returncode}")
    inside: dict[str, float] = read_json(place / "inside.json")
    seconds = [float(line) for line in (place / EVALUATIONS).read_text().split()]
    evaluation = sum(seconds) / len(seconds)
    return {**inside, "first_step": first, "evaluation": evaluation, "gigabytes": most / 1e9}


def descendants(pid: int) -> list[int]:
    """A process with its children, theirs, and so on."""
    found = [pid]
    for one in found:
        try:
            names = Path(f"/proc/{one}/task/{one}/children").read_text().split()
        except OSError:
            continue  # it has ended
        found += map(int, names)
    return found


def shared_bytes(pid: int) -> int:
    """The memory of a process, of what it shares with others its part."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def processor_seconds(pid: int) -> float:
    """Of a process and those of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def invent(folder: Path, rows: int) -> None:
    """Texts of invented words, of which the first names the class in four of five."""
    folder.mkdir()
    rng = random.Random(0)
    words = ["".join(rng.choices("aeioubdfgklmnprst", k=rng.randint(3, 8))) for _ in range(5000)]
    schema = pa.schema([("text", pa.string()), ("label", pa.string())])
    for split, count in {"train": rows, "validation": HELD}.items():
        with pq.ParquetWriter(folder / f"{split}.parquet", schema) as file:
            for start in range(0, count, AT_ONCE):
                table = [_row(rng, words) for _ in range(min(AT_ONCE, count - start))]
                file.write_table(pa.Table.from_pylist(table, schema=schema))


def _row(rng: random.Random, words: list[str]) -> dict[str, str]:
    label = rng.choice(("good", "bad"))
    first = label if rng.random() < 0.8 else "even"
    return {"text": " ".join([first, *rng.choices(words, k=WORDS)]), "label": label}


def run_study(place: Path) -> None:
    """Run the study of a folder, and write down what that took of the processor."""
    seconds = 0.0
    reading: Any = texts  # whose door to the kept tokens is watched
    read = reading.in_chunks

    def clocked(*given: Any) -> Any:
        nonlocal seconds
        began = time.process_time()
        try:
            return read(*given)
        finally:
            seconds += time.process_time() - began

    reading.in_chunks = clocked
    settings = read_study(read_json(place / "study.json"))
    with Pool("scaling") as engine:
        ended = launch(settings, place / "study", engine=engine, workers=1)
    if ended.outcome.progress.failed:
        raise SystemExit("a trial failed")
    times = os.times()
    write_json(place / "inside.json", {"tokenizing": seconds, "whole": sum(times[:4])})


# What follows is asked by the worker, for which this module is its runner.


def warm_up() -> None:
    runner.warm_up()
    cap()


def run_job(job: Job, study_folder: Path, stop: Callable[[], bool]) -> str:
    return runner.run_job(job, study_folder, stop)


def cap() -> None:
    """End every epoch after a few steps; write down the first, and what evaluations take."""
    place = Path(os.environ[PLACE])
    trainings: Any = Training
    learners: Any = Learner
    evaluating: Any = loop
    steps_to_come, step = trainings._steps_to_come, learners.step
    predict = evaluating.predict_feed

    def few(training: Training) -> Any:
        return steps_to_come(training)[:STEPS]

    def marked(*given: Any, **named: Any) -> Any:
        taken = step(*given, **named)
        (place / FIRST).touch()
        return taken

    def clocked(*given: Any, **named: Any) -> Any:
        began = time.process_time()
        found = predict(*given, **named)
        with (place / EVALUATIONS).open("a") as file:
            file.write(f"{time.process_time() - began}\n")
        return found

    trainings._steps_to_come = few
    learners.step = marked
    evaluating.predict_feed = clocked


if __name__ == "__main__":
    main()
