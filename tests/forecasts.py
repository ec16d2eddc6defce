"""Plans whose contenders are predicted in this process: one of its own takes seconds to load."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tunewise.backbones.model import Model
from tunewise.estimate import worker
from tunewise.estimate.client import EstimateClient

LIBRARIES = 600_000_000  # bytes that a process holds which has loaded them and nothing else
ASK_A_PROCESS = EstimateClient._ask


@contextmanager
def predicted_here() -> Iterator[None]:
    """Inside, no process is started to predict contenders."""
    made: dict[str, Model] = {}

    def ask(client: EstimateClient, request: dict[str, Any]) -> Any:
        answer = json.loads(json.dumps(worker._answer(json.loads(json.dumps(request)), made)))
        return answer | ({"libraries_bytes": LIBRARIES} if request["ask"] == "model" else {})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EstimateClient, "_ask", ask)
        yield


@contextmanager
def predicted_by_a_process() -> Iterator[None]:
    """Inside, contenders are predicted as users have it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EstimateClient, "_ask", ASK_A_PROCESS)
        yield
