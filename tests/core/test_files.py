from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tunewise.core import files
from tunewise.core.errors import DamagedFile
from tunewise.core.files import (
    COMPLETE,
    FAIL_AT,
    check_complete,
    check_file,
    described,
    is_complete,
    mark_complete,
    read_hashed,
    read_json,
    remove_folder,
    write_bytes,
    write_hashed,
    write_json,
    write_together,
)


def ended_at(step: int, write: Callable[[Path], None], place: Path) -> int | None:
    """The exit code of a process of its own, which dies at that step of writing."""

    def be_it() -> None:
        os.environ[FAIL_AT] = str(step)
        write(place)

    process = multiprocessing.get_context("fork").Process(target=be_it)
    process.start()
    process.join()
    return process.exitcode


def write_twice(path: Path) -> None:
    for content in (b"old", b"new"):
        write_bytes(path, content)


def test_a_file_holds_the_old_content_or_the_new_whenever_the_writer_dies(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for step in range(1, 20):
        path.unlink(missing_ok=True)
        code = ended_at(step, write_twice, path)
        assert not path.exists() or path.read_bytes() in {b"old", b"new"}
        if code == 0:
            break
        assert code == 137
    assert code == 0
    assert path.read_bytes() == b"new"
    assert step > 4  # the loop did kill it at several places


def test_a_write_that_fails_leaves_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    write_bytes(path, b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_bytes(path, b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "trial"
    write_json(folder / "result.json", {"accuracy": 0.5})
    write_bytes(folder / "predictions" / "validation.parquet", bytes(range(256)))
    mark_complete(folder)
    return folder


def test_a_whole_folder_passes(folder: Path) -> None:
    assert is_complete(folder)
    check_complete(folder)


@pytest.mark.parametrize("kept", [0, 1, 100, 255])
def test_a_truncated_file_is_named(folder: Path, kept: int) -> None:
    path = folder / "predictions" / "validation.parquet"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DamagedFile, match=r"validation\.parquet"):
        check_complete(folder)


@pytest.mark.parametrize("place", [0, 17, 255])
def test_a_flipped_byte_is_found(folder: Path, place: int) -> None:
    path = folder / "predictions" / "validation.parquet"
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match="has changed"):
        check_complete(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "result.json").unlink()
    with pytest.raises(DamagedFile, match=r"result\.json: missing"):
        check_complete(folder)


@pytest.mark.parametrize("text", ["", "{", '{"files": 3}', "[]", "nonsense"])
def test_an_unreadable_marker_is_damage_and_not_a_crash(folder: Path, text: str) -> None:
    (folder / COMPLETE).write_text(text)
    with pytest.raises(DamagedFile, match=COMPLETE):
        check_complete(folder)


def test_nan_is_neither_written_nor_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    (tmp_path / "b.json").write_text('{"loss": NaN}')
    with pytest.raises(DamagedFile, match="NaN"):
        read_json(tmp_path / "b.json")


def test_removal_takes_the_marker_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(shutil, "rmtree", lambda *_, **__: None)  # before it took the rest
        remove_folder(folder)
    assert folder.exists() and not is_complete(folder)
    remove_folder(folder)
    assert not folder.exists()
    remove_folder(folder)  # and may be repeated


def write_many_twice(place: Path) -> None:
    for content in (b"old", b"new"):
        write_together(place, dict.fromkeys("abc", content))


def test_files_written_together_are_whole_whenever_the_writer_dies(tmp_path: Path) -> None:
    place = tmp_path / "many"
    for step in range(1, 20):
        for name in "abc":
            (place / name).unlink(missing_ok=True)
        code = ended_at(step, write_many_twice, place)
        found = [(place / name).read_bytes() for name in "abc" if (place / name).exists()]
        assert {*found} <= {b"old", b"new"}
        if code == 0:
            break
        assert code == 137
    assert code == 0
    assert found == [b"new"] * 3
    assert step > 4  # the loop did kill it at several places


def test_many_files_that_cannot_be_written_leave_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    write_together(tmp_path, {"a": b"old"})
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_together(tmp_path, {"a": b"new", "b": b"new"})
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("a", b"old")]


