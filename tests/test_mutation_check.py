"""The mutation check by itself: what it notices, what it names, and that it goes on."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "mutation_check.py"
CODE = """\
def kept(value):
    if value < 0:
        raise ValueError("below zero")
    return min(value, 9)
"""
TESTS = """\
import pytest
from toy import kept

def test_below_zero_is_refused():
    with pytest.raises(ValueError):
        kept(-1)
"""
ENTRY = """\
[[protection]]
id = "{id}"
kind = "{kind}"
protects = "the toy"
file = "src/toy.py"
find = "{find}"
replace = "{replace}"
tests = ["tests/test_toy.py"]
"""


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutation_check", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def entry(id: str, find: str, replace: str, kind: str = "refusal") -> str:
    return ENTRY.format(id=id, find=find, replace=replace, kind=kind)


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A project of two files whose tests look at one of its two protections."""
    root = tmp_path / "toy"
    for name, text in {
        "src/toy.py": CODE,
        "tests/test_toy.py": TESTS,
        "pyproject.toml": "[tool.pytest.ini_options]\nmarkers = ['faults: slow']\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def run(check: ModuleType, root: Path, *entries: str) -> int:
    (root / "list.toml").write_text("\n".join(entries))
    code: int = check.main(
        ["--root", str(root), "--list", str(root / "list.toml"), "--record", str(root / "r.jsonl")]
    )
    return code


@pytest.mark.faults
def test_it_names_what_is_noticed_what_is_not_and_goes_on(
    check: ModuleType,
    toy: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = entry("refused", "value < 0", "False")
    limited = entry("limited", "min(value, 9)", "value", "limit")
    assert run(check, toy, refused, limited) == 1
    message = capsys.readouterr().out
    assert "refused  noticed      tests/test_toy.py::test_below_zero_is_refused" in message
    assert "limited  NOT NOTICED" in message
    assert "refusal                1 of 1 noticed" in message
    assert "limit                  0 of 1 noticed" in message
    assert (toy / "src" / "toy.py").read_text() == CODE

    with (toy / "r.jsonl").open("a") as record:
        record.write('{"key": "cut sho')  # killed while writing
    ran: list[str] = []
    attempt = check.attempt

    def told_and_tried(one: Any, *rest: Any) -> Any:
        ran.append(one.id)
        return attempt(one, *rest)

    monkeypatch.setattr(check, "attempt", told_and_tried)
    assert run(check, toy, refused, limited) == 1
    assert ran == []  # neither an entry nor the code has changed
    (toy / "tests" / "test_toy.py").write_text(
        TESTS + "\ndef test_most():\n    assert kept(10) == 9\n"
    )
    assert run(check, toy, limited) == 0
    assert ran == ["limited"]


@pytest.mark.parametrize(
    ("put", "says"),
    [
        (("value", "other"), "stands 3 times in src/toy.py, not once"),
        (("nowhere", ""), "stands 0 times"),
        (("value < 0", "value <"), "no Python"),
    ],
)
def test_an_entry_that_cannot_be_tried_is_reported(
    check: ModuleType,
    toy: Path,
    capsys: pytest.CaptureFixture[str],
    put: tuple[str, str],
    says: str,
) -> None:
    assert run(check, toy, entry("odd", *put)) == 2
    assert says in capsys.readouterr().out


@pytest.mark.faults
def test_a_test_that_fails_anyway_notices_nothing(
    check: ModuleType, toy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (toy / "tests" / "test_toy.py").write_text("def test_never():\n    assert False\n")
    assert run(check, toy, entry("refused", "value < 0", "False")) == 2
    assert "fails without the mutation too" in capsys.readouterr().out


def test_a_run_past_its_time_is_ended_and_counts_as_no_notice(check: ModuleType, toy: Path) -> None:
    (toy / "tests" / "test_toy.py").write_text(
        "import time\n\ndef test_slow():\n    time.sleep(60)\n"
    )
    (toy / "list.toml").write_text(entry("refused", "value < 0", "False"))
    names = ("--root", toy), ("--list", toy / "list.toml"), ("--record", toy / "r.jsonl")
    arguments = [str(part) for pair in names for part in pair]
    assert check.main([*arguments, "--limit", "2"]) == 1
    (line,) = (toy / "r.jsonl").read_text().splitlines()
    assert json.loads(line)["outcome"] == "timed out"


def test_the_list_can_be_tried(check: ModuleType) -> None:
    """Each entry finds its text exactly once and names tests that exist."""
    found = check.read_list(SCRIPT.with_name("protections.toml"))
    assert {one.id: problem for one in found if (problem := one.problem(check.ROOT))} == {}
    assert all(one.tests and one.protects.endswith(".") for one in found)
