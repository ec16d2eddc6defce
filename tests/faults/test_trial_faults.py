"""Whatever happens to a trial is that trial's status and never the study's end."""

from __future__ import annotations

from typing import Any

import pytest

from tunewise.core.errors import InputError
from tunewise.core.files import mark_complete, write_json

FINE: dict[str, Any] = {"score": 0.5}


def the_record(toy: Any, row: int = 0) -> Any:
    """The record of a contender's only trial."""
    [found] = [
        r for r in toy.folder.records().values() if r.result.settings.as_json()["row"] == row
    ]
    return found


def test_a_study_runs_to_its_end_and_runs_nothing_again(toy: Any) -> None:
    toy.write(FINE, FINE, points=2, seeds=2)
    assert toy.run().exit_code == 0
    assert (len(toy.folder.records()), len(toy.folder.tests())) == (6, 4)
    ran = toy.ran()
    assert len(ran) == len(set(ran)) == 10
    assert toy.run().exit_code == 0
    assert toy.ran() == ran


def test_features_are_computed_once_for_all_that_need_them(toy: Any) -> None:
    toy.write({"features": "ff"}, {"features": "ff"}, points=2)
    toy.run()
    assert toy.ran().count("features/ff") == 1
    assert toy.ran()[0] == "features/ff"


def test_the_weights_of_points_that_lost_are_removed_and_noted(toy: Any) -> None:
    toy.write({}, points=3)
    toy.run()
    [kept] = [p.name for p in (toy.folder.path / "weights").iterdir() if p.is_dir()]
    assert kept in toy.folder.tests()
    assert set(toy.folder.removed_weights()) == set(toy.folder.records()) - {kept}


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        ("segfault", "failed", "ended by SIGSEGV."),
        ("error", "failed", "ZeroDivisionError: the toy divided by zero"),
        ("leave", "failed", "ended without an error and left no result."),
        ("memory", "out-of-memory", "MemoryError"),
    ],
)
def test_a_fault_is_recorded_and_the_others_go_on(
    toy: Any, fault: str, status: str, error: str
) -> None:
    outcome = toy.write({"fault": fault}, FINE).run()
    record = the_record(toy)
    assert (record.status, record.result.error) == (status, error)
    assert the_record(toy, row=1).status == "done"
    assert len(toy.folder.tests()) == 1
    assert outcome.exit_code == 1
    assert toy.ran().count(f"trial/{record.id}") == 1


def test_what_a_crashed_trial_printed_last_is_kept(toy: Any) -> None:
    toy.write({"fault": "segfault"}).run()
    message = (the_record(toy).folder / "output.txt").read_text()
    assert "about to crash" in message
    assert "Segmentation fault" in message


def test_a_trial_killed_once_gets_a_second_chance(toy: Any) -> None:
    toy.write({"fault": "kill", "once": True})
    assert toy.run().exit_code == 0
    assert toy.statuses() == ["done"]
    assert "SIGKILL, most likely because memory ran out. It is tried once more" in toy.notices[0]


def test_a_trial_that_hangs_is_ended_when_its_time_is_up(toy: Any) -> None:
    toy.write({"fault": "hang", "timeout": 0.3}, FINE).run()
    record = the_record(toy)
    assert (record.status, record.result.error) == (
        "timed-out",
        "not finished within 0.3 s (timeout).",
    )
    assert the_record(toy, row=1).status == "done"


def test_a_failed_trial_is_not_tried_again_by_the_next_launch(toy: Any) -> None:
    toy.write({"fault": "error"})
    toy.run()
    ran = toy.ran()
    assert toy.run().exit_code == 1
    assert toy.ran() == ran


@pytest.mark.parametrize("fault", ["error", "segfault"])
def test_trials_fail_with_the_features_they_need(toy: Any, fault: str) -> None:
    toy.write({"features": "ff", "fault": fault, "in": "features"}, FINE, seeds=2).run()
    record = the_record(toy)
    assert str(record.result.error).startswith("its features could not be computed: ")
    assert toy.statuses() == sorted(["done", "done", record.status])


def test_a_failed_test_is_recorded(toy: Any) -> None:
    outcome = toy.write({"fault": "error", "in": "test"}).run()
    [test] = toy.folder.tests().values()
    assert test.status == "failed"
    assert outcome.exit_code == 1


def test_a_damaged_trial_is_moved_aside_and_runs_again(toy: Any) -> None:
    toy.write(FINE, FINE).run()
    before, record = toy.table(), the_record(toy)
    (record.folder / "costs.json").write_text("{")
    toy.run()
    assert toy.table() == before
    assert f"quarantine/{record.id}-1; its job runs again" in toy.notices[-1]
    assert toy.ran().count(f"trial/{record.id}") == 2
    assert toy.ran().count(f"test/{record.id}") == 1


def test_damaged_features_are_computed_again_when_they_are_needed(toy: Any) -> None:
    toy.write({"features": "ff"}).run()
    (toy.folder.features_folder("ff") / "features.json").write_text("[")
    toy.write({"features": "ff"}, {"features": "ff"}).run()
    assert toy.ran().count("features/ff") == 2


def test_a_newer_result_stops_the_study_and_is_left_alone(toy: Any) -> None:
    toy.write(FINE).run()
    record = the_record(toy)
    (record.folder / "COMPLETE.json").unlink()
    write_json(record.folder / "result.json", record.result.as_json() | {"schema": 2})
    mark_complete(record.folder)
    with pytest.raises(InputError, match="newer Tunewise"):
        toy.run()
    assert record.folder.is_dir()


def test_a_contender_that_is_added_runs_alone(toy: Any) -> None:
    toy.write(FINE).run()
    ran = toy.ran()
    toy.write(FINE, FINE).run()
    assert len(toy.ran()) == len(ran) + 2
    assert len(toy.folder.records()) == 2
