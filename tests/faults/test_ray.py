"""Studies on a cluster of three simulated nodes, of which some are killed."""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.faults.simulated_nodes import SimulatedNodes

from tunewise.core.errors import MachineTrouble
from tunewise.store.study import StudyFolder
from tunewise.studies.engines.pool import Pool
from tunewise.studies.engines.ray_cluster import RayCluster
from tunewise.studies.events import Event, Started
from tunewise.studies.launch import run_jobs

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="needs Ray: pip install 'tunewise[ray]'"
    ),
]
STUDY: dict[str, Any] = {"points": 2, "seeds": 2}
LONG = {"steps": 40, "seconds": 8}


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedNodes]:
    """A cluster that this test may kill."""
    nodes = SimulatedNodes()
    nodes.use(monkeypatch)
    yield nodes
    nodes.shutdown()


@pytest.fixture
def expected(new_study: Callable[[str], Any]) -> dict[str, str]:
    study = new_study("local").write(LONG, LONG, {}, seeds=2)
    assert study.run().progress.complete
    table: dict[str, str] = study.table()
    return table


def whole(folder: StudyFolder) -> dict[str, bytes]:
    """Every result of a study's trials and tests."""
    return {
        str(path.relative_to(folder.path)): path.read_bytes()
        for parent in ("trials", "tests")
        for path in (folder.path / parent).glob("[!.]*/result.json")
    }


def test_three_nodes_give_the_bytes_of_one_machine(
    nodes: SimulatedNodes,
    tiny: Callable[[Path], StudyFolder],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A real study, of the methods and models of the demo."""
    nodes.use(monkeypatch)
    results = []
    for name, engine in (("local", Pool), ("ray", RayCluster)):
        folder = tiny(tmp_path / name)
        with engine() as running, folder.lock():
            running.places()
            assert run_jobs(folder, engine=running).progress.complete
        results.append(whole(folder))
    assert results[0] == results[1] and len(results[0]) > 1


def test_the_jobs_of_a_killed_node_start_again_on_another(
    own: SimulatedNodes, new_study: Callable[[str], Any], expected: dict[str, str]
) -> None:
    study = new_study("ray").write(LONG, LONG, {}, seeds=2)
    killed: list[Any] = []

    def hear(event: Event) -> None:
        busy = [node for node in own.others if own.workers(node)]
        if not killed and isinstance(event, Started) and len(busy) == len(own.others):
            killed.append(busy[0])
            threading.Timer(2.0, own.kill, [busy[0]]).start()  # in the middle of its trial

    with RayCluster("toy") as cluster:
        assert cluster.places() == 3
        assert study.run_on(cluster, hear).progress.complete
    assert killed and study.table() == expected


def test_a_killed_head_ends_the_launch_and_the_next_one_goes_on(
    own: SimulatedNodes,
    new_study: Callable[[str], Any],
    expected: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = new_study("ray").write(LONG, LONG, {}, seeds=2)
    launcher = study.launch(3, TOY_ENGINE="ray")
    while not list(study.folder.path.glob("weights/*/checkpoint/state.json")):
        assert launcher.poll() is None
        time.sleep(0.1)
    own.kill(own.head)
    out, error = launcher.communicate()
    assert launcher.returncode == MachineTrouble.exit_code, out + error
    assert "The Ray cluster is gone." in error
    for node in own.others:
        own.kill(node)
    assert study.table() != expected
    again = SimulatedNodes()
    again.use(monkeypatch)
    try:
        with RayCluster("toy") as cluster:
            cluster.places()
            assert study.run_on(cluster).progress.complete
    finally:
        again.shutdown()
    assert study.table() == expected
