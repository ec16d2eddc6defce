"""Text from data, made fit to be shown: nothing in it can act, vanish or reorder its surroundings.

Texts, labels and names come from anywhere. In HTML the template escapes them; what escaping
does not touch is dealt with here: control characters, which move a terminal's cursor, and signs
that override the direction of writing, which make a line say something else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

# C0 without tab and line feed, delete, C1; line and paragraph separators break JavaScript.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_LONE = re.compile("[\ud800-\udfff]")
_KEY = re.compile(r"(?<!\S)[A-Za-z_.]+=(?=\S)")  # of "rank=8", what every name repeats
_SPACE = re.compile(r"\s+")


def shown(text: str) -> str:
    r"""One line in which every character can be seen.

    >>> shown("a\x1b[31mb\n c\u202e")
    'a␛[31mb c⟨U+202E⟩'
    """
    return _SPACE.sub(" ", visible(text)).strip()


def visible(text: str) -> str:
    r"""The same with line breaks kept.

    >>> visible("line\n\x00")
    'line\n␀'
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n")
    return _LONE.sub("\ufffd", _DIRECTION.sub(_named, _CONTROL.sub(_picture, text)))


def shortened(text: str, most: int) -> str:
    """The beginning of a long text, and how long it was.

    >>> shortened("abcdef", 4)
    'abcd … (6 characters)'
    """
    return text if len(text) <= most else f"{text[:most]} … ({len(text):,} characters)"


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Each name that can do without its settings' names, without them; each stays unique.

    >>> short_names(["lora rank=4 targets=query", "full"])
    {'lora rank=4 targets=query': 'lora 4 query'}
    """
    made = {name: _KEY.sub("", name) for name in names}
    times = Counter(made.values())
    return {name: short for name, short in made.items() if short != name and times[short] == 1}


def _picture(match: re.Match[str]) -> str:
    """The sign that Unicode draws for a control character; the rest by number."""
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def _named(match: re.Match[str]) -> str:
    return f"⟨U+{ord(match.group()):04X}⟩"
