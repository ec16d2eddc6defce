#!/usr/bin/env python3
"""Run every command of docs/deliverables.md, and say which did not end well.

    python scripts/deliverables.py [--rows A1 B3 ...] [--data ../shared/data]

Each row's commands run in the order of the page in one temporary folder that has this repository's
recipes and benchmarks; a command that stands in several rows runs once. What names a file of the
user's (STUDY) is not run, and what needs `../shared/data` is skipped where that is absent. What is
an extra may say that it is not installed. Prints a line a command with its seconds; the exit code
is 1 where one failed, whose last lines are shown.
About ten minutes on two idle cores.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "deliverables.md"
ROW = re.compile(r"^\| ([A-H]\d?(?:, [A-H]\d)*) \|[^|]*\|(.*)\|[^|]*\|$", re.M)
SPAN = re.compile(r"`([^`]+)`")
SHORT = re.compile(r"`(\$[A-Z])` is\s+`([^`]+)`")
BEGINS = ("tunewise ", "python ")
EXPLAIN = "tunewise explain "
OF_THE_USER = re.compile(r"\b[A-Z]{3,}\b")
DATA = "../shared/data"
LAST_LINES = 12
BAD_INPUT, LACKING = 2, "is not installed. Install it with"


class Wanted(NamedTuple):
    """A command of the page, and the row that it makes."""

    row: str
    command: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", nargs="+", help="some of the page's, such as A1 or B")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    asked = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    short = dict(SHORT.findall(page))
    wanted = [one for one in commands(page) if not asked.rows or one.row.startswith((*asked.rows,))]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "here"
        place.mkdir()
        for name in ("recipes", "benchmarks"):
            (place / name).symlink_to(ROOT / name)
        if asked.data.is_dir():
            (place.parent / "shared").mkdir()
            (place.parent / DATA.removeprefix("../")).symlink_to(asked.data.resolve())
        for row, command in wanted:
            if DATA in command and not asked.data.is_dir():
                print(f"{row}: skipped, as there is no {asked.data}: {command}", flush=True)
                continue
            failed += not ran(row, command, short, place)
    print(f"{len(wanted)} commands, {failed} failed")
    return int(failed > 0)


def commands(page: str) -> Iterator[Wanted]:
    """Every command of the page that can be run as it stands, once.

    A name behind `tunewise explain` in the same cell is another topic of it.
    """
    known: set[str] = set()
    for row, cell in ROW.findall(page):
        explains = False
        for span in SPAN.findall(cell):
            command = span
            if not span.startswith(BEGINS):
                if not explains or not re.fullmatch(r"[a-z-]+", span):
                    continue
                command = EXPLAIN + span
            explains = command.startswith(EXPLAIN)
            if command not in known and not OF_THE_USER.search(command):
                known.add(command)
                yield Wanted(row, command)


def ran(row: str, command: str, short: dict[str, str], place: Path) -> bool:
    """Run one command in that folder; whether it ended well."""
    words = [short.get(word, word) for word in shlex.split(command)]
    program = [sys.executable, *(["-m", "tunewise"] if words[0] == "tunewise" else [])]
    start = time.monotonic()
    ended = subprocess.run(
        [*program, *words[1:]],
        cwd=place,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - start
    print(f"{row}: {ended.returncode}, {seconds:.0f} s: {command}", flush=True)
    if ended.returncode:
        print("\n".join(f"    {line}" for line in ended.stdout.splitlines()[-LAST_LINES:]))
    return ended.returncode == 0 or (ended.returncode == BAD_INPUT and LACKING in ended.stdout)


if __name__ == "__main__":
    sys.exit(main())
