"""The processes of one trial: forked from the trial's own, which watches them and writes the end.

They are forked rather than started, which takes no time and shares what has been read. Whatever
ends one of them ends all, and the first cause is the one that is told: the others only find that
nobody answers any more.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from tunewise.core.canonical import JSONObject
from tunewise.core.errors import DamagedFile, DamagedStudy, InputError
from tunewise.core.exits import exit_words, killed_words
from tunewise.core.lifeline import end_with
from tunewise.costs.limit import OUT_OF_MEMORY

GRACE = 5.0  # seconds that the others get to end by themselves, once one has ended badly
LOOK = 0.1  # seconds between two looks
FAILED = 1  # the exit code of a process whose work ended badly, and which says so

Stop = Callable[[], bool]
Work = Callable[[int, Path, Stop], JSONObject]
"""Given its rank, where ranks meet, and whether to stop; its report says under ``status`` how it
ended."""

RAISED: dict[str, type[Exception]] = {
    kind.__name__: kind for kind in (DamagedFile, DamagedStudy, InputError, MemoryError)
}


def side_by_side(size: int, work: Work, stop: Stop) -> JSONObject:
    """Do the work in as many processes, and return the report of the first.

    Where one of them ends badly it is that one's, or the error that it raised.

    Args:
        size: the number of processes.
        work: what each does.
        stop: asked again and again; once it says yes, the first process is told.

    Raises:
        InputError: this system cannot.
        ChildProcessError: somebody else ended one of them; the trial may go on from its checkpoint.
        MemoryError: one of them held more than its limit.
    """
    if sys.platform != "linux":
        raise InputError(f"devices = {size}: several processes for one trial are for Linux.")
    with TemporaryDirectory(prefix="tunewise-") as folder:
        alive, mine = os.pipe()  # no byte ever passes: it closes when we die
        ranks: list[_Rank] = []
        try:
            for rank in range(size):
                ranks.append(_forked(rank, work, Path(folder) / "ranks", stop, (alive, mine)))
            _watch(ranks, stop)
        finally:
            for each in ranks:
                each.end()
            os.close(alive)
            os.close(mine)
    return _told(ranks)


@dataclass
class _Rank:
    """A process: what it has said so far, and how and when it ended."""

    number: int
    pid: int
    handle: int  # to read its report from
    said: bytes = b""
    code: int | None = None  # None: it runs
    ended_by_us: bool = False

    def hear(self) -> bool:
        """Read what is there; False where no more will come."""
        content = os.read(self.handle, 1 << 16)
        self.said += content
        return bool(content)

    def look(self) -> None:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)

    def end(self) -> None:
        """End it now, if it runs."""
        if self.code is None:
            self.ended_by_us = True
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            _, status = os.waitpid(self.pid, 0)
            self.code = os.waitstatus_to_exitcode(status)
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    @property
    def report(self) -> JSONObject | None:
        """What it said in the end; None where it could say nothing."""
        try:
            found: JSONObject = json.loads(self.said)
        except ValueError:
            return None
        return found


def _forked(number: int, work: Work, meeting: Path, stop: Stop, lifeline: tuple[int, int]) -> _Rank:
    ours, theirs = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        os.close(lifeline[1])
        _be(number, work, meeting, stop, (theirs, lifeline[0]))
    os.close(theirs)
    return _Rank(number, pid, ours)


def _be(number: int, work: Work, meeting: Path, stop: Stop, handles: tuple[int, int]) -> NoReturn:
    """Do the work, report, and end, past the clean-up of the process that we were forked from."""
    code = FAILED
    try:
        told: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
        end_with([handles[1]])
        report = work(number, meeting, lambda: bool(told) or stop())
        code = 0 if report["status"] in {"done", "interrupted"} else FAILED
        _report(handles[0], report)
    except BaseException as error:
        traceback.print_exc()
        _report(handles[0], {"raised": _described(error), "at": time.monotonic()})
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _report(handle: int, report: JSONObject) -> None:
    content = json.dumps({"at": time.monotonic(), **report}).encode()
    while content:
        content = content[os.write(handle, content) :]


def _watch(ranks: list[_Rank], stop: Stop) -> None:
    """Until all have ended; some time after one has ended badly, the others are ended."""
    listening = {rank.handle: rank for rank in ranks}
    told, patience = False, float("inf")
    while any(rank.code is None for rank in ranks) or listening:
        readable, _, _ = select.select(list(listening), [], [], LOOK)
        for handle in readable:
            if not listening[handle].hear():
                del listening[handle]
        if not readable and not listening:
            time.sleep(LOOK)
        for rank in ranks:
            rank.look()
        if not told and stop():
            told = True
            with suppress(ProcessLookupError):
                os.kill(ranks[0].pid, signal.SIGTERM)
        if any(rank.code for rank in ranks):
            patience = min(patience, time.monotonic() + GRACE)
        if time.monotonic() > patience:
            return


def _told(ranks: list[_Rank]) -> JSONObject:
    """What became of them all: the first cause, where one of them ended badly.

    Who was ended without a word comes before those who say that nobody answers.
    """
    bad = {
        f"Process {rank.number + 1} of the {len(ranks)} that computed this trial": rank
        for rank in ranks
        if rank.code and not rank.ended_by_us
    }
    for name, rank in bad.items():
        if (killed := killed_words(rank.code or 0)) is not None:
            raise ChildProcessError(f"{name} {killed}")
    for name, rank in bad.items():
        if rank.code == OUT_OF_MEMORY:
            raise MemoryError(f"{name} held more than the memory limit.")
        if rank.report is None:
            raise RuntimeError(f"{name} {exit_words(rank.code or 0)}.")
    told = [report for rank in bad.values() or ranks[:1] if (report := rank.report) is not None]
    first = min(told, key=lambda report: report["at"])
    if "raised" in first:
        raise _raised(first["raised"])
    return first


def _described(error: BaseException) -> JSONObject:
    """An error so that it can be raised again in another process, with what the system said."""
    at: BaseException | None = error
    number = None
    while at is not None and number is None:
        number = at.errno if isinstance(at, OSError) else None
        at = at.__cause__
    text = getattr(error, "strerror", None) or str(error)
    path = getattr(error, "filename", None)
    return {
        "kind": type(error).__name__,
        "text": text,
        "errno": number,
        "path": path if isinstance(path, str) else None,
    }


def _raised(described: Mapping[str, str | int | None]) -> Exception:
    kind, text = str(described["kind"]), str(described["text"])
    if described["errno"] is not None:
        return OSError(described["errno"], text, described["path"])
    return RAISED.get(kind, RuntimeError)(text)
