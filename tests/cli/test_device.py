"""`--device` decides what PyTorch may see, before it is loaded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.commands import Run

from tunewise.cli import device
from tunewise.cli.device import settle_device
from tunewise.core.environment import VISIBLE
from tunewise.core.errors import InputError


class Torch:
    """Sees a GPU wherever one is left to be seen."""

    class cuda:  # noqa: N801  # its name in PyTorch
        @staticmethod
        def is_available() -> bool:
            return os.environ.get(VISIBLE) != ""


@pytest.fixture(autouse=True)
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "torch", Torch)
    monkeypatch.setenv(VISIBLE, "4,7")


@pytest.mark.parametrize(
    ("name", "seen"),
    [(None, "4,7"), ("cpu", ""), ("cuda", "4,7"), ("cuda:0", "4"), ("cuda:1", "7")],
)
def test_what_is_left_to_be_seen(name: str | None, seen: str) -> None:
    settle_device(name)
    assert os.environ[VISIBLE] == seen


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpu", "'gpu': cpu, cuda, or cuda:1"),
        ("cuda:x", "'cuda:x': cpu, cuda"),
        ("cuda:2", "CUDA_VISIBLE_DEVICES shows 2"),
    ],
)
def test_a_device_that_is_not_there_is_a_mistake(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        settle_device(name)


def test_a_cluster_gives_its_gpus_by_itself(tunewise: Run, tmp_path: Path) -> None:
    ended = tunewise("run", "s.yaml", "--engine", "ray", "--device", "cpu", cwd=tmp_path)
    assert ended.returncode == 2
    assert "--device: 'cpu': on a cluster Ray gives GPUs to trials" in " ".join(
        ended.stderr.split()
    )


def test_a_gpu_where_pytorch_sees_none_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "")
    with pytest.raises(InputError, match="PyTorch sees no such GPU"):
        settle_device("cuda")
