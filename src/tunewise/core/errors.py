"""Every error Tunewise raises on purpose.

TunewiseError            the user sees its text, without a traceback
├── InputError           the study file, the data or a model is wrong; exit code 2
├── StudyBusy            another launcher holds the study folder; exit code 2
├── MissingExtra         an optional package is not installed; exit code 2
├── MachineTrouble       the machine ended it: a process was killed, a disk is full; exit code 1
└── DamagedFile          a stored file is not what was written: cut short, altered, or newer
    └── DamagedStudy     one of a study; running the study again repairs it; exit code 1

SettingError (a ValueError) is for those who read settings: they make it part of an InputError.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

MOST_SHOWN = 20
MOST_LETTERS = 240  # characters of what a library says
PLAIN = (OSError, ValueError)  # whose text is a sentence; of others the name is half of it
MOST_LETTERS = 80  # of a name that somebody gave


@dataclass(frozen=True)
class Problem:
    """One mistake: where it stands, and what is wrong and what would be right."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class TunewiseError(Exception):
    """Something a person can act on. The command line prints the text alone."""

    exit_code = 2


class InputError(TunewiseError):
    """What the user brought is wrong. All mistakes found are reported together.

    >>> print(InputError([Problem("study.yaml:3", "no such key"), Problem("", "no data")]))
    study.yaml:3: no such key
    no data
    """

    def __init__(self, problems: Sequence[Problem] | str) -> None:
        self.problems = [Problem("", problems)] if isinstance(problems, str) else list(problems)
        shown = [str(problem) for problem in self.problems[:MOST_SHOWN]]
        if len(self.problems) > MOST_SHOWN:
            shown.append(f"... and {len(self.problems) - MOST_SHOWN} more.")
        super().__init__("\n".join(shown))


class SettingError(ValueError):
    """A value that a settings class refuses. Whoever read it knows where it stands, and reports it.

    A part that is wrong as a whole, and in no setting of it, raises a plain `ValueError`.

    Args:
        name: the setting, as a study file names it.
        value: what it was given.
        expected: what would be right; the end of a sentence, with its full stop.
        within: where the setting is a mapping, the keys that lead to `value`.

    >>> print(SettingError("ranks", 0, "a whole number from 1 up.", within=("query",)))
    ranks.query = 0: a whole number from 1 up.
    """

    def __init__(
        self, name: str, value: Any, expected: str, *, within: tuple[str, ...] = ()
    ) -> None:
        self.name = name
        self.value = value
        self.expected = expected
        self.keys = (name, *within)
        value = list(value) if isinstance(value, tuple) else value  # as a study file has it
        super().__init__(f"{'.'.join(self.keys)} = {value!r}: {expected}")


class StudyBusy(TunewiseError):
    """Another process is running this study; the text says which."""


class MissingExtra(TunewiseError):
    """An optional package is missing.

    >>> print(MissingExtra("typst", extra="pdf"))
    typst is not installed. Install it with: pip install 'tunewise[pdf]'
    """

    def __init__(self, package: str, *, extra: str) -> None:
        super().__init__(
            f"{package} is not installed. Install it with: pip install 'tunewise[{extra}]'"
        )


class MachineTrouble(TunewiseError):
    """Nothing is wrong with what was brought; the same command may succeed another time."""

    exit_code = 1


class DamagedFile(TunewiseError):
    """A file of ours does not hold what was written to it.

    `added` is a file that nobody wrote, where that is all that is wrong with its folder.
    """

    def __init__(self, message: str, *, added: Path | None = None) -> None:
        self.added = added
        super().__init__(message)


class DamagedStudy(DamagedFile):
    """A file of a study does not: the next run of the study repairs it."""

    exit_code = 1


def reason(error: BaseException) -> str:
    r"""What a library says, in one line that a terminal only prints.

    >>> reason(ValueError("no such\n  layer")), reason(KeyError("layer"))
    ('no such layer', "KeyError: 'layer'")
    """
    text = " ".join(str(error).split())
    text = "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
    if len(text) > MOST_LETTERS:
        text = f"{text[:MOST_LETTERS]} ..."
    kind = type(error).__name__
    if not text:
        return kind
    return text if isinstance(error, PLAIN) else f"{kind}: {text}"


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that offers the nearest valid name and lists the rest.

    >>> nearest("rnk", ["rank", "alpha"])
    "Did you mean 'rank'? Known: alpha, rank."
    >>> nearest("zzz", ["rank", "alpha"])
    'Known: alpha, rank.'
    """
    names = sorted(known)
    listed = f"Known: {', '.join(names)}." if names else "None are known."
    folded = {known_name.lower(): known_name for known_name in names}
    close = get_close_matches(name[:MOST_LETTERS].lower(), folded, n=1, cutoff=0.6)
    return f"Did you mean '{folded[close[0]]}'? {listed}" if close else listed


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The sentence for a name that does not exist.

    >>> unknown("method", "lorra", ["lora", "full"])
    "unknown method 'lorra'. Did you mean 'lora'? Known: full, lora."
    """
    return f"unknown {kind} '{cut(name)}'. {nearest(name, known)}"


def cut(name: str) -> str:
    """The name, or the beginning of one that no message needs in full.

    >>> cut("lora"), len(cut("a" * 100_000))
    ('lora', 83)
    """
    return name if len(name) <= MOST_LETTERS else f"{name[:MOST_LETTERS]}..."
