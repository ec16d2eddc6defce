"""Ten thousand mutated study files: each is a study, or is refused in words, quickly."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
import traceback
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.faults.mutants import SOUND, mutants

import tunewise
from tunewise.core.errors import TunewiseError
from tunewise.studyfile.expand import expand
from tunewise.studyfile.reading import read_text
from tunewise.studyfile.studyfile import read_study
from tunewise.studyfile.unread import moot

pytestmark = pytest.mark.faults

FILES = 10_000
SAMPLED = 60
SECONDS = 2.0  # of a processor, for one file
BYTES = 10**9
MOST_LETTERS = 20_000  # of a message, whatever the file holds


def sound() -> list[Any]:
    return [read_text(text, name="sound").values for text in SOUND.split("---\n")]


def test_the_studies_that_are_mutated_are_sound() -> None:
    assert all(expand(read_study(study)).contenders for study in sound())


def test_every_mutated_study_file_is_sound_or_refused_in_words(tmp_path: Path) -> None:
    """The same way as `tunewise validate`, up to where data and models would be read."""
    for study in sound():  # what they need is imported now
        expand(read_study(study))
    path = tmp_path / "study.yaml"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    files = mutants(Random(1), sound())
    slowest, taken, bad = 0.0, 0, []
    for number in range(FILES):
        content = next(files)
        path.write_bytes(content)
        started = time.process_time()
        try:
            settings = read_study(path)
            expand(settings)
            moot(settings)
            taken += 1
        except TunewiseError as error:
            if not str(error).strip() or len(str(error)) > MOST_LETTERS:
                bad.append(f"{number}: {len(str(error))} letters\n{content[:2000]!r}")
        except Exception:
            bad.append(f"{number}: {traceback.format_exc()}\n{content[:2000]!r}")
        seconds = time.process_time() - started
        slowest = max(slowest, seconds)
        if seconds > SECONDS:
            bad.append(f"{number}: {seconds:.1f} s\n{content[:2000]!r}")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print(f"{FILES} files: {taken} sound, {len(bad)} bad, at most {slowest:.2f} s, {grown:,} bytes")
    assert not bad, "\n\n".join(bad[:5])
    assert grown < BYTES
    assert FILES / 50 < taken < FILES / 2, "mutants should be neither all broken nor all sound"


def test_the_command_refuses_them_too(tmp_path: Path) -> None:
    """As processes: exit code 0 or 2, no traceback, and no more time and memory than others."""
    files = mutants(Random(2), sound())
    usual = validate(tmp_path, b"name: x\n")
    assert usual.code == 2
    bad = []
    for number in range(SAMPLED):
        content = next(files)
        seen = validate(tmp_path, content)
        fine = seen.code in (0, 2) and "Traceback" not in seen.reply and seen.reply.strip()
        quick = seen.seconds < usual.seconds * 1.5 + SECONDS
        if not (fine and quick and seen.bytes < usual.bytes + BYTES):
            bad.append(f"{number}: {seen}\n{content[:2000]!r}")
    assert not bad, "\n\n".join(bad[:3])


class Seen:
    """How a command ended."""

    def __init__(self, code: int, message: str, seconds: float, bytes: int) -> None:
        self.code, self.reply, self.seconds, self.bytes = code, message, seconds, bytes

    def __repr__(self) -> str:
        return f"exit {self.code}, {self.seconds:.1f} s, {self.bytes:,} bytes\n{self.reply[-2000:]}"


def validate(folder: Path, content: bytes) -> Seen:
    (folder / "study.yaml").write_bytes(content)
    words = [sys.executable, "-m", "tunewise", "validate", "study.yaml"]
    here = str(Path(tunewise.__file__).parents[1])  # the one that is tested, from any folder
    settings = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": here}
    environment = {**os.environ, **settings}
    with (folder / "said").open("wb") as message:
        process = subprocess.Popen(
            words, cwd=folder, stdout=message, stderr=message, env=environment
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    text = (folder / "said").read_text(encoding="utf-8", errors="replace")
    seconds = used.ru_utime + used.ru_stime
    return Seen(process.returncode, text, seconds, used.ru_maxrss * 1024)
