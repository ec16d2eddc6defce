"""Every write of a run, of a report and of an export fails once: one sentence, and the same end."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.faults.failing_disk.sitecustomize import install
from tests.faults.real import command, finish, job, jobs_left, own_threads, results

from tunewise.store.study import StudyFolder
from tunewise.studies.exit_codes import Exit

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux", reason="/proc names open files"),
]
HERE = Path(__file__).parent
NUMBERS = (errno.ENOSPC, errno.EIO, errno.EROFS)
THEN = ("after", "only")  # as a full disk does, and as a passing trouble does
END = 300  # seconds after which something hangs


def failing(folder: Path, k: int) -> str:
    """The k-th write fails; which error, and what comes after, changes from k to k."""
    return f"{folder}|{k}|{NUMBERS[k % 3]}|{THEN[k % 2]}"


def writes(folder: Path) -> int:
    return Path(f"{folder}.writes").stat().st_size


def test_every_write_of_a_launch_and_its_processes(
    new_study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    toys: list[dict[str, Any]] = [{"steps": 1}, {"fault": "error"}]
    undisturbed = new_study("undisturbed").write(*toys)
    undisturbed.run()
    path = f"{HERE / 'failing_disk'}{os.pathsep}{os.environ['PYTHONPATH']}"
    k, swept = 0, False
    while not swept:
        k += 1
        toy = new_study(f"k{k}").write(*toys)
        message = failing(toy.folder.path, k)
        launcher = toy.launch(workers=1, FAILING_WRITE=message, PYTHONPATH=path)
        text, complaint = launcher.communicate(timeout=END)
        swept = writes(toy.folder.path) < k
        assert launcher.returncode == 1, complaint  # one of the toys always fails
        assert "Traceback" not in text + complaint, message
        toy.run()
        assert toy.table() == undisturbed.table(), message
        assert toy.folder.faults() == []
    print(f"{k - 1} writes swept")
    assert k > 60


def in_a_process(action: Callable[[], int], message: str = "") -> int | None:
    """Do it in a fork of this process, where a write may fail; its exit code."""

    def be() -> None:
        own_threads()
        if message:
            install(message)
        try:
            code = action()
        except SystemExit as left:
            code = int(left.code or 0)
        except BaseException:
            traceback.print_exc()
            code = 99  # a traceback
        sys.stderr.flush()
        os._exit(code)

    process = multiprocessing.get_context("fork").Process(target=be)
    process.start()
    process.join(END)
    return process.exitcode


def test_every_write_of_real_features_trials_and_tests(
    tiny: Callable[[Path], StudyFolder], tmp_path: Path
) -> None:
    undisturbed = finish(tiny(tmp_path / "undisturbed"))
    folder, swept = tiny(tmp_path / "folder"), 0
    while left := jobs_left(folder):
        k, fired, again = 0, True, tmp_path / "again"
        while fired:
            k += 1
            if not again.exists() or jobs_left(StudyFolder(again)) != left:
                shutil.rmtree(again, ignore_errors=True)  # it came to its end all the same
                shutil.copytree(folder.path, again)
            Path(f"{again}.writes").unlink(missing_ok=True)
            code = in_a_process(job(left[0], StudyFolder(again)), failing(again, k))
            fired = writes(again) >= k
            assert code in {Exit.COMPLETE, Exit.DISK_FULL, Exit.OUTSIDE}, (left[0].key, k)
            assert StudyFolder(again).faults() == []
        swept += k - 1
        assert code == Exit.COMPLETE
        shutil.rmtree(folder.path)
        again.rename(folder.path)
    print(f"{swept} writes swept")
    assert swept > 40
    assert results(folder) == results(undisturbed)


@pytest.mark.parametrize("what", ["report", "export"])
def test_every_write_of_a_report_and_an_export(
    tiny: Callable[[Path], StudyFolder],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    what: str,
) -> None:
    monkeypatch.setattr("tunewise.reports.outputs.write.vl_convert", Drawn())
    folder = finish(tiny(tmp_path / "study"))
    out = tmp_path / "out"
    words = {
        "report": ["report", str(folder.path), "--out", str(out / "it")],
        "export": ["export", str(folder.path), "--to", str(out / "it"), "--contender", "majority"],
    }[what]
    k, swept = 0, False
    while not swept:
        k += 1
        out.mkdir(exist_ok=True)
        Path(f"{out}.writes").unlink(missing_ok=True)
        capfd.readouterr()
        code = in_a_process(command(*words), failing(out, k))
        message = capfd.readouterr().err
        swept = writes(out) < k
        assert code == (0 if swept else 1), message
        assert "Traceback" not in message
        assert swept or "un the same command again." in message.splitlines()[-1]
        assert swept or what == "report" or not (out / "it").exists()
    print(f"{k - 1} writes swept")
    assert k > {"report": 60, "export": 5}[what]
    assert (out / "it" / {"report": "index.html", "export": "proof.json"}[what]).is_file()


class Drawn:
    """Stands for the drawing of charts, which takes seconds and writes nothing."""

    def vegalite_to_svg(self, *_: object, **__: object) -> str:
        return "<svg/>"

    def svg_to_png(self, *_: object, **__: object) -> bytes:
        return b"png"
