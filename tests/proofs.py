"""Proofs of exports: asked of this process, and the lines of a card run as they stand."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from tests.commands import environment

from tunewise.core.files import read_json, write_json
from tunewise.export import foreign_check, own_check


@contextmanager
def proven_here() -> Iterator[None]:
    """Inside, exports are proven in this process: of each program one has had its own process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tunewise.export.proof._ask", ask_here)
        yield


def ask_here(form: str, question: dict[str, Any], folder: Path) -> tuple[dict[str, Any], str]:
    """What the process of an export's proof answers, from this one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # in a process of its own they are no errors either
        if form != "tunewise":
            return foreign_check.answer(str(folder), question), ""
        with TemporaryDirectory() as place:
            asked, answered = Path(place) / "question.json", Path(place) / "answer.json"
            write_json(asked, question)
            own_check.main(str(folder), str(asked), str(answered))
            found: dict[str, Any] = read_json(answered)
            return found, ""


def card_lines(folder: Path) -> str:
    return (folder / "README.md").read_text().split("```python\n")[1].split("```")[0]


def run_card_here(folder: Path) -> str:
    """What the lines of an export's card print, run as they stand, with no name defined before."""
    out = io.StringIO()
    with warnings.catch_warnings(), chdir(folder), redirect_stdout(out):
        warnings.simplefilter("ignore")
        exec(compile(card_lines(folder), "README.md", "exec"), {"__name__": "__main__"})
    return out.getvalue()


def run_card(folder: Path) -> str:
    """The same in a process of their own."""
    command = [sys.executable, "-c", card_lines(folder)]
    return subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=True
    ).stdout
