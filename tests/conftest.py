"""What every room's tests may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def real_data() -> Path:
    """The folder of real data sets that may lie beside the repository as ``shared/data``."""
    folders = [parent / "shared" / "data" for parent in Path(__file__).parents]
    found = next((folder for folder in folders if folder.is_dir()), None)
    if found is None:
        pytest.skip("no folder shared/data beside the repository, where the real data would be")
    return found
