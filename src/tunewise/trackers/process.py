"""The process of its own in which a tracker's library runs.

There it may set what it likes, print what it likes and start what it likes; the study's own
process imports none of it, and a library that fails ends nothing but its own.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from tunewise.core.errors import MissingExtra
from tunewise.core.outside import is_outside, message_of
from tunewise.trackers.runs import Reading, Run

LOCK = ".lock"
POLITE = 10  # of the system's 0 to 19

Write = Callable[[Path, str, Sequence[Run]], None]
"""`write(place, study, runs)`: put the runs into the store at `place`, each in the place of what
an earlier call wrote for the trial of that id."""


def as_text(study: str, runs: Sequence[Run]) -> str:
    return json.dumps({"study": study, "runs": [asdict(run) for run in runs]})


def main(write: Write) -> None:
    """Be the process: the place is the argument, the runs come in as JSON.

    It yields to the study's own work, and waits for another that writes there, such as one whose
    launcher was killed: each run is put in the place of the earlier one, whoever comes last.
    """
    os.nice(POLITE)
    content = json.loads(sys.stdin.read())
    place = Path(sys.argv[1])
    try:
        with (place / LOCK).open("a") as lock:
            fcntl.flock(lock.fileno(), fcntl.LOCK_EX)
            write(
                place,
                content["study"],
                [
                    Run(**{**run, "points": tuple(Reading(**point) for point in run["points"])})
                    for run in content["runs"]
                ],
            )
    except MissingExtra as error:
        sys.exit(str(error))
    except Exception as error:
        if not is_outside(error):
            raise
        sys.exit(message_of(error))
