"""What the machine does not give is said in one sentence: path, cause, numbers, remedy."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tunewise.core import files
from tunewise.core.errors import DamagedFile
from tunewise.core.files import write_bytes, write_together, writing
from tunewise.core.outside import CAUSES, FULL, message_of


def failing(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize("number", sorted(FULL))
def test_a_file_that_cannot_be_written_is_named_with_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(handle: int) -> None:
        raise failing(number)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError) as raised:
        write_bytes(tmp_path / "result.json", b"x" * 1500)
    message = message_of(raised.value)
    assert message.startswith(
        f"{tmp_path / 'result.json'}: {CAUSES[number][0]} (1.50 kB were to be"
    )
    assert message.endswith(f"{CAUSES[number][1]} and run the same command again.")
    assert list(tmp_path.iterdir()) == []  # no draft stays


def test_room_is_reported_where_it_is_what_lacks(tmp_path: Path) -> None:
    with pytest.raises(OSError) as raised, writing(tmp_path / "new" / "file", 10):
        raise failing(errno.ENOSPC)
    assert "10 B were to be written, " in message_of(raised.value)
    assert "B are free there)" in message_of(raised.value)


def test_many_files_at_once_leave_no_draft_where_one_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill, calls = files._fill, iter(range(10))

    def second_fails(path: Path, content: bytes) -> None:
        if next(calls) == 1:
            raise failing(errno.EIO)
        fill(path, content)

    monkeypatch.setattr(files, "_fill", second_fails)
    with pytest.raises(OSError) as raised:
        write_together(tmp_path / "pictures", {"a": b"1", "b": b"2", "c": b"3"})
    assert f"{tmp_path / 'pictures'}: the disk could not be read or written" in message_of(
        raised.value
    )
    assert list((tmp_path / "pictures").iterdir()) == []


def test_the_first_error_counts_where_the_draft_cannot_be_removed_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise failing(errno.EROFS)

    def full(handle: int) -> None:
        raise failing(errno.ENOSPC)

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(OSError) as raised:
        write_bytes(tmp_path / "x", b"x")
    assert "the disk is full" in message_of(raised.value)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "w.st"),
            "w.st: is not there",
        ),
        (ImportError("libz.so: cannot open shared object: Too many open files"), "(ulimit -n)"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), "the disk is full. "),
        (OSError(errno.ENODEV, os.strerror(errno.ENODEV), "x"), f"x: {os.strerror(errno.ENODEV)}"),
        (DamagedFile("w.st: missing."), "w.st: missing. Run the same command again."),
        (
            FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"),
            "No usable temporary directory found in ['/tmp']: ",
        ),
    ],
)
def test_an_error_is_reported_whichever_library_met_it(error: Exception, message: str) -> None:
    assert message in message_of(error)
    assert message_of(error).endswith("un the same command again.")
