"""What dataclasses of settings share: the meaning of a field, and a check of its range."""

from __future__ import annotations

from dataclasses import field
from typing import Any, TypeVar

from tunewise.core.errors import SettingError

T = TypeVar("T")

MEANING = "meaning"
"""Metadata of a field: what the setting means, a sentence that schema and handbook publish."""


def setting(default: T, meaning: str) -> T:
    """A field of a settings class: its default, and what it means.

    One without a default is ``field(metadata=described(meaning))``, so that type checkers know
    that it has none.
    """
    return field(default=default, metadata=described(meaning))


def described(meaning: str) -> dict[str, str]:
    """The metadata of a field that means this."""
    return {MEANING: meaning}


def refuse_below(least: int, part: Any, *names: str) -> None:
    """Refuse settings of a part that are whole numbers below `least`; None is left to a default.

    Raises:
        SettingError: for the first of them.
    """
    for name in names:
        value = getattr(part, name)
        if value is not None and value < least:
            raise SettingError(name, value, f"a whole number from {least} up.")
