"""Reads a trial's log: one line of JSON an event, the only channel while it runs.

A reader may meet half a line, at the end of a running trial's log or where a killed one's goes
on. A trial that goes on from a checkpoint repeats the steps after it; the last line of a step
counts.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from tunewise.core.canonical import JSONObject

Event = JSONObject


def read_log(path: Path) -> list[Event]:
    """The events of a log, each step and each evaluation once, in the order of the steps.

    A missing log is an empty one. Half lines, which a killed trial leaves, are not events.
    """
    latest: dict[tuple[str, int], Event] = {}
    for event in LogTail(path).read():
        place = (event["event"], event.get("step", 0))
        latest.pop(place, None)  # the later line also takes the later place
        latest[place] = event
    order = {"start": -1, "end": 1}
    # Evaluations stand behind the step they were made at; `sorted` keeps equal ones in place.
    return sorted(
        latest.values(),
        key=lambda event: (order.get(event["event"], 0), event.get("step", 0)),
    )


class LogTail:
    """Reads what has been added to a log since the last call."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = 0  # bytes read so far, always at the start of a line

    def read(self) -> list[Event]:
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self.position:
                    self.position = 0  # a half line was cut off, or the trial began again
                file.seek(self.position)
                content = file.read()
        except FileNotFoundError:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        self.position += len(whole)
        return [event for line in whole.splitlines() if (event := _event(line)) is not None]


def _event(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict) or not isinstance(event.get("step", 0), int):
        return None
    return event if isinstance(event.get("event"), str) else None
