"""UTF-8 with letters of Windows-1252 in between, as exports hold that several programs wrote to.

Each byte that is not UTF-8 is read as Windows-1252 where it can only be that: alone or one of two,
in a word of ASCII letters. A character of UTF-8 that was cut in two is no such byte, and neither is
a word of another alphabet.
"""

from __future__ import annotations

import codecs

ERRORS = "tunewise.western"  # the name under which codecs know what is done with such bytes
MOST_IN_A_ROW = 2  # bytes outside ASCII: more are another alphabet


def _western(error: UnicodeError) -> tuple[str, int]:
    """The letter for a byte; the error itself where it may be anything else."""
    if not isinstance(error, UnicodeDecodeError) or error.end - error.start != 1:
        raise error
    content, at = error.object, error.start
    if not _stands_for_itself(content, at):
        raise error
    return content[at : at + 1].decode("cp1252"), at + 1


def _stands_for_itself(content: bytes, at: int) -> bool:
    first = last = at
    while first and content[first - 1] > 0x7F and at - first < MOST_IN_A_ROW:
        first -= 1
    while last + 1 < len(content) and content[last + 1] > 0x7F and last - at < MOST_IN_A_ROW:
        last += 1
    if last - first >= MOST_IN_A_ROW:
        return False
    before, after = content[:first][-1:], content[last + 1 :][:1]
    letter = content[at : at + 1].decode("cp1252", errors="replace")
    if letter.isupper():  # as in a word cut short, "caf\xc3", where it is half a character
        return after.isalpha() and not before.islower()
    return not letter.isalpha() or before.isalpha() or after.isalpha()


codecs.register_error(ERRORS, _western)
