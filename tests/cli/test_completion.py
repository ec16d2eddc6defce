"""What a shell offers after Tab, and what Ctrl-C says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.reports.fabricate import fabricate
from typer.testing import CliRunner

from tunewise.cli import main as command_line
from tunewise.cli.completion import study_files, study_folders
from tunewise.cli.main import app, main
from tunewise.cli.next_step import next_step


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place")
    fabricate(folder / "runs" / "rooms")
    (folder / "reviews.yaml").write_text("name: reviews\n")
    (folder / "reviews.csv").write_text("text,label\n")
    (folder / "more").mkdir()
    return folder


@pytest.fixture
def place(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory that holds a study, its file, data and another folder."""
    monkeypatch.chdir(made)
    return made


def offered(line: str) -> list[str]:
    """What bash would offer for the last word of a line."""
    words = line.split(" ")
    asked = {
        "_TUNEWISE_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    return CliRunner().invoke(app, [], prog_name="tunewise", env=asked).output.split("\n")


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("tunewise err", ["errors"]),
        ("tunewise status ", ["runs/rooms", "more/", "runs/"]),
        ("tunewise results runs/", ["runs/rooms"]),
        ("tunewise run rev", ["reviews.yaml"]),
        ("tunewise doctor ", ["runs/rooms", "more/", "runs/", "reviews.yaml"]),
        ("tunewise compare runs/rooms h", ["head"]),
        ("tunewise errors runs/rooms --contender t", ["tfidf"]),
        ("tunewise errors runs/rooms --contender l", ["lora\\ rank=16"]),
        ("tunewise explain lora-m", ["lora-merging"]),
    ],
)
def test_a_shell_offers_what_fits(place: Path, line: str, offers: list[str]) -> None:
    assert [one for one in offered(line) if one] == offers


def test_what_lies_nowhere_offers_nothing(place: Path) -> None:
    assert study_files("no/where/") == []
    assert study_folders("no/") == []
    assert not any(offered("tunewise compare reviews.csv h"))


@pytest.mark.parametrize(
    ("words", "says"),
    [(["run", "a.yaml"], "goes on from there"), (["plan", "a.yaml"], "starts anew")],
)
def test_ctrl_c_says_what_happened_and_how_to_go_on(
    words: list[str],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupt(**how: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "app", interrupt)
    monkeypatch.setattr(sys, "argv", ["tunewise", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert says in capsys.readouterr().err


def test_a_message_that_names_a_command_gets_no_second_one() -> None:
    assert next_step(["run", "a.yaml"], "Start with: tunewise init DATA") == ""
