"""A study of toy trials, run in this process or in one that a test may kill."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.faults import real
from tests.faults.simulated_nodes import SimulatedNodes

from tunewise.runner import warm_up
from tunewise.store.records import StudyRecord
from tunewise.store.study import StudyFolder
from tunewise.studies.engines.base import Engine, Needs
from tunewise.studies.engines.pool import Pool
from tunewise.studies.events import Event, Finished, Notice, OnEvent
from tunewise.studies.launch import Outcome, run_jobs
from tunewise.studies.together import ALONE, NeedsOf, Together

HERE = Path(__file__).parent
collect_ignore = ["slow_to_load.py", "failing_disk"]  # for other processes than this one
LAUNCH = "TOY_LAUNCH"  # in the environment of a launcher and all that it starts


class ToyStudy:
    """Contenders named by their settings for the toy runner, each with two points and seeds."""

    def __init__(self, path: Path) -> None:
        self.folder = StudyFolder.create(path / "toy")
        self.notices: list[str] = []
        self.finished: list[str] = []
        self.launched: list[subprocess.Popen[str]] = []

    def write(
        self, *toys: dict[str, Any], points: int = 1, seeds: int = 1, **changes: Any
    ) -> ToyStudy:
        """Write a study with one contender for each of `toys`."""
        rows = []
        for number, toy in enumerate(toys):
            training = {"timeout": toy["timeout"]} if "timeout" in toy else {}
            more = toy.get("settings", {})
            training |= more.get("training", {})
            settings = [
                {**more, "row": number, "point": point, "toy": toy, "training": training}
                for point in range(toy.get("points", points))
            ]
            rows.append(
                {
                    "name": f"toy{number}",
                    "seeded": True,
                    "features": toy.get("features"),
                    "points": [
                        {"point": {}, "settings": value, "identity": {"row": number, "point": at}}
                        for at, value in enumerate(settings)
                    ],
                }
            )
        study = {
            "name": "toy",
            "metrics": ["accuracy"],
            "seeds": list(range(seeds)),
            "data": {"has_test": True},
            "contenders": rows,
        } | changes
        place = self.folder.path / "data" / "toy.json"
        place.parent.mkdir(exist_ok=True)
        place.write_text(json.dumps(study))
        return self

    def run(self, workers: int = 2, runner: str = "toy") -> Outcome:
        """Run the study in this process."""
        with Pool(runner) as pool:
            pool.places(workers)
            return self.run_on(pool)

    def run_on(
        self,
        engine: Engine,
        hear: OnEvent = lambda event: None,
        needs: NeedsOf = lambda job: Needs(),
        together: Together = ALONE,
    ) -> Outcome:
        """Run the study in this process, on an engine that has its places."""

        def both(event: Event) -> None:
            self._hear(event)
            hear(event)

        with self.folder.lock():
            self.write_folder()
            return run_jobs(
                self.folder, engine=engine, needs=needs, on_event=both, together=together
            )

    def write_folder(self) -> None:
        """Write the study as a launch does, before its first job."""
        study = json.loads((self.folder.path / "data" / "toy.json").read_text())
        self.folder.write_study(StudyRecord.from_json(study), "name: toy\n")

    def launch(self, workers: int = 2, **environment: str) -> subprocess.Popen[str]:
        """Run the study in a process, and process group, of its own."""
        process = subprocess.Popen(
            [sys.executable, str(HERE / "launch.py"), str(self.folder.path), str(workers)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {LAUNCH: str(self.folder.path)} | environment,
            text=True,
            start_new_session=True,
        )
        self.launched.append(process)
        return process

    def table(self) -> dict[str, str]:
        """The results of all trials and tests: every byte of what is computed, none measured."""
        return {
            f"{parent}/{record.id}": (record.folder / "result.json").read_text()
            for parent, records in (
                ("trials", self.folder.records()),
                ("tests", self.folder.tests()),
            )
            for record in records.values()
        }

    def statuses(self) -> list[str]:
        return sorted(record.status for record in self.folder.records().values())

    def ran(self) -> list[str]:
        """Every job that a process began, in order."""
        return (self.folder.path / "data" / "runs.txt").read_text().split()

    def close(self) -> None:
        for process in self.launched:
            process.kill()
            process.communicate()

    def _hear(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.notices.append(event.text)
        elif isinstance(event, Finished):
            self.finished.append(event.job.key)


@pytest.fixture
def new_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], ToyStudy]]:
    before = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", f"{HERE}{os.pathsep}{before}")
    made: list[ToyStudy] = []

    def new(name: str) -> ToyStudy:
        made.append(ToyStudy(tmp_path / name))
        return made[-1]

    yield new
    for study in made:
        study.close()


@pytest.fixture
def toy(new_study: Callable[[str], ToyStudy]) -> ToyStudy:
    return new_study("one")


@pytest.fixture(scope="session")
def nodes() -> Iterator[SimulatedNodes]:
    """A Ray cluster that no test kills."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("needs Ray: pip install 'tunewise[ray]'")
    cluster = SimulatedNodes()
    yield cluster
    cluster.shutdown()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], StudyFolder]:
    """`tiny(place)`: a small real study in a folder, before its first trial."""
    torch.set_num_threads(1)
    warm_up()
    first = real.prepared(tmp_path_factory.mktemp("tiny") / "study")

    def new(place: Path) -> StudyFolder:
        shutil.copytree(first.path, place)
        return StudyFolder(place)

    return new
