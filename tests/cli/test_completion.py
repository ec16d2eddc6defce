"""What a shell offers after Tab, and what Ctrl-C says."""

from __future__ import annotations

import gc
import importlib
import signal
import sys
from pathlib import Path

import pytest
from tests.reports.fabricate import fabricate
from typer.testing import CliRunner

from tunewise import __main__ as started
from tunewise.cli import main as command_line
from tunewise.cli import schema
from tunewise.cli.completion import study_files, study_folders
from tunewise.cli.console import say
from tunewise.cli.main import app, main
from tunewise.cli.next_step import next_step
from tunewise.core import interrupts


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


def test_ctrl_c_inside_a_command_is_answered_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The library that parses the line would end without one."""

    def command() -> None:
        """Wait for ever."""
        raise KeyboardInterrupt

    monkeypatch.setattr(schema, "command", command)
    monkeypatch.setattr(sys, "argv", ["tunewise", "schema"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert "Interrupted. Nothing was left half done" in capsys.readouterr().err


@pytest.mark.parametrize("error", [None, ImportError("cannot load module more than once")])
def test_ctrl_c_while_the_program_loads_is_answered_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception | None
) -> None:
    """Also where a library makes an error of its own of it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's & ignores it
    monkeypatch.setattr(interrupts, "heard", [])

    def load(name: str) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            if error is None:
                raise
            raise error from None

    monkeypatch.setattr(importlib, "import_module", load)
    try:
        with pytest.raises(SystemExit) as ended:
            started.main()
    finally:
        gc.enable()  # which the program does once its modules are loaded
        signal.signal(signal.SIGINT, before)
    assert ended.value.code == 130
    assert "Interrupted. Nothing was begun" in capsys.readouterr().err


def test_ctrl_c_that_a_library_swallows_ends_the_command_at_its_next_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    say("Reading the data ...")
    monkeypatch.setattr(interrupts, "heard", [signal.SIGINT])
    with pytest.raises(KeyboardInterrupt):
        say("Training ...")
    assert "Training" not in capsys.readouterr().err


def test_judge_is_called_again_with_all_its_files_where_one_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("")
    words = ["judge", "a.csv", "b.csv", "--shared"]
    again = "Correct it, then: tunewise judge a.csv b.csv --shared"
    assert next_step(words, "b.csv: the file is empty.") == again
    assert "judge -h" in next_step(words, "--columns: no such role")
    many = [*words, *(f"{n}.csv" for n in range(40))]
    assert next_step(many, "b.csv: the file is empty.").endswith("the same command again.")


def test_a_message_that_names_a_command_gets_no_second_one() -> None:
    assert next_step(["run", "a.yaml"], "Start with: tunewise init DATA") == ""
