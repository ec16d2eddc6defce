"""What ends a trial from outside is no result: it is tried again, and the test stays sealed."""

from __future__ import annotations

import errno
import signal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tunewise.cli.main import app
from tunewise.core.errors import DamagedFile
from tunewise.core.files import write_json
from tunewise.store.trials import write_ending
from tunewise.studies.exit_codes import Exit, ending_of, exit_of
from tunewise.studies.launch import TRIES

FINE: dict[str, Any] = {"score": 0.5}
FROM_OUTSIDE = ["kill", "missing", "unreadable"]


def status(toy: Any) -> str:
    answer = CliRunner().invoke(app, ["status", str(toy.folder.path)])
    assert answer.exit_code == 0
    return answer.output


@pytest.mark.parametrize("fault", FROM_OUTSIDE)
def test_what_ended_from_outside_is_tried_again_and_ends_as_if_nothing_had_been(
    new_study: Any, fault: str
) -> None:
    undisturbed = new_study("undisturbed").write(FINE, FINE)
    undisturbed.run()
    toy = new_study("struck").write(FINE, FINE | {"fault": fault, "tries": TRIES})
    first = toy.run()
    assert (first.exit_code, first.aside, first.progress.complete) == (1, True, False)
    assert toy.statuses() == ["done"]
    assert toy.folder.tests() == {}  # sealed, while it could still come back
    second = toy.run()
    assert (second.exit_code, second.aside) == (0, False)
    scores = [record.result.metrics for record in toy.folder.records().values()]
    assert scores == [record.result.metrics for record in undisturbed.folder.records().values()]
    assert len(toy.folder.tests()) == 2
    assert toy.folder.set_aside() == {}


def test_no_test_is_opened_before_the_last_contender_can_come_back_no_more(toy: Any) -> None:
    toy.write(FINE, {"fault": "kill"}).run()
    assert not any(key.startswith("test/") for key in toy.ran())
    toy.run()
    assert not any(key.startswith("test/") for key in toy.ran())
    toy.write(FINE)  # the contender is taken out of the study
    assert toy.run().exit_code == 0
    assert len(toy.folder.tests()) == 1


def test_a_launch_tries_twice_and_not_a_third_time(toy: Any) -> None:
    toy.write({"fault": "kill"}).run()
    assert len(toy.ran()) == TRIES
    toy.run()
    assert len(toy.ran()) == 2 * TRIES


def test_status_names_what_waits_and_says_how_to_go_on(toy: Any) -> None:
    toy.write(FINE, {"fault": "kill"}).run()
    message = status(toy)
    assert "not complete; resume with: tunewise run" in message
    assert "toy1 seed=0 (trial/" in message
    assert "killed: ended by SIGKILL, most likely because memory ran out." in message
    assert "The test split stays sealed" in message
    assert "take the contender out of the study file" in message


def test_status_names_nothing_that_the_study_does_not_need_any_more(toy: Any) -> None:
    toy.write(FINE, {"fault": "kill"}).run()
    study = toy.folder.study().as_json()
    write_json(toy.folder.path / "study.json", study | {"contenders": study["contenders"][:1]})
    assert "waiting" not in status(toy)


def test_a_test_that_ended_from_outside_is_run_again_and_the_others_count(toy: Any) -> None:
    toy.write(FINE, FINE | {"fault": "missing", "in": "test", "tries": TRIES})
    assert toy.run().exit_code == 1
    assert len(toy.folder.tests()) == 1
    assert "No such file" not in status(toy) and "weights.safetensors: is not there" in status(toy)
    assert "stays sealed" not in status(toy)
    assert toy.run().exit_code == 0
    assert len(toy.folder.tests()) == 2


@pytest.mark.parametrize("fault", FROM_OUTSIDE)
def test_trials_wait_for_features_that_ended_from_outside(toy: Any, fault: str) -> None:
    toy.write({"features": "ff", "fault": fault, "in": "features", "tries": TRIES}, FINE, seeds=2)
    assert toy.run().exit_code == 1
    assert toy.statuses() == ["done", "done"]
    assert "its features could not be computed" in status(toy)
    assert toy.folder.tests() == {}
    assert toy.run().exit_code == 0
    assert toy.statuses() == ["done"] * 4


def test_a_result_of_an_earlier_version_that_says_killed_counts_as_none(toy: Any) -> None:
    toy.write(FINE).run()
    before = toy.table()
    [record] = toy.folder.records().values()
    (record.folder / "COMPLETE.json").unlink()
    write_ending(
        record.folder,
        status="killed",
        error="killed from outside twice",
        settings=record.result.settings,
        seconds=0.0,
    )
    assert toy.run().exit_code == 0
    assert toy.table() == before


@pytest.mark.parametrize(
    ("code", "outside"),
    [
        (-signal.SIGKILL, True),
        (-signal.SIGTERM, True),
        (-signal.SIGHUP, True),
        (-signal.SIGXCPU, True),
        (-signal.SIGBUS, True),
        (128 + signal.SIGKILL, True),
        (Exit.OUTSIDE, True),
        (Exit.INTERRUPTED, True),
        (-signal.SIGSEGV, False),
        (-signal.SIGABRT, False),
        (-signal.SIGFPE, False),
        (Exit.FAILED, False),
        (Exit.OUT_OF_MEMORY, False),
        (Exit.COMPLETE, False),
        (1, False),
    ],
)
def test_an_exit_code_says_whether_it_came_from_outside(code: int, outside: bool) -> None:
    assert ending_of(code, lambda: "its last words").outside is outside


def raised_from(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), Exit.OUTSIDE),
        (OSError(errno.EIO, "Input/output error"), Exit.OUTSIDE),
        (OSError("no file named model.safetensors"), Exit.OUTSIDE),  # as transformers says it
        (DamagedFile("weights: the content has changed"), Exit.OUTSIDE),
        (raised_from(RuntimeError("cannot load"), OSError(errno.EMFILE, "many")), Exit.OUTSIDE),
        (ImportError("libx.so: Too many open files"), Exit.OUTSIDE),
        (OSError(errno.EROFS, "Read-only file system"), Exit.DISK_FULL),
        (RuntimeError("I/O error: No space left on device (os error 28)"), Exit.DISK_FULL),
        (MemoryError(), Exit.OUT_OF_MEMORY),
        (ValueError("rank = 0"), Exit.FAILED),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), Exit.FAILED),
        (KeyError(Path("x")), Exit.FAILED),
    ],
)
def test_an_error_says_whether_it_came_from_outside(error: Exception, code: Exit) -> None:
    assert exit_of(error) is code
