"""``python -m tunewise.studies.engines.ray_driver``: gives jobs to a Ray cluster, a task each.

Lines of JSON come in as `tunewise.worker` takes them, a job with the ``cores``, ``gpus`` and bytes
of ``memory`` that it needs. Lines go out: ``{"ready": true}``, ``{"cores": 8, "gpus": 0}`` for what
the cluster has now, ``{"began": key}`` for each job that has a process, and ``{"job": key, "exit":
code}`` for each that ended. When the input closes, the launcher is gone, and so are we; our tasks
end with us.

A task that was lost is not tried again here: the launcher decides that, as for every job.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import select
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewise import __version__
from tunewise.core.canonical import JSONObject
from tunewise.core.extras import needed
from tunewise.core.lifeline import end_while_loading, loaded
from tunewise.core.units import written_bytes
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job
from tunewise.studies.engines.pool import usable_cores
from tunewise.studies.engines.ray_task import BEGAN, run_task
from tunewise.studies.exit_codes import Exit

TICK = 0.05  # seconds between two looks at the tasks
COUNT = 20  # of these, between two looks at the nodes
STORE = 80_000_000  # bytes of a local cluster's object store, through which we send words alone
STARTS = 3  # tries to start a local cluster, which a busy machine may be too slow for
KILLED = -9  # the exit code of a process that SIGKILL ended
RUN_LENGTH = 300  # characters of what Ray says about an error


@dataclass(frozen=True)
class _Task:
    """A job on the cluster, and what it yields."""

    job: Job
    folder: StudyFolder
    outputs: Any


class Driver:
    """Starts, cancels and buries tasks."""

    def __init__(self, ray: Any, runner: str, reports: int) -> None:
        self.ray, self.runner, self.reports = ray, runner, reports
        self.errors = ray.exceptions
        self.tasks: dict[str, _Task] = {}

    def serve(self) -> None:
        looks, has = 0, self._count()
        self._report({"ready": True, **has})
        for line in self._lines():
            if line is not None:
                self._obey(json.loads(line))
                continue
            self._look()
            looks += 1
            if looks % COUNT == 0 and has != (has := self._count()):
                self._report(dict(has))

    def _lines(self) -> Iterator[bytes | None]:
        """What comes in, line by line, and None whenever there is nothing for a moment."""
        unread = b""
        while True:
            readable, _, _ = select.select([0], [], [], TICK)
            if readable:
                content = os.read(0, 1 << 16)
                if not content:
                    return
                *lines, unread = (unread + content).split(b"\n")
                yield from lines
            yield None

    def _obey(self, message: JSONObject) -> None:
        if message["do"] == "run":
            self._start(message)
        elif (task := self.tasks.get(message["key"])) is not None:
            # A job that was lost meanwhile is reported anyway.
            with suppress(self.errors.RayError, ValueError):
                self.ray.cancel(task.outputs, force=message["do"] == "kill")

    def _start(self, message: JSONObject) -> None:
        job, folder = Job.from_json(message["job"]), StudyFolder(Path(message["study"]))
        needs = {
            "CPU": message["cores"],
            "GPU": message["gpus"],
            "memory": message["memory"] or 0,
        }
        nodes = self._nodes()
        if nodes and not any(_fits(needs, node) for node in nodes):
            self._end(_Task(job, folder, None), Exit.OUTSIDE, _too_large(needs, nodes))
            return
        task = self.ray.remote(
            num_cpus=needs["CPU"],
            num_gpus=needs["GPU"],
            memory=needs["memory"] or None,
            max_retries=0,
            num_returns="streaming",
        )(run_task)
        outputs = task.remote(json.dumps(message), self.runner, __version__)
        self.tasks[job.key] = _Task(job, folder, outputs)

    def _look(self) -> None:
        """Hear what tasks have to say, one thing each."""
        outputs = {key: task.outputs for key, task in self.tasks.items()}
        if not outputs:
            return
        ready, _ = self.ray.wait(list(outputs.values()), num_returns=len(outputs), timeout=0)
        spoken = set(map(id, ready))
        for key in [key for key, each in outputs.items() if id(each) in spoken]:
            task = self.tasks[key]
            said, words = self._said(task.outputs)
            if said == BEGAN:
                self._report({"began": key})
            else:
                del self.tasks[key]
                self._end(task, int(said), words)

    def _said(self, outputs: Any) -> tuple[str | int, str]:
        """The next thing that a task yields; where it cannot, what that means."""
        try:
            said: tuple[str | int, str] = self.ray.get(next(outputs))
        except StopIteration:
            return Exit.LOST, ""
        except self.errors.TaskCancelledError:
            return Exit.INTERRUPTED, ""
        except self.errors.OutOfMemoryError as error:
            return KILLED, _short(error)
        except self.errors.RayTaskError as error:  # such as a node without Tunewise
            return Exit.OUTSIDE, _short(error.cause or error)
        except self.errors.RayError as error:
            return Exit.LOST, _short(error)
        return said

    def _end(self, task: _Task, code: int, words: str) -> None:
        if words:  # where a job's last words are looked for
            output = task.folder.output_file(task.job.key)
            with suppress(OSError):
                output.parent.mkdir(parents=True, exist_ok=True)
                with output.open("a", encoding="utf-8") as file:
                    file.write(f"\n{words}\n")
        self._report({"job": task.job.key, "exit": code})

    def _nodes(self) -> list[dict[str, float]]:
        """What each node has in all."""
        return [node["Resources"] for node in self.ray.nodes() if node["Alive"]]

    def _count(self) -> dict[str, int]:
        nodes = self._nodes()
        names = {"cores": "CPU", "gpus": "GPU"}
        return {ours: sum(int(n.get(theirs, 0)) for n in nodes) for ours, theirs in names.items()}

    def _report(self, message: JSONObject) -> None:
        os.write(self.reports, json.dumps(message).encode() + b"\n")


def _fits(needs: dict[str, float], node: dict[str, float]) -> bool:
    return all(node.get(name, 0) >= amount for name, amount in needs.items())


def _too_large(needs: dict[str, float], nodes: Sequence[dict[str, float]]) -> str:
    has = {name: max(node.get(name, 0) for node in nodes) for name in needs}
    return f"it needs {_written(needs)} on one node, and the nodes have at most {_written(has)}."


def _written(amounts: dict[str, float]) -> str:
    memory = written_bytes(int(amounts["memory"]))
    return f"{amounts['CPU']:g} CPU, {amounts['GPU']:g} GPU and {memory}"


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:RUN_LENGTH]


def connect(ray: Any, address: str | None) -> None:
    """Join the cluster, or start one of this machine alone."""
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address and address != "local":
        ray.init(address=address, **quiet)
        return
    for left in reversed(range(STARTS)):
        try:
            ray.init(
                address="local",
                num_cpus=len(usable_cores()),
                include_dashboard=False,
                object_store_memory=STORE,
                **quiet,
            )
            return
        except Exception:  # Ray has no type for a start that took longer than its 30 seconds
            ray.shutdown()
            if not left:
                raise


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="ray_driver", description=__doc__)
    parser.add_argument("--runner", required=True, help="module that runs jobs")
    parser.add_argument("--address", help="of the cluster; one is started if not given")
    options = parser.parse_args(arguments)
    end_while_loading(0)
    reports = os.dup(1)
    os.dup2(2, 1)  # whatever Ray prints must not land among the reports
    ray = needed("ray", extra="ray")
    connect(ray, options.address)
    loaded()  # from here on we see the end of our input, and take leave of the cluster
    try:
        Driver(ray, options.runner, reports).serve()
    finally:
        ray.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
