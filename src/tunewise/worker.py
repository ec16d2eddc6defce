"""``python -m tunewise.worker``: imports the heavy libraries once and forks a process a job.

Lines of JSON come in: ``{"do": "run", "study": folder, "job": {...}, "core": 0}``, ``{"do":
"stop", "key": ...}``, ``{"do": "kill", "key": ...}``. A job may have ``patience``, the seconds that
it waits for the process of an earlier launch, and a ``gpu``, which is then all that it sees. Lines
go out: ``{"ready": true}``, then ``{"job": key, "exit": code}`` for each process that ended. When
the input closes, the launcher is gone, and so are we.

The launcher sets the thread limits in our environment, because libraries read them when they
are imported. We never touch CUDA: a process that did could not be forked.
"""

from __future__ import annotations

import argparse
import faulthandler
import fcntl
import gc
import importlib
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, cast

from tunewise.core.canonical import JSONObject
from tunewise.core.environment import VISIBLE
from tunewise.core.files import is_complete
from tunewise.core.lifeline import end_while_loading, end_with, loaded
from tunewise.core.outside import is_outside, message_of
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job
from tunewise.studies.exit_codes import Exit, exit_of

PATIENCE = 30.0  # seconds to wait for a process of an earlier launch to end

# The statuses of a job that leaves no complete folder.
ENDINGS = {"interrupted": Exit.INTERRUPTED, "disk-full": Exit.DISK_FULL}


