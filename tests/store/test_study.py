"""The study folder: created, locked, changed, and read by whoever comes later."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Timer

import pytest

from tunewise.core.errors import DamagedFile, DamagedStudy, InputError, StudyBusy
from tunewise.core.files import mark_complete, write_bytes, write_json
from tunewise.store.faults import Fault
from tunewise.store.records import ContenderRecord, StudyRecord, TrialSettings
from tunewise.store.study import StudyFolder
from tunewise.store.trials import write_ending

STUDY = StudyRecord.from_json({"name": "rooms", "metrics": ["accuracy"], "contenders": []})


def folder(path: Path) -> StudyFolder:
    made = StudyFolder.create(path / "rooms")
    made.write_study(STUDY, "name: rooms\n")
    return made


def ending(study: StudyFolder, id: str) -> Path:
    return write_ending(
        study.trial_folder(id), status="failed", error="no", settings=TrialSettings(), seconds=0.0
    ).folder


def test_a_study_is_read_as_written(tmp_path: Path) -> None:
    folder(tmp_path)
    again = StudyFolder.open(tmp_path / "rooms")
    assert again.study().as_json() == {"schema": 1, **STUDY.as_json()}
    assert (again.path / "study.yaml").read_text() == "name: rooms\n"


def test_a_missing_study_is_named_with_its_nearest_neighbour(tmp_path: Path) -> None:
    folder(tmp_path)
    with pytest.raises(InputError, match=r"room: no study here .* Did you mean 'rooms'"):
        StudyFolder.open(tmp_path / "room")


def test_somebody_elses_folder_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match=r"holds 'thesis.tex'.*--out"):
        StudyFolder.create(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "rooms").touch()
    with pytest.raises(InputError, match="is a file"):
        StudyFolder.create(tmp_path / "rooms")


def test_a_folder_that_cannot_be_written_is_named() -> None:
    with pytest.raises(InputError, match=r"/proc/rooms: cannot be made .* --out"):
        StudyFolder.create(Path("/proc/rooms"))
    locked = StudyFolder(Path("/proc")).lock()
    with pytest.raises(InputError, match=r"/proc: cannot be written .* --out"), locked:
        pass


def test_a_changed_study_keeps_the_trials(tmp_path: Path) -> None:
    study = folder(tmp_path)
    ending(study, "aa")
    lora = ContenderRecord.from_json({"name": "lora"})
    study.write_study(replace(STUDY, contenders=(lora,)), "name: rooms\n")
    assert list(study.records()) == ["aa"]
    assert study.study().as_json()["contenders"] == [{"name": "lora"}]


def test_a_study_of_another_name_is_refused(tmp_path: Path) -> None:
    study = folder(tmp_path)
    with pytest.raises(InputError, match="holds the study 'rooms', not 'flats'"):
        study.write_study(replace(STUDY, name="flats"), "")
    assert study.study().name == "rooms"


def test_a_damaged_study_is_written_anew(tmp_path: Path) -> None:
    study = folder(tmp_path)
    (study.path / "study.json").write_text('{"name": "ro')
    with pytest.raises(DamagedFile, match=r"study\.json"):
        study.study()
    study.write_study(STUDY, "")
    assert study.study().name == "rooms"


@pytest.mark.parametrize("schema", [0, -1, True, False, 1.0, "1", None])
def test_a_study_of_no_version_there_is_is_damaged(tmp_path: Path, schema: object) -> None:
    study = folder(tmp_path)
    write_json(study.path / "study.json", {"schema": schema, "name": "rooms"})
    with pytest.raises(DamagedFile, match="not a whole number from 1 up"):
        study.study()


def test_a_study_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    study = folder(tmp_path)
    write_json(study.path / "study.json", {"schema": 7, "name": "rooms"})
    with pytest.raises(InputError, match=r"newer Tunewise \(schema 7"):
        study.study()
    with pytest.raises(InputError, match="newer Tunewise"):
        study.write_study(STUDY, "")


def test_the_second_launcher_hears_who_holds_the_study(tmp_path: Path) -> None:
    study = folder(tmp_path)
    code = (
        "import sys; from pathlib import Path; from tunewise.store.study import StudyFolder\n"
        "with StudyFolder(Path(sys.argv[1])).lock():\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(study.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        patience = Timer(20, other.kill)  # whoever waits for ever gets the lock, and fails below
        patience.start()
        message = f"process {other.pid} on .* since 20"
        with pytest.raises(StudyBusy, match=message), study.lock():
            pass
        assert str(other.pid) in str(study.running())
        patience.cancel()
        other.kill()
    assert study.running() is None
    with study.lock():
        assert study.locked
    assert not study.locked


def test_looking_at_the_lock_stops_nobody(tmp_path: Path) -> None:
    study = folder(tmp_path)
    assert study.running() is None
    with study.lock():
        held = json.loads((study.path / ".lock").read_text())
        assert held["pid"] == os.getpid()


def test_a_damaged_trial_is_moved_aside_with_its_fault(tmp_path: Path) -> None:
    study = folder(tmp_path)
    for expected in ["aa-1", "aa-2"]:
        write_bytes(ending(study, "aa") / "costs.json", b"{}")
        [fault] = study.faults()
        assert study.records() == {}
        assert study.quarantine(fault).name == expected
        assert "costs.json" in (study.path / "quarantine" / f"{expected}.txt").read_text()
    assert study.faults() == []


def test_damaged_features_are_a_fault(tmp_path: Path) -> None:
    study = folder(tmp_path)
    place = study.features_folder("ff")
    write_bytes(place / "text.safetensors", b"12345678")
    assert study.features() == set()
    mark_complete(place)
    assert study.features() == {"ff"}
    assert study.faults() == []
    (place / "text.safetensors").write_bytes(b"1234567")
    assert [fault.id for fault in study.faults()] == ["ff"]


def test_removed_weights_are_noted(tmp_path: Path) -> None:
    study = folder(tmp_path)
    write_bytes(study.weights_folder("aa") / "model.safetensors", b"x" * 10)
    study.remove_weights("aa", "not chosen")
    study.remove_weights("bb", "never there")
    assert not study.weights_folder("aa").exists()
    [(id, note)] = study.removed_weights().items()
    assert (id, note.reason, note.bytes) == ("aa", "not chosen", 10)


def test_weights_that_are_back_are_not_removed(tmp_path: Path) -> None:
    study = folder(tmp_path)
    for _ in range(2):
        write_bytes(study.weights_folder("aa") / "model.safetensors", b"x")
        study.remove_weights("aa", "not chosen")
    write_bytes(study.weights_folder("aa") / "model.safetensors", b"x")
    assert study.removed_weights() == {}


def test_drafts_of_killed_processes_go_and_files_stay(tmp_path: Path) -> None:
    study = folder(tmp_path)
    kept = ending(study, "aa")
    draft = study.trial_folder("bb") / "result.json.tmp.123"
    write_bytes(draft, b"{")
    study.remove_drafts()
    assert not draft.exists()
    assert (kept / "result.json").is_file()


def test_a_study_that_lost_the_name_of_its_hash_is_not_one_of_before(tmp_path: Path) -> None:
    study = folder(tmp_path)
    study.write_study(STUDY, "")
    path = study.path / "study.json"
    head, _, tail = path.read_text().rpartition('"sha256"')
    path.write_text(f'{head}"sha257"{tail}')
    with pytest.raises(DamagedStudy, match="content has changed"):
        study.study()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc names open files")
def test_what_was_moved_aside_is_asked_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder after the renaming: else a power cut could bring the damaged one back."""
    study = folder(tmp_path)
    damaged = study.path / "trials" / "t"
    damaged.mkdir(parents=True)
    asked: list[tuple[str, bool]] = []

    def fsync(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        asked.append((path.name, damaged.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    study.quarantine(Fault("t", damaged, "it is damaged."))
    assert asked[0] == ("quarantine", False)
