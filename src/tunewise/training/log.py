"""The log of a running trial: one JSON object a line, the only channel to the outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tunewise.core.canonical import canonical
from tunewise.core.files import write_text, writing


class TrialLog:
    """Appends events to ``log.jsonl``; each line is whole once it ends in a newline."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, event: str, **values: Any) -> None:
        with writing(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(canonical({"event": event, **values}) + "\n")

    def rewind(self, step: int) -> None:
        """Forget what was logged after a step: the trial goes on from there."""
        if not self.path.exists():
            return
        kept = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue  # cut off by a kill
            if event.get("step", 0) <= step and event.get("event") != "end":
                kept.append(line)
        write_text(self.path, "".join(f"{line}\n" for line in kept))


class NoLog(TrialLog):
    """Of a process that shares a trial with the one that logs it."""

    def __init__(self) -> None:
        """Nothing is opened."""

    def write(self, event: str, **values: Any) -> None:
        """Write nothing."""

    def rewind(self, step: int) -> None:
        """Nothing was written."""
