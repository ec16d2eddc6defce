"""A runner without torch: each trial computes a score from its settings and misbehaves on order.

`settings["toy"]` may hold: score, examples (to answer), seconds, steps; fault (a name from FAULTS),
in (the kind of job it strikes), once (only its first try), tries (how many of its tries); die_at
(the step of writing at which it dies); forgetful (a resumed trial scores differently); until (the
file of the study folder that it waits for).
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tunewise.core.canonical import digest
from tunewise.core.files import FAIL_AT, mark_complete, read_json, write_bytes, write_json
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job
from tunewise.training.log import TrialLog


def warm_up() -> None:
    """Nothing to import."""


def run_job(asked: Job, study: Path, stop: Callable[[], bool]) -> str:
    statuses = [_run(each.as_json(), study, stop) for each in asked.all]
    return "interrupted" if "interrupted" in statuses else "done"


def _run(job: dict[str, Any], study: Path, stop: Callable[[], bool]) -> str:
    os.environ.pop(FAIL_AT, None)
    toy = job["settings"].get("toy", {})
    folder = StudyFolder(study)
    _note(study, job)
    if job["kind"] == toy.get("in", "trial"):
        _misbehave(toy, study / f"struck-{job['kind']}-{job['id']}")
    if job["kind"] == "features":
        write_json(folder.features_folder(job["id"]) / "features.json", [1, 2, 3])
        mark_complete(folder.features_folder(job["id"]))
        return "done"
    if job["kind"] == "test":
        trial = folder.record(job["id"])
        assert trial is not None and folder.weights_folder(job["id"]).is_dir()
        return _finish(folder.test_folder(job["id"]), job, "test")
    return _train(job, folder, stop)


def _train(job: dict[str, Any], folder: StudyFolder, stop: Callable[[], bool]) -> str:
    """Steps with a checkpoint after each, so that an interrupted trial goes on where it was."""
    toy = job["settings"].get("toy", {})
    checkpoint = folder.weights_folder(job["id"]) / "checkpoint" / "state.json"
    done = read_json(checkpoint)["step"] if checkpoint.is_file() else 0
    steps = toy.get("steps", 3)
    if done and toy.get("forgetful"):
        toy["score"] = -1.0
    log = TrialLog(folder.trial_folder(job["id"]) / "log.jsonl")
    log.rewind(done)
    log.write("start", steps=steps, epochs=1)
    for step in range(done + 1, steps + 1):
        if stop():
            return "interrupted"
        time.sleep(toy.get("seconds", 0.0) / steps)
        log.write("step", epoch=1, step=step, loss=1 / step)
        write_json(checkpoint, {"step": step})
    log.write("end", status="done")
    write_bytes(folder.weights_folder(job["id"]) / "weights.safetensors", b"w" * 100)
    mark_complete(folder.weights_folder(job["id"]))
    return _finish(folder.trial_folder(job["id"]), job, "validation")


def _finish(place: Path, job: dict[str, Any], split: str) -> str:
    score = job["settings"].get("toy", {}).get("score")
    if score is None:
        score = int(digest(job["settings"]), 16) % 1000 / 1000
    result = {
        "schema": 1,
        "id": job["id"],
        "settings": job["settings"],
        "status": "done",
        "metrics": {split: {"accuracy": score}},
    }
    write_json(place / "costs.json", {"schema": 1, "pid": os.getpid()})
    path = place / "predictions" / f"{split}.parquet"
    if examples := job["settings"].get("toy", {}).get("examples"):  # what a race compares
        write_answers(path, score, examples, digest(job["settings"]))
    else:
        write_bytes(path, json.dumps(result).encode())
    write_json(place / "result.json", result)
    mark_complete(place)
    return "done"


def write_answers(path: Path, score: float, examples: int, seed: str) -> None:
    """Answers of which a fraction is right, drawn from the settings alone."""
    random = Random(seed)
    choices = [int(random.random() < score) for _ in range(examples)]
    columns = {
        "id": [str(number) for number in range(examples)],
        "label": [1] * examples,
        "choice": choices,
        "probabilities": [[1.0 - choice, float(choice)] for choice in choices],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def _misbehave(toy: dict[str, Any], struck: Path) -> None:
    while toy.get("late") and not list(struck.parent.glob("weights/*/checkpoint/state.json")):
        time.sleep(0.01)  # until another trial stands somewhere
    while "until" in toy and not (struck.parent / toy["until"]).exists():
        time.sleep(0.01)
    with struck.open("a") as file:
        file.write("x")
    if struck.stat().st_size > (1 if toy.get("once") else toy.get("tries", 1 << 30)):
        return
    if "die_at" in toy:
        os.environ[FAIL_AT] = str(toy["die_at"])
    if fault := toy.get("fault"):
        FAULTS[fault]()


def _hang() -> None:
    while True:  # deaf to the wish to stop
        time.sleep(0.01)


def _be_deaf() -> None:
    ctypes.PyDLL(None).usleep(30_000_000)  # PyDLL keeps Python's lock: no thread of ours can run


def _fill() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def _exceed() -> None:
    most = 20_000  # bytes: the reason, with the paths in its traceback, is written to a file too
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * 100_000)
        file.flush()


def _allocate() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))
    bytearray(1 << 32)


def _crash() -> None:
    print("about to crash")
    os.kill(os.getpid(), signal.SIGSEGV)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _miss() -> None:
    Path("/nowhere/weights.safetensors").read_bytes()


def _fail_to_read() -> None:
    raise OSError(errno.EIO, "Input/output error", "weights.safetensors")


def _divide() -> None:
    raise ZeroDivisionError("the toy divided by zero")


def _leave() -> None:
    os._exit(0)


def _orphan() -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    _hang()


def _tell() -> None:
    print("cores", len(os.sched_getaffinity(0)), "threads", os.environ["OMP_NUM_THREADS"])
    print("input", os.read(0, 1), "leader", os.getsid(0) == os.getpid())


def _see() -> None:
    print("sees", os.environ.get("CUDA_VISIBLE_DEVICES"))


FAULTS: dict[str, Callable[[], None]] = {
    "hang": _hang,
    "deaf": _be_deaf,
    "full": _fill,
    "exceed": _exceed,
    "memory": _allocate,
    "segfault": _crash,
    "kill": _die,
    "missing": _miss,
    "unreadable": _fail_to_read,
    "error": _divide,
    "leave": _leave,
    "orphan": _orphan,
    "tell": _tell,
    "see": _see,
}


def _note(study: Path, job: dict[str, Any]) -> None:
    """Who ran what when: a line a process, for the test that nothing runs twice at once."""
    with (study / "data" / "runs.txt").open("a") as file:
        file.write(f"{job['kind']}/{job['id']}\n")
