from __future__ import annotations

from pathlib import Path

import pytest
from tests.studies.test_slicing import prepared

from tunewise.core.errors import InputError


def test_a_latency_is_asked_for_only_where_answers_will_be_timed(tmp_path: Path) -> None:
    assert prepared(tmp_path, require={"latency": "5 ms"}).study.require == {"latency": 0.005}
    data = {
        "source": str(tmp_path / "reviews.csv"),
        "split": {"train": 0.5, "validation": 0.5},
    }
    with pytest.raises(InputError, match=r"require\.latency: .* has no test split"):
        prepared(tmp_path, require={"latency": "5 ms"}, data=data)
