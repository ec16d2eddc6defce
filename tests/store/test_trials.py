"""A trial counts when it is whole, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunewise.core.errors import DamagedFile, InputError
from tunewise.core.files import mark_complete, write_bytes, write_json
from tunewise.store.records import TrialSettings
from tunewise.store.trials import read_record, scan, write_ending


def trial(parent: Path, id: str = "ab12", changes: dict[str, object] | None = None) -> Path:
    folder = parent / id
    result = {
        "schema": 1,
        "id": id,
        "settings": {"seed": 0},
        "status": "done",
        "metrics": {"validation": {"accuracy": 0.5, "f1_macro": None}},
    } | (changes or {})
    write_json(folder / "result.json", result)
    write_json(folder / "costs.json", {"schema": 1, "seconds": {"total": 1.0}})
    write_bytes(folder / "log.jsonl", b'{"event":"end"}\n')
    write_bytes(folder / "predictions" / "validation.parquet", bytes(range(256)))
    mark_complete(folder)
    return folder


def test_a_whole_trial_is_read(tmp_path: Path) -> None:
    record = read_record(trial(tmp_path))
    assert (record.id, record.status) == ("ab12", "done")
    assert record.costs.seconds == {"total": 1.0}


def test_a_metric_may_be_missing_or_undefined(tmp_path: Path) -> None:
    record = read_record(trial(tmp_path))
    assert record.metric("accuracy") == 0.5
    assert record.metric("f1_macro") is None
    assert record.metric("accuracy", "test") is None


def test_a_folder_without_marker_does_not_count(tmp_path: Path) -> None:
    (trial(tmp_path) / "COMPLETE.json").unlink()
    assert scan(tmp_path) == ({}, [])


def test_a_damaged_trial_is_a_fault_and_spares_its_neighbour(tmp_path: Path) -> None:
    trial(tmp_path, "aa")
    write_bytes(trial(tmp_path, "bb") / "costs.json", b"{}")
    records, faults = scan(tmp_path)
    assert list(records) == ["aa"]
    assert [(fault.id, "costs.json" in fault.message) for fault in faults] == [("bb", True)]


@pytest.mark.parametrize("name", ["result.json", "costs.json", "log.jsonl", "COMPLETE.json"])
def test_a_file_cut_short_anywhere_is_named(tmp_path: Path, name: str) -> None:
    path = trial(tmp_path) / name
    content = path.read_bytes()
    whole = len(content.rstrip())  # the marker's last newline is not content
    for part in range(20):
        path.write_bytes(content[: whole * part // 20])
        with pytest.raises(DamagedFile, match=name):
            read_record(path.parent)


@pytest.mark.parametrize("name", ["result.json", "costs.json", "predictions/validation.parquet"])
def test_one_changed_byte_is_found(tmp_path: Path, name: str) -> None:
    path = trial(tmp_path) / name
    content = path.read_bytes()
    for position in range(0, len(content), 7):
        changed = bytearray(content)
        changed[position] ^= 1
        path.write_bytes(bytes(changed))
        with pytest.raises(DamagedFile, match=name):
            read_record(tmp_path / "ab12")


def test_a_changed_marker_is_found_or_says_the_same(tmp_path: Path) -> None:
    folder = trial(tmp_path)
    marker = folder / "COMPLETE.json"
    content = marker.read_bytes()
    before = read_record(folder)
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 1
        marker.write_bytes(bytes(changed))
        records, faults = scan(tmp_path)
        assert faults or records == {"ab12": before}


def test_a_newer_result_is_refused_and_left_alone(tmp_path: Path) -> None:
    folder = trial(tmp_path, changes={"schema": 2})
    with pytest.raises(InputError, match=r"newer Tunewise \(schema 2; this one reads up to 1\)"):
        scan(tmp_path)
    assert folder.is_dir()


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "cd34"},
        {"status": "fine"},
        {"schema": "one"},
        {"schema": 0},
        {"schema": -1},
        {"schema": True},
        {"schema": 1.0},
    ],
)
def test_a_result_that_is_none_of_ours_is_damaged(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    with pytest.raises(DamagedFile, match=r"result\.json"):
        read_record(trial(tmp_path, "ab12", changes))


def test_an_ending_written_for_a_dead_process_keeps_its_log(tmp_path: Path) -> None:
    write_bytes(tmp_path / "ab12" / "log.jsonl", b'{"event":"start"}\n')
    record = write_ending(
        tmp_path / "ab12",
        status="failed",
        error="ended by SIGSEGV.",
        settings=TrialSettings(),
        seconds=0.0,
    )
    assert (record.status, record.result.error) == ("failed", "ended by SIGSEGV.")
    assert (tmp_path / "ab12" / "log.jsonl").is_file()
