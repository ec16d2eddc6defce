"""Trials that are trained together on a GPU are the trials alone.

make test-gpu
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.training import test_together
from tests.training.test_together import Check, Make, together

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU"),
]
study, settings = test_together.study, test_together.settings
lora, as_alone = test_together.lora, test_together.as_alone


def test_other_rates_seeds_and_ranks_equal_the_trials_alone(
    study: Path, lora: Make, as_alone: Check
) -> None:
    chosen: dict[str, dict[str, Any]] = {
        "first": lora(),
        "rate": lora(learning_rate=3e-3),
        "seed": lora(seed=1),
        "rank": lora(rank=3, alpha=5.0),
    }
    assert together(study, chosen) == "done"
    as_alone(study, chosen)
