"""Plans whose contenders are predicted in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tunewise.backbones.model import Model
from tunewise.estimate import worker
from tunewise.estimate.client import EstimateClient


@contextmanager
def predicted_here() -> Iterator[None]:
    """Inside, no process is started to predict contenders: one of its own takes seconds to load."""
    made: dict[str, Model] = {}

    def ask(client: EstimateClient, request: dict[str, Any]) -> Any:
        return json.loads(json.dumps(worker._answer(json.loads(json.dumps(request)), made)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EstimateClient, "_ask", ask)
        yield
