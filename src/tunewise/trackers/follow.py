"""Trackers that follow a study while it runs, in a thread that the study never waits for."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, SimpleQueue

from tunewise.store.study import StudyFolder
from tunewise.trackers.send import track

SECONDS = 60.0  # that a copy may take while the study runs
FRACTION = 0.05  # of the time, at most, is spent on copying


class Follower:
    """Copies finished trials while others run, and only these: a trial's folder is the truth.

    A tracker that fails or is slow is reported once and not followed any further; the copy at the
    end of the run brings in what it lacks. Inside the context, `wake` says that a trial has
    finished.
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self.path = path
        self._names = list(names)
        self._notes: SimpleQueue[str] = SimpleQueue()
        self._news, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Follower:
        if self._names:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let a copy that has begun come to its end, or to its time limit."""
        self._closing.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        self._news.set()

    def notes(self) -> list[str]:
        """What a person should read, each once."""
        found = []
        while True:
            try:
                found.append(self._notes.get_nowait())
            except Empty:
                return found

    def _follow(self) -> None:
        while self._names:
            self._news.wait()
            self._news.clear()
            began = time.monotonic()
            for name in list(self._names):
                if self._closing.is_set():
                    return
                try:
                    track(StudyFolder.open(self.path), name, seconds=SECONDS)
                except Exception as error:  # whatever it is, it is not the study's
                    self._names.remove(name)
                    self._notes.put(
                        f"{name} follows the study no further, its trials are copied at the end: "
                        f"{error}"
                    )
            if self._closing.wait((time.monotonic() - began) / FRACTION):
                return
