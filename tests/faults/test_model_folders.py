"""A hundred and more folders that are no usual model: one clear line each, and bounded memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.faults.model_folders import BROKEN, make

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
SECONDS = 2.0  # of the processor, beyond imports
GIB = 1 << 30
SAMPLED = sorted(BROKEN)[:: len(BROKEN) // 8]
SOUND = {  # what is well all the same
    *("attention-kernel", "attention-kernel-inner", "attention-internal", "attention-flash"),
    *("attention-number", "attention-object", "experts-kernel"),  # none of them is read
    *("architectures-number", "dtype-integer"),  # nor are these
    *("link-config", "link-tokenizer"),  # hashed by what they lead to
    *("tokenizer-same-number", "tokenizer-padding", "tokenizer-post"),
    *("tokenizer-class-unknown", "tokenizer-class-remote"),  # tokenizer.json says it all
    *("tokenizer-length-negative", "tokenizer-length-endless"),  # the model's own length counts
    *("unreadable-config", "unreadable-weights", "unreadable-folder"),  # to root they are readable
}


@pytest.fixture(scope="module")
def message(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What `validate` said of each, all in one process."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.model_folders", str(tmp_path_factory.mktemp("all"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line.pop("name"): line for line in lines}


def test_the_unbroken_folder_is_sound(message: dict[str, dict[str, Any]]) -> None:
    assert message["sound"]["code"] == 0, message["sound"]


def test_there_are_a_hundred() -> None:
    assert len(BROKEN) >= 100


@pytest.mark.parametrize("name", BROKEN)
def test_a_folder_gets_one_clear_line_or_is_sound(
    message: dict[str, dict[str, Any]], name: str
) -> None:
    one = message[name]
    assert not one["traceback"], one["traceback"]
    assert one["seconds"] < SECONDS
    assert one["peak_bytes"] < GIB
    assert one["code"] == 2 or (one["code"] == 0 and name in SOUND), one["said"]
    if one["code"] == 2:
        complaint = [line for line in one["said"].splitlines() if not line.endswith(" ...")]
        assert len(complaint) == 1 and "model" in complaint[0], one["said"]
        assert complaint[0].isprintable()


@pytest.mark.parametrize("name", SAMPLED)
def test_a_command_of_its_own_says_the_same(
    message: dict[str, dict[str, Any]], name: str, tmp_path: Path
) -> None:
    study = make(name, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "tunewise", "validate", str(study)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == message[name]["code"], done.stderr
    assert "Traceback" not in done.stderr
