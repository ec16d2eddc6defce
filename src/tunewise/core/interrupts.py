"""Ctrl-C, also where a library that is being loaded keeps it to itself."""

from __future__ import annotations

import signal
from typing import Any

heard: list[int] = []  # since `listen`


def listen() -> None:
    """Note each Ctrl-C, beside ending the program by it; nothing where it is ignored."""

    def interrupt(number: int, frame: Any) -> None:
        heard.append(number)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)


def obey() -> None:
    """End by a Ctrl-C that was heard before and came to nothing."""
    if heard:
        raise KeyboardInterrupt
