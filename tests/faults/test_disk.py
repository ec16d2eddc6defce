"""A full disk pauses the study: it says how much room there is, and loses nothing."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from tunewise.core.outside import is_full
from tunewise.studies import study_state as ledger


@pytest.mark.parametrize(
    ("fault", "cause"),
    [("full", "the disk is full"), ("exceed", "a file may not be that large here (ulimit -f)")],
)
def test_a_trial_that_cannot_write_pauses_the_study(toy: Any, fault: str, cause: str) -> None:
    toy.write({"score": 0.5}, {"fault": fault, "once": True}, {"score": 0.5})
    paused = toy.run(workers=1)
    assert paused.exit_code == 1
    assert paused.paused.startswith("Paused, nothing is lost: trial/")
    assert f"could not write: {cause}. " in paused.paused
    assert "MB are free on the disk of" in paused.paused
    assert "a trial of this study has taken up to 0.0 MB" in paused.paused
    assert toy.statuses() == ["done"]
    assert toy.run().exit_code == 0
    assert toy.statuses() == ["done"] * 3


def test_running_trials_save_a_checkpoint_when_the_study_pauses(toy: Any) -> None:
    toy.write({"seconds": 5.0, "steps": 50}, {"fault": "full", "once": True, "late": True})
    assert toy.run().paused is not None
    assert len(list((toy.folder.path / "weights").glob("*/checkpoint"))) == 1
    assert toy.folder.records() == {}


def test_a_launcher_that_cannot_write_pauses_the_study(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*place: object, **ending: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    toy.write({"fault": "error"}, {"score": 0.5})
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "write_ending", full)
        paused = toy.run()
    assert paused.exit_code == 1
    assert "Paused, nothing is lost: the disk is full. Make room" in str(paused.paused)
    toy.run()
    assert toy.statuses() == ["done", "failed"]


def test_a_full_disk_is_recognised_behind_other_errors() -> None:
    class SafetensorError(Exception):
        pass

    outer = RuntimeError("could not save")
    outer.__cause__ = OSError(errno.EDQUOT, "quota")
    assert is_full(outer)
    assert is_full(SafetensorError("I/O error: No space left on device (os error 28)"))
    assert not is_full(OSError(errno.ENOENT, "no such file"))
