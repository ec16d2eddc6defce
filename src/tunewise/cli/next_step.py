"""What to do after a command was refused or interrupted: one line below the message."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from tunewise.cli.examples import EXAMPLES
from tunewise.core.format import first_of
from tunewise.core.lazy import Later
from tunewise.store.study import is_study

if TYPE_CHECKING:
    from tunewise.data.readers import files
else:  # it loads what reads Parquet, for nothing where nothing was wrong
    files = Later("tunewise.data.readers.files")

OF_FILES = (
    "validate",
    "shortlist",
    "plan",
    "run",
    "sanity",
    "removed",
    "doctor",
)  # take a study file
OF_DATA = ("init", "judge")  # take a file with rows
OF_CONTENDERS = ("compare", "errors", "predict", "export", "generate")  # of a study's folder
ABOUT_CONTENDERS = ("contender", "compared")  # what is wrong may be an option instead
OF_FOLDERS = (*OF_CONTENDERS, "status", "results", "report", "track", "board", "removed", "doctor")
GOES_ON = ("run", "demo", "train")
YAML = (".yaml", ".yml")
RUNS = Path("runs")
LONGEST = 120  # letters of a command that is repeated


def next_step(words: Sequence[str], message: str) -> str:
    """The command to run next; empty where the message names one.

    Args:
        words: the command line without the program's name.
        message: what was wrong.
    """
    command, path = _asked(words)
    if any(f"tunewise {name}" in message for name in EXAMPLES):
        return ""
    if command not in EXAMPLES:
        return "What there is: tunewise -h"
    step = _again(words, message)
    if step or (path is not None and (step := _with_file(command, path, message))):
        return step
    if path is not None and is_study(path):
        if command in OF_CONTENDERS and any(word in message for word in ABOUT_CONTENDERS):
            return f"Its contenders: tunewise results {path}"
    elif command in OF_FOLDERS:
        return _study_of(command, path)
    return f"How it is called: tunewise {command} -h"


def _with_file(command: str, path: Path, message: str) -> str:
    """What to do with the file that a command takes; nothing where it takes none."""
    if command in OF_FILES and (path.is_file() or not path.exists()):
        return _study_file(command, path)
    if command in OF_DATA and not path.is_dir():
        return _data(command, path, message)
    return ""


def _again(words: Sequence[str], message: str) -> str:
    """The same command once more, where one of its files is wrong; nothing for other commands."""
    named = (word for word in words[1:] if f"{word}:" in message)
    if words[0] != "judge" or not any(os.path.lexists(word) for word in named):
        return ""
    again = shlex.join(["tunewise", *words])
    return f"Correct it, then: {again if len(again) <= LONGEST else 'the same command again.'}"


def _study_file(command: str, path: Path) -> str:
    """What to do with one that is there; of one that is not, which could have been meant."""
    if path.is_file():
        return f"Correct it, then: tunewise validate {path}" if path.suffix in YAML else ""
    names = [other.name for other in path.parent.glob("*.yaml")]
    close = get_close_matches(path.name, names, n=1)
    if close:
        return f"Perhaps: tunewise {command} {path.parent / close[0]}"
    return "A study file is made by: tunewise init DATA"


def _data(command: str, path: Path, message: str) -> str:
    """What to do with a file of rows that is faulty; of one that is not there, which was meant."""
    if ":" in str(path):  # embedded data, or an address
        return ""
    if path.is_file():
        if not message.startswith(str(path)):  # an option is wrong, not the file
            return ""
        return f"Correct it, then: {shlex.join(['tunewise', command, str(path)])}"
    try:
        there = sorted(one.name for one in path.parent.iterdir() if one.suffix in files.ENDINGS)
    except OSError:
        there = []
    if not there:
        return "Data to try it with: tunewise init embedded:reviews" * (command == "init")
    close = get_close_matches(path.name, there, n=1)
    other = shlex.join(["tunewise", command, str(path.parent / (close or there)[0])])
    return f"Perhaps: {other}" if close else f"Data here: {first_of(there)}. For example: {other}"


def _study_of(command: str, path: Path | None) -> str:
    """The study that a study file was run as; of another path, those that could be meant."""
    if path is None or path.suffix not in YAML or not path.is_file():
        return _studies(command, path)
    folder = RUNS / path.stem
    if is_study(folder):
        return f"That file was run in: {shlex.join(['tunewise', command, str(folder)])}"
    return f"It has not been run here yet: {shlex.join(['tunewise', 'run', str(path)])}"


def _studies(command: str, path: Path | None) -> str:
    """Those that could have been meant, in the folder that was named or in the usual one."""
    found = studies_below(path if path is not None and path.is_dir() else RUNS)
    if found:
        return f"Studies here: {first_of(found)}. For example: tunewise {command} {found[0]}"
    return "A study file is made by tunewise init DATA, and its folder by tunewise run FILE."


def interrupted(words: Sequence[str]) -> str:
    """What Ctrl-C left behind, and how to go on."""
    command, _ = _asked(words)
    if command in GOES_ON:
        return "Interrupted. What has finished is kept; the same command goes on from there."
    return "Interrupted. Nothing was left half done; the same command starts anew."


def studies_below(folder: Path) -> list[str]:
    """The folders of studies directly in a folder."""
    try:
        return sorted(str(path) for path in folder.iterdir() if is_study(path))
    except OSError:
        return []


def _asked(words: Sequence[str]) -> tuple[str, Path | None]:
    """The command, and its first word that is no option."""
    plain = [word for word in words if not word.startswith("-")]
    return (plain[0] if plain else ""), (Path(plain[1]) if len(plain) > 1 else None)
