"""Stored rows: each computed once, whatever happens in between."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tunewise.backbones.stored import SHARD, share, stored_rows
from tunewise.core.files import COMPLETE, FAIL_AT

COUNT = 2 * SHARD + 7


class Compute:
    """Rows that tell their number, and a list of the ranges that were asked for."""

    def __init__(self) -> None:
        self.asked: list[range] = []

    def __call__(self, wanted: range) -> Tensor:
        self.asked.append(wanted)
        return torch.arange(wanted.start, wanted.stop).float().unsqueeze(1) * torch.ones(3)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_rows_come_back_by_place_in_any_order(tmp_path: Path) -> None:
    rows = stored_rows(tmp_path / "key" / "train", COUNT, Compute())
    assert len(rows) == COUNT
    assert rows.take([COUNT - 1, 0, SHARD])[:, 0].tolist() == [COUNT - 1, 0, SHARD]
    assert rows.take([3]).shape == (1, 3)


def test_nothing_is_computed_twice(tmp_path: Path) -> None:
    heard: list[int] = []
    for _ in range(2):
        compute = Compute()
        stored_rows(tmp_path / "key" / "train", COUNT, compute, on_rows=heard.append)
    assert compute.asked == []
    assert heard == [SHARD, SHARD, 7, COUNT]


@pytest.mark.parametrize("marked", [True, False])  # False: a kill came before the marker
def test_a_damaged_shard_is_computed_again_and_no_other(tmp_path: Path, marked: bool) -> None:
    folder = tmp_path / "key" / "train"
    stored_rows(folder, COUNT, Compute())
    whole = contents(folder)
    if not marked:
        (folder / COMPLETE).unlink()
    damaged = folder / "rows-00001.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\xff")
    compute = Compute()
    stored_rows(folder, COUNT, compute)
    assert compute.asked == [range(SHARD, 2 * SHARD)]
    assert contents(folder) == whole


def store_and_count(folder: Path, counted: Path, fail_at: str) -> None:
    """In a process of its own: every range that is computed leaves a line."""
    os.environ[FAIL_AT] = fail_at

    def compute(wanted: range) -> Tensor:
        with counted.open("a") as file:
            file.write(f"{wanted.start}\n")
        return Compute()(wanted)

    stored_rows(folder, COUNT, compute)


@pytest.mark.parametrize("fail_at", range(1, 13))
def test_a_kill_at_any_step_of_writing_loses_no_whole_shard(tmp_path: Path, fail_at: int) -> None:
    stored_rows(tmp_path / "undisturbed" / "train", COUNT, Compute())
    folder, counted = tmp_path / "key" / "train", tmp_path / "counted"
    fork = multiprocessing.get_context("fork")
    process = fork.Process(target=store_and_count, args=(folder, counted, str(fail_at)))
    process.start()
    process.join()
    assert process.exitcode == 137
    renamed = {path.name for path in folder.iterdir() if ".tmp." not in path.name}
    compute = Compute()
    stored_rows(folder, COUNT, compute)
    assert {f"rows-{wanted.start // SHARD:05d}.safetensors" for wanted in compute.asked} == (
        {"rows-00000.safetensors", "rows-00001.safetensors", "rows-00002.safetensors"} - renamed
    )
    found = {name: text for name, text in contents(folder).items() if ".tmp." not in name}
    assert found == contents(tmp_path / "undisturbed" / "train")


def test_sharing_takes_no_room_and_needs_no_permission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cache" / "key" / "train"
    stored_rows(folder, 5, Compute())
    share(folder, tmp_path / "study" / "key" / "train")
    shared = tmp_path / "study" / "key" / "train"
    assert contents(shared) == contents(folder)
    assert (shared / COMPLETE).stat().st_ino == (folder / COMPLETE).stat().st_ino

    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(os, "link", refuse)  # as between two file systems
    share(folder, tmp_path / "other" / "train")
    assert contents(tmp_path / "other" / "train") == contents(folder)


def test_what_was_shared_is_used(tmp_path: Path) -> None:
    folder: Callable[[str], Path] = lambda name: tmp_path / name / "key" / "train"  # noqa: E731
    stored_rows(folder("cache"), 5, Compute())
    share(folder("cache"), folder("study"))
    compute = Compute()
    assert stored_rows(folder("study"), 5, compute).take([4])[0, 0] == 4
    assert compute.asked == []


def rows_of_a_slow_compute(place: Path, begin: Any) -> None:
    def compute(wanted: range) -> Tensor:
        with (place / "calls").open("a") as file:
            file.write("computed\n")
        time.sleep(1)
        return torch.zeros(len(wanted), 2)

    begin.wait()
    stored_rows(place / "rows", 3, compute)


def test_two_processes_that_need_the_same_rows_compute_them_once(tmp_path: Path) -> None:
    """The second waits for the first, and finds them."""
    fork = multiprocessing.get_context("fork")
    given = (tmp_path, fork.Barrier(2))  # both ask at once
    both = [fork.Process(target=rows_of_a_slow_compute, args=given) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
        assert process.exitcode == 0
    assert (tmp_path / "calls").read_text() == "computed\n"
