"""The machine's speed is remembered, and measured anew where the machine is another one."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tunewise.costs import machine_speed
from tunewise.costs.calibration import Calibration, remember
from tunewise.costs.machine_speed import clock_of, confirmed_calibration


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calibration:
    monkeypatch.setenv("TUNEWISE_CACHE", str(tmp_path))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        flops = machine_speed._products(2)
    finally:
        torch.set_num_threads(threads)
    return Calibration(1, flops, 1e10, 1e-6, bfloat16_flops_per_second=2 * flops)


def test_a_speed_that_still_holds_is_kept_and_another_is_not(measured: Calibration) -> None:
    assert confirmed_calibration(1) is None  # nothing was measured yet
    before = torch.get_num_threads()
    remember(replace(measured, flops_per_second=measured.flops_per_second / 13))
    assert confirmed_calibration(1) is None
    remember(measured)
    assert confirmed_calibration(1) == measured
    assert torch.get_num_threads() == before
    remember(replace(measured, bfloat16_flops_per_second=None))  # as older versions did
    assert confirmed_calibration(1) is None


def test_each_precision_has_a_speed_of_its_own(measured: Calibration) -> None:
    known = replace(measured, slowdown=1.5, bfloat16_slowdown=3.0)
    assert known.computing_in("float32") is known
    half = known.computing_in("bfloat16")
    products, moved = 10**12, 10**9
    assert half.seconds(products, 0, 0) == pytest.approx(known.seconds(products, 0, 0))
    assert half.seconds(0, moved, 0) == pytest.approx(2 * known.seconds(0, moved, 0))
    unknown = replace(known, bfloat16_flops_per_second=None)
    assert unknown.computing_in("bfloat16") is unknown


def test_one_thread_is_measured_by_what_it_took_itself() -> None:
    """A thread that waits while another works took nothing."""
    clock, start = clock_of(1), clock_of(1)()
    other = threading.Thread(target=time.sleep, args=(0.2,))
    other.start()
    other.join()
    assert clock() - start < 0.1
    assert clock_of(2) is time.perf_counter
