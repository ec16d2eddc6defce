"""A process that holds more than its limit: told when it can be, ended when it must be."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from tunewise.costs.limit import (
    OUT_OF_MEMORY,
    OverLimit,
    available_bytes,
    memory_limit,
    resident_bytes,
)

START = """
import sys, time
from tunewise.costs.limit import OverLimit, memory_limit, resident_bytes
limit = resident_bytes() + int(sys.argv[1])
held = []
def hold(times, size):
    for _ in range(times):
        held.append(bytearray(b"x") * size)
        time.sleep(0.005)
"""


def run(code: str, room: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", START + code, str(room)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_what_goes_slowly_beyond_is_reported_by_an_exception_and_can_go_on() -> None:
    code = """
for attempt in range(2):
    try:
        with memory_limit(limit):
            hold(100, 1_000_000)
    except OverLimit as error:
        print(error)
        held.clear()
        hold(1, 10)  # after the limit, and not stopped any more
"""
    ran = run(code, 50_000_000)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("held more than the memory limit of ") == 2


def test_one_call_that_goes_far_beyond_ends_the_process_with_its_peak() -> None:
    code = """
import torch
limit += resident_bytes()
with memory_limit(limit):
    held.append(torch.ones(500_000_000))
    time.sleep(5)
"""
    ran = run(code, 20_000_000)
    assert ran.returncode == OUT_OF_MEMORY
    peak, last = ran.stderr.splitlines()
    assert int(peak.removeprefix("peak_resident ")) > 20_000_000
    assert last.startswith("held more than the memory limit of ")


def test_below_the_limit_nothing_happens() -> None:
    ran = run("with memory_limit(limit):\n    hold(20, 1_000_000)\nprint('done')", 500_000_000)
    assert (ran.returncode, ran.stdout) == (0, "done\n")


def test_without_a_limit_nothing_watches() -> None:
    threads, handler = threading.active_count(), signal.getsignal(signal.SIGUSR1)
    with memory_limit(None):
        assert threading.active_count() == threads
        assert signal.getsignal(signal.SIGUSR1) is handler
    with memory_limit(10**15):
        assert threading.active_count() == threads + 1
        assert signal.getsignal(signal.SIGUSR1) is not handler
    assert threading.active_count() == threads
    assert signal.getsignal(signal.SIGUSR1) is handler


def test_the_message_is_the_same_for_every_run() -> None:
    assert str(OverLimit(8 * 10**9)) == "held more than the memory limit of 8 GB."


def test_more_is_available_than_this_process_holds() -> None:
    held, free = resident_bytes(), available_bytes()
    if held is None or free is None:
        pytest.skip("this system does not say")
    assert held > 10**6
    assert free > 10**6