class Runner(Protocol):
    """The module that runs jobs."""

    def warm_up(self) -> None:
        """Import all that jobs will use; called once, before any is forked."""

    def run_job(self, job: Job, study_folder: Path, stop: Callable[[], bool]) -> str:
        """Do a job, asking `stop` again and again, and return its status."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tunewise.worker", description=__doc__)
    parser.add_argument("--runner", required=True, help="module that runs jobs")
    parser.add_argument("--afresh", action="store_true", help="start jobs instead of forking them")
    parser.add_argument("--message", help="run this one job (what --afresh starts)")
    parser.add_argument("--lifelines", type=int, nargs=2, help="pipes that close with our parents")
    options = parser.parse_args(arguments)
    if options.message:
        message = json.loads(options.message)
        return _job(options.runner, message, options.lifelines)
    end_while_loading(0)
    try:
        _load(options.runner).warm_up()
    except Exception as error:
        if not is_outside(error):
            raise
        print(message_of(error), file=sys.stderr)
        return 1
    loaded()  # from here on we see the end of our input, and end the jobs ourselves
    return Worker(options.runner, afresh=options.afresh).serve()


class Worker:
    """Starts, stops and buries the processes of jobs; does nothing else, so it always answers."""

    def __init__(self, runner: str, *, afresh: bool) -> None:
        self.runner, self.afresh = runner, afresh
        self.children: dict[str, int] = {}  # process ids by job key
        self.reports = os.dup(1)
        os.dup2(2, 1)  # whatever a library prints must not land among the reports
        self.alive, self._mine = os.pipe()  # no byte ever passes: it closes when we die
        self.bell, self._ring = os.pipe()  # a byte for each child that ended
        os.set_blocking(self._ring, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._ring)

    def serve(self) -> int:
        gc.collect()
        gc.freeze()  # the children then share our memory instead of copying it
        self._report({"ready": True})
        unread = b""
        while True:
            readable, _, _ = select.select([0, self.bell], [], [])
            if self.bell in readable:
                os.read(self.bell, 4096)
                for key, pid in list(self.children.items()):
                    ended, status = os.waitpid(pid, os.WNOHANG)
                    if ended:
                        del self.children[key]
                        self._report({"job": key, "exit": os.waitstatus_to_exitcode(status)})
            if 0 in readable:
                content = os.read(0, 1 << 16)
                if not content:
                    break
                *lines, unread = (unread + content).split(b"\n")
                for line in lines:
                    self._obey(json.loads(line))
        for pid in self.children.values():
            _kill(pid)
        return 0

    def _obey(self, message: JSONObject) -> None:
        if message["do"] == "run":
            key = Job.from_json(message["job"]).key
            self.children[key] = self._start(message)
        elif (pid := self.children.get(message["key"])) is not None:
            if message["do"] == "stop":
                os.kill(pid, signal.SIGTERM)
            else:
                _kill(pid)

    def _start(self, message: JSONObject) -> int:
        """A new process for the job; it watches our input and our life for their end."""
        if self.afresh:
            lifelines = [os.dup(0), os.dup(self.alive)]
            for handle in lifelines:
                os.set_inheritable(handle, True)
            command = [sys.executable, "-P", "-m", "tunewise.worker", "--runner", self.runner]
            command += ["--message", json.dumps(message)]
            command += ["--lifelines", *map(str, lifelines)]
            pid = os.posix_spawn(sys.executable, command, os.environ)
            for handle in lifelines:
                os.close(handle)
            return pid
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for handle in (self.reports, self._mine, self.bell, self._ring):
                    os.close(handle)
                code = _job(self.runner, message, [os.dup(0), self.alive])
            finally:
                os._exit(code)  # past the worker's own clean-up, which is not the child's
        return pid

    def _report(self, message: JSONObject) -> None:
        os.write(self.reports, json.dumps(message).encode() + b"\n")


class _Stop:
    """Set by SIGTERM. A plain attribute: an `Event` can lock itself when signals nest."""

    asked = False

    def ask(self, number: int, frame: object) -> None:
        self.asked = True


def _job(runner: str, message: JSONObject, lifelines: Sequence[int]) -> int:
    """Be the process of one job, from its first moment to its exit code."""
    stop = _Stop()
    os.setsid()  # the terminal's Ctrl-C does not reach us, and our children end with us
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, stop.ask)
    end_with(lifelines)

    if gpu := message.get("gpu"):
        os.environ[VISIBLE] = gpu
    job, study = Job.from_json(message["job"]), Path(message["study"])
    folder = StudyFolder(study)
    try:
        _print_to(folder.output_file(job.key))
        core = message.get("core")
        if core is not None and hasattr(os, "sched_setaffinity"):
            with suppress(OSError):  # the core may have been taken from us meanwhile
                os.sched_setaffinity(0, {core})
        with ExitStack() as locks:
            for each in job.all:
                path = folder.lock_file(each.key)
                path.parent.mkdir(parents=True, exist_ok=True)
                lock = locks.enter_context(path.open("a"))
                if not _locked(lock.fileno(), stop, message.get("patience") or PATIENCE):
                    return Exit.INTERRUPTED if stop.asked else Exit.BUSY
            left = [each for each in job.all if not is_complete(folder.made_by(each))]
            if not left:
                return Exit.COMPLETE
            job = replace(left[0], beside=tuple(left[1:]))
            status = _load(runner).run_job(job, study, lambda: stop.asked)
        return ENDINGS.get(status, Exit.COMPLETE)
    except BaseException as error:  # the exit code records it, the output tells it
        with suppress(OSError):  # the disk may be full
            traceback.print_exc()
            if is_outside(error):
                print(message_of(error), file=sys.stderr)  # the last words are for a person
        return exit_of(error)
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()


def _load(name: str) -> Runner:
    runner: Any = importlib.import_module(name)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    return cast(Runner, runner)


def _print_to(path: Path) -> None:
    """Send everything this process prints, also from C, to a file that starts empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    output = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a text file here
    faulthandler.enable()  # a crash in C also says where


def _locked(handle: int, stop: _Stop, patience: float) -> bool:
    """Whether the trial is ours: a process whose launcher was killed may need a moment to end."""
    deadline = time.monotonic() + patience
    while not stop.asked and time.monotonic() < deadline:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.05)
    return False


def _kill(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError):  # it has no group of its own before its first line
            kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
