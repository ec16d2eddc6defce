"""The process that predicts contenders ends with whoever asks it, and says nothing then."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.forecasts import predicted_by_a_process

from tunewise.estimate.client import EstimateClient


@predicted_by_a_process()
def test_ctrl_c_does_not_reach_the_process_and_ends_it_quietly(
    checkpoint: Callable[[str], Path], capfd: pytest.CaptureFixture[str]
) -> None:
    about = {"folders": [str(checkpoint("bert"))], "dropout": None, "options": ["a", "b"]}
    task = {"kind": "classification", "text": ["text"], "label": "label"}
    client = EstimateClient()
    with pytest.raises(KeyboardInterrupt), client:
        assert client._ask({"ask": "model", "task": task, **about})["max_length"] == 40
        assert client.process is not None
        assert os.getsid(client.process.pid) != os.getsid(0)  # a terminal's Ctrl-C is not for it
        raise KeyboardInterrupt
    assert client.process is not None and client.process.returncode == -signal.SIGKILL
    assert "Traceback" not in capfd.readouterr().err
