"""LoRA trials trained together over one frozen model, and the same trials one after the other.

    python benchmarks/together.py [--trials 4] [--steps 40] [--rank 8] [--repeats 1]

All-MiniLM-L6-v2 on SST-5, where they are at hand, else the embedded encoder and reviews; on a GPU
where there is one. Each way is taken in a process of its own, in turn. Printed are the steps of all
trials by the seconds of their trainings (on a CPU those of the processor), loading and validation
left out; the most memory that the process held (on a GPU, that its allocator gave); and the largest
difference of what was trained.

Trials that differ in rate have the same batches. Those that differ in seed have others, which are
padded to the longest text among them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import torch
from lora_step import SST5, model_folder
from safetensors.torch import load_file

from tunewise.core.files import read_json
from tunewise.costs.measure import forget_peak_memory, peak_resident_bytes
from tunewise.runner import run_job
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job, TrialCosts
from tunewise.studies.jobs import next_jobs
from tunewise.studies.prepare import prepare, store
from tunewise.studyfile.studyfile import read_study

BATCH, RATE, EVALUATED = 32, 3e-4, 64


class Figures(NamedTuple):
    steps_per_second: float
    peak_bytes: int


def prepared(place: Path, steps: int, rank: int) -> tuple[StudyFolder, Job]:
    """A study in a folder, and its one trial."""
    source = str(SST5.parent) if SST5.exists() else "embedded:reviews"
    settings = {
        "name": "together",
        "task": {"kind": "classification", "text": "text", "label": "label"},
        "data": {
            "source": source,
            "limit": {"train": steps * BATCH, "validation": EVALUATED, "test": EVALUATED},
        },
        "models": [model_folder()],
        "methods": [{"lora": {"rank": rank}}],
        "training": {"epochs": 1, "batch_size": BATCH, "dropout": 0, "learning_rate": RATE},
        "seeds": [0],
    }
    folder = StudyFolder.create(place)
    with folder.lock():
        store(prepare(read_study(settings)), folder)
    [job] = next_jobs(folder.study(), {}, {})
    return folder, job


def trials_of(job: Job, count: int, differ: str, way: str) -> list[Job]:
    """Trials that differ in seed or in rate, with ids that say which way they are trained."""
    found = []
    for number in range(count):
        settings = job.settings
        if differ == "seeds":
            settings = settings.with_seed(number)
        else:
            rate = RATE * 3.0**-number
            settings = replace(settings, training={**settings.training, "learning_rate": rate})
        found.append(replace(job, id=f"{differ}-{number}-{way}", settings=settings))
    return found


def measure(folder: Path, jobs: Sequence[Job], together: bool) -> Figures:
    """Train, in a process that nothing else runs in."""
    torch.set_num_threads(1)
    asked = [replace(jobs[0], beside=tuple(jobs[1:]))] if together else jobs
    on_gpu = torch.cuda.is_available()
    clock = time.perf_counter if on_gpu else time.process_time
    # Counting the tensors of a step takes as long as several steps.
    with (
        patch("tunewise.training.trial.adapt.held_tensors", return_value=[]),
        patch("time.perf_counter", clock),
    ):
        for job in asked:
            forget_peak_memory()
            status = run_job(job, folder, lambda: False)
            assert status == "done", status
    steps, seconds = 0, 0.0
    for job in jobs:
        steps += read_json(folder / "trials" / job.id / "result.json")["steps"]
        costs = TrialCosts.from_json(read_json(folder / "trials" / job.id / "costs.json"))
        seconds += costs.seconds["train"]
    peak = torch.cuda.max_memory_allocated() if on_gpu else peak_resident_bytes() or 0
    return Figures(steps / seconds, peak)


def difference(folder: Path, jobs: Sequence[Job], others: Sequence[Job]) -> float:
    """The largest of all trained numbers."""
    found = 0.0
    for job, other in zip(jobs, others, strict=True):
        ours, theirs = (
            load_file(folder / "weights" / id / "adapter_model.safetensors")
            for id in (job.id, other.id)
        )
        found = max(found, *(float((ours[name] - theirs[name]).abs().max()) for name in ours))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("trials", 4), ("steps", 40), ("rank", 8), ("repeats", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    fresh = multiprocessing.get_context("spawn")
    for differ in ("rates", "seeds"):
        found: dict[str, list[Figures]] = {"alone": [], "together": []}
        apart = 0.0
        for _ in range(options.repeats):
            with tempfile.TemporaryDirectory() as place:
                folder, job = prepared(Path(place) / "study", options.steps, options.rank)
                ways = {way: trials_of(job, options.trials, differ, way) for way in found}
                for way, jobs in ways.items():
                    with fresh.Pool(1) as pool:
                        given = (folder.path, jobs, way == "together")
                        found[way].append(pool.apply(measure, given))
                apart = max(apart, difference(folder.path, *ways.values()))
        for way, figures in found.items():
            speed = statistics.median(one.steps_per_second for one in figures)
            peak = statistics.median(one.peak_bytes for one in figures)
            print(f"{differ}, {way}: {speed:.2f} steps/s, peak {peak / 1e6:,.0f} MB")
        ratio = statistics.median(
            one.steps_per_second / other.steps_per_second
            for one, other in zip(found["together"], found["alone"], strict=True)
        )
        print(f"{differ}: {ratio:.2f} times as fast together; weights within {apart:.1e}")


if __name__ == "__main__":
    main()
