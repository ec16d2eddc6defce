"""A part is found in the file of its name, or in any other."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tunewise.core.errors import InputError
from tunewise.methods.base import METHODS


def test_a_part_in_a_file_of_its_name_is_found_without_the_others() -> None:
    code = (
        "import sys; from tunewise.methods.base import METHODS; METHODS.get('last-layers'); "
        "assert 'tunewise.methods.last_layers' in sys.modules; "
        "assert 'tunewise.methods.tfidf' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["base", "lora_files", "no such", "", "torch.nn", "lorra"])
def test_what_is_no_part_is_none(name: str) -> None:
    assert name not in METHODS
    with pytest.raises(InputError, match="method"):
        METHODS.get(name)


def test_every_part_has_the_name_under_which_it_is_found() -> None:
    for name, part in METHODS.classes.items():
        assert name in METHODS
        assert METHODS.get(name) is part
        assert part.name == name
