"""Bringing a study into a tracker: only what is new or has changed, and only to this disk."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import tunewise
from tunewise.core.canonical import digest
from tunewise.core.errors import DamagedFile, InputError, MachineTrouble, unknown
from tunewise.core.extras import require
from tunewise.core.files import read_json, write_json
from tunewise.store.study import StudyFolder
from tunewise.trackers.process import as_text
from tunewise.trackers.runs import runs_of

# What a person types to see it. Only wandb's sends anything anywhere.
LOOK = {
    "mlflow": "mlflow ui --backend-store-uri sqlite:///{place}/mlflow.db",
    "tensorboard": "tensorboard --logdir {place}",
    "trackio": "TRACKIO_DIR={place} trackio show",
    "wandb": "wandb sync {place}/wandb/offline-run-*",
}
OFFLINE = {
    "DO_NOT_TRACK": "true",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "WANDB_ERROR_REPORTING": "false",
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
}
# Addresses of servers and keys to them: what is asked for here is a copy on this disk.
DROPPED = ("MLFLOW_", "TRACKIO_", "WANDB_")
SENT = "sent.json"
SECONDS = 600.0  # that a tracker's library may take


@dataclass(frozen=True)
class Sent:
    """What came of it: how many trials were written, where, and how to look at them."""

    tracker: str
    runs: int
    place: Path
    look: str


def check_trackers(names: Iterable[str]) -> None:
    """Find out before a study runs whether its trackers can be had.

    Raises:
        InputError: there is no tracker of that name.
        MissingExtra: its package is not installed.
    """
    for name in names:
        if name not in LOOK:
            raise InputError(unknown("tracker", name, LOOK))
        require(name, extra=name)


def track(folder: StudyFolder, name: str, *, seconds: float = SECONDS) -> Sent:
    """Copy a study's finished trials into a tracker's own store, under ``trackers/<name>``.

    What was copied before and has not changed stays as it is; a trial that has been tested since
    takes the place of its earlier copy.

    Raises:
        InputError, MissingExtra: as `check_trackers`.
        MachineTrouble: the tracker's library failed, and the text has its last words, or took
            longer than `seconds`.
    """
    check_trackers([name])
    place = folder.path.resolve() / "trackers" / name
    runs = runs_of(folder)
    marks = {run.id: digest(asdict(run)) for run in runs}
    try:
        before = dict(read_json(place / SENT))
    except (FileNotFoundError, DamagedFile):
        before = {}  # everything is written anew, in the place of what is there
    new = [run for run in runs if before.get(run.id) != marks[run.id]]
    if new:
        place.mkdir(parents=True, exist_ok=True)
        _write(name, place, as_text(folder.study().name, new), seconds)
        write_json(place / SENT, {**before, **marks})
    return Sent(name, len(new), place, LOOK[name].format(place=shlex.quote(str(place))))


def _write(name: str, place: Path, text: str, seconds: float) -> None:
    """Run the tracker's library in a process of its own, which Ctrl-C does not reach."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(DROPPED)}
    package = str(Path(tunewise.__file__).parents[1])
    path = os.pathsep.join(filter(None, [package, kept.get("PYTHONPATH")]))
    try:
        ran = subprocess.run(
            [sys.executable, "-P", "-m", f"tunewise.trackers.{name}", str(place)],
            input=text,
            env={**kept, **OFFLINE, "TRACKIO_DIR": str(place), "PYTHONPATH": path},
            cwd=place,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        raise MachineTrouble(f"{name} did not take in the study within {seconds:g} s.") from error
    if ran.returncode:
        last = "\n".join(ran.stderr.strip().splitlines()[-5:])
        raise MachineTrouble(f"{name} could not take in the study. Its last output:\n{last}")