def test_json_with_its_hash_notices_every_changed_byte(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_hashed(path, {"name": "Zürich", "files": {"a": {"sha256": "0" * 64}}})
    content = path.read_bytes()
    assert read_hashed(path)["name"] == "Zürich"
    for position in range(len(content)):
        for bit in range(8):
            changed = bytearray(content)
            changed[position] ^= 1 << bit
            path.write_bytes(changed)
            try:
                found = read_hashed(path)
            except DamagedFile:
                continue
            assert "sha256" not in found  # its key is damaged: whoever knows the keys refuses it
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(DamagedFile):
            read_hashed(path)


def test_a_marker_notices_every_changed_byte_and_names_itself(folder: Path) -> None:
    marker = folder / COMPLETE
    content = marker.read_bytes()
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 1
        marker.write_bytes(changed)
        with pytest.raises(DamagedFile, match=COMPLETE):
            check_complete(folder)


def test_a_marker_of_an_earlier_version_has_no_hash_and_counts(folder: Path) -> None:
    listed = read_hashed(folder / COMPLETE)["files"]
    write_json(folder / COMPLETE, {"files": listed})
    check_complete(folder)


def test_a_file_that_was_put_there_is_named(folder: Path) -> None:
    (folder / ".DS_Store").touch()
    mark_complete(folder / "later")  # complete by itself, as features of another split
    check_complete(folder)
    (folder / "more.json").touch()
    with pytest.raises(DamagedFile, match=r"more\.json: was put there") as raised:
        check_complete(folder)
    assert raised.value.added == folder / "more.json"


def test_content_is_left_out_where_only_sizes_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_bytes(path, b"abc")
    wanted = described(path)
    write_bytes(path, b"abd")
    check_file(path, wanted, content=False)
    with pytest.raises(DamagedFile, match="has changed"):
        check_file(path, wanted)
    write_bytes(path, b"ab")
    with pytest.raises(DamagedFile, match="2 bytes where 3"):
        check_file(path, wanted, content=False)


def test_a_file_is_hashed_once_and_again_after_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_bytes(path, b"abc")
    wanted = described(path)
    read: list[Path] = []

    def counted(path: Path) -> str:
        read.append(path)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    monkeypatch.setattr(files, "sha256_of", counted)
    monkeypatch.setattr(files, "SETTLED", 0)  # the file is older than a tick of the clock
    for _ in range(3):
        check_file(path, wanted)
    assert len(read) == 1
    path.write_bytes(b"abd")
    os.utime(path, ns=(1, 1))  # nobody can set the time of the change of state
    with pytest.raises(DamagedFile, match="has changed"):
        check_file(path, wanted)


def test_what_cannot_be_read_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As from a bad disk, or without permission."""
    path = tmp_path / "file"
    write_bytes(path, b"{}")
    wanted = described(path)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DamagedFile, match=r"cannot be read \(Input/output error\)"):
        check_file(path, wanted)
    with pytest.raises(DamagedFile, match=r"cannot be read \(Input/output error\)"):
        read_json(path)


def test_only_drafts_of_processes_that_are_gone_are_removed(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = [f"a.tmp.{gone.pid}", f"b.tmp.{os.getpid()}", "c.tmp.notes", "d"]
    for name in names:
        (tmp_path / name).write_text("half")
    files.remove_drafts(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == names[1:]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc names open files")
@pytest.mark.parametrize("together", [False, True])
def test_the_disk_has_the_content_before_the_name_and_the_name_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    """What is asked of the disk, in order: all bytes of the draft, the renaming, the folder."""
    asked: list[tuple[str, bool]] = []

    def fsync(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        asked.append((path.name.partition(".tmp.")[0], (tmp_path / "new").exists()))
        if path.is_file():
            assert path.stat().st_size == len(b"content"), "Python still holds some of it"

    monkeypatch.setattr(os, "fsync", fsync)
    if together:
        write_together(tmp_path, {"new": b"content"})
    else:
        write_bytes(tmp_path / "new", b"content")
    assert asked == [("new", False), (tmp_path.name, True)]


def test_a_draft_that_goes_away_damages_no_folder(tmp_path: Path) -> None:
    write_bytes(tmp_path / "kept", b"content")
    (tmp_path / "other.tmp.7").write_text("half")
    mark_complete(tmp_path)
    (tmp_path / "other.tmp.7").unlink()
    check_complete(tmp_path)


def test_a_change_is_found_though_its_time_was_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "SETTLED", 0)  # as if the file had lain there for long
    path = tmp_path / "weights"
    path.write_bytes(b"one")
    written, before = described(path), path.stat()
    check_file(path, written)
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(DamagedFile, match="content has changed"):
        check_file(path, written)
