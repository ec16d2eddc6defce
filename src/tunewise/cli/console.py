"""Progress goes to stderr, results to stdout."""

from __future__ import annotations

from rich.console import Console

from tunewise.core import interrupts
from tunewise.core.sanitize import visible

STDERR = Console(stderr=True, highlight=False, markup=False)
STDOUT = Console(highlight=False, markup=False)


def say(text: str) -> None:
    """One line of progress; a Ctrl-C that came to nothing ends the command here."""
    interrupts.obey()
    STDERR.print(visible(text))
