"""A Ray cluster whose nodes are processes of this machine."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from tunewise.studies.engines.ray_cluster import LOCAL

HERE = Path(__file__).parent
STORE = 80_000_000  # bytes of a node's object store, the least that Ray takes
WAIT = 60.0  # seconds until all nodes are there


class SimulatedNodes:
    """Three nodes of one core; the first is the head, which a launcher shares its machine with."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        with pytest.MonkeyPatch.context() as patch:
            # Nodes find the runner of the toy study as a launcher of it does.
            patch.setenv(
                "PYTHONPATH", os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
            )
            for name, value in LOCAL.items():
                patch.setenv(name, value)
            self.cluster: Any = Cluster(
                initialize_head=True,
                head_node_args={
                    "num_cpus": 1,
                    "object_store_memory": STORE,
                    "include_dashboard": False,
                    "include_log_monitor": False,
                    "no_monitor": True,
                },
            )
            self.head: Any = self.cluster.head_node
            self.others: list[Any] = [
                self.cluster.add_node(num_cpus=1, object_store_memory=STORE) for _ in range(2)
            ]

    def use(self, patch: pytest.MonkeyPatch) -> None:
        """Have launchers find this cluster."""
        patch.setenv("RAY_ADDRESS", self.cluster.address)

    def kill(self, node: Any) -> None:
        """SIGKILL to all that a node consists of, as when its machine loses power."""
        for processes in node.all_processes.values():
            for one in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    first = psutil.Process(one.process.pid)
                    for process in [first, *first.children(recursive=True)]:
                        with contextlib.suppress(psutil.NoSuchProcess):
                            process.send_signal(signal.SIGKILL)

    def workers(self, node: Any) -> list[int]:
        """The processes of a node that run jobs of ours."""
        (raylet,) = node.all_processes["raylet"]
        with contextlib.suppress(psutil.NoSuchProcess):
            return [
                process.pid
                for process in psutil.Process(raylet.process.pid).children(recursive=True)
                if "tunewise.worker" in " ".join(process.cmdline())
            ]
        return []

    def shutdown(self) -> None:
        self.cluster.shutdown()
