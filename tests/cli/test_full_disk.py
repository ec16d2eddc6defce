"""A command that the machine stops says so in one sentence, with exit code 1."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.commands import environment

from tunewise.cli import main as door
from tunewise.core.errors import MachineTrouble
from tunewise.store.study import StudyFolder

DEV_FULL = Path("/dev/full")


def ended(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["tunewise", *arguments])
    with pytest.raises(SystemExit) as left:
        door.main()
    return int(str(left.value.code))


def out_of_room(number: int) -> Callable[[int], None]:
    def fsync(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    return fsync


@pytest.mark.skipif(not DEV_FULL.exists(), reason="needs /dev/full")
def test_an_answer_that_does_not_fit_where_it_is_sent_is_reported_once() -> None:
    with DEV_FULL.open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "tunewise", "schema"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            check=False,
        )
    assert ran.returncode == 1
    assert ran.stderr == "the disk is full. Make room and run the same command again.\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EFBIG, errno.EIO])
def test_init_names_the_study_file_it_could_not_write(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
) -> None:
    (tmp_path / "data.csv").write_text("text,label\n" + "good,yes\nbad,no\n" * 20)
    monkeypatch.setattr(os, "fsync", out_of_room(number))
    code = ended(
        ["init", str(tmp_path / "data.csv"), "--out", str(tmp_path / "s.yaml")], monkeypatch
    )
    message = capsys.readouterr().err
    assert code == 1
    assert message.splitlines()[-1].startswith(f"{tmp_path / 's.yaml'}: ")
    assert "Traceback" not in message
    assert not (tmp_path / "s.yaml").exists()


def test_a_lock_that_cannot_be_written_is_no_mistake_of_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int, content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder = StudyFolder.create(tmp_path / "study")
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left") as raised, folder.lock():
            pass
    assert raised.value.filename == str(tmp_path / "study" / ".lock")
    with folder.lock():  # nobody holds it
        pass


def test_too_many_open_files_are_reported_in_a_sentence(tmp_path: Path) -> None:
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (7, 7))

    ran = subprocess.run(
        [sys.executable, "-m", "tunewise", "demo", "--out", str(tmp_path / "demo")],
        capture_output=True,
        text=True,
        env=environment(),
        preexec_fn=few,  # the test has no threads
        check=False,
    )
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert "too many files are open in this process (ulimit -n). Raise the limit" in ran.stderr


def test_a_limit_on_the_size_of_files_is_reported_in_a_sentence(tmp_path: Path) -> None:
    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    (tmp_path / "data.csv").write_text("text,label\n" + "good,yes\nbad,no\n" * 20)
    ran = subprocess.run(
        [sys.executable, "-B", "-m", "tunewise", "init", "data.csv"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=environment(),
        preexec_fn=small,  # the test has no threads
        check=False,
    )
    assert ran.returncode == 1
    assert "data.yaml: a file may not be that large here (ulimit -f) (" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]


def test_a_trouble_of_the_machine_and_a_mistake_have_exit_codes_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def trouble(**_: object) -> None:
        raise MachineTrouble("The worker process ended by SIGKILL.")

    def broken(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(door, "app", trouble)
    assert ended([], monkeypatch) == 1
    monkeypatch.setattr(door, "app", broken)
    with pytest.raises(ZeroDivisionError):  # our mistake keeps its traceback
        door.main()
