"""A text file as text: UTF-8, or what its byte-order mark says; anything else is named and refused.

Of delimited files, which spreadsheet programs write in the encoding of the machine, UTF-16 without
a mark, Windows-1252 and UTF-8 with letters of Windows-1252 in between are also read where the bytes
leave little doubt, and a note says so.

Files are read piece by piece and given up at the first piece that no text holds, so that a file
of any size, a hole on the disk among them, takes bounded memory.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tunewise.core.errors import InputError, Problem
from tunewise.core.format import plural
from tunewise.data.readers import mixed_encoding

LARGEST = 2 << 30  # bytes of a text file: all rows are held in memory
LONGEST = 64 << 20  # bytes of a line, or characters of a field: more is no example of anything
_PIECE = 1 << 20

_OTHER_FORMATS = {
    b"\x1f\x8b": "compressed with gzip; unpack it first",
    b"PK\x03\x04": "a zip archive, as spreadsheets are; save it as CSV",
    b"PAR1": "Parquet; call it .parquet",
}
_BYTE_ORDER_MARKS = {  # the longer first: that of UTF-16 begins that of UTF-32
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


MOST_ACCENTED = 0.3  # letters outside ASCII for each within, in the languages of Windows-1252
MIXED = "UTF-8 with Windows-1252"
_SHOWN = {"cp1252": "Windows-1252", MIXED: f"{MIXED} in between"}
_WORD_ENDS = re.compile(r"[\s,;|]")
_ASCII = bytes(range(128))
_LETTERS = bytes(range(65, 91)) + bytes(range(97, 123))
_IN_NO_TEXT = b"\0\x81\x8d\x8f\x90\x9d"  # NUL, and what Windows-1252 does not define


class Text(NamedTuple):
    """What a file holds, without a byte-order mark and with its line ends as they are."""

    content: str
    notes: tuple[str, ...]  # the encoding, where it is not UTF-8


def read_text(
    path: Path,
    shown: str,
    *,
    largest: int = LARGEST,
    longest: int | None = LONGEST,
    guess: bool = False,
) -> Text:
    """The whole file, at most `largest` bytes of it, with no line above `longest` bytes.

    `guess` allows an encoding that no mark states.

    Raises:
        InputError: unreadable, empty, too large, in an encoding that is neither UTF-8 nor marked
            (with the byte and a guess), or with a NUL.
    """
    _refuse_large(path, shown, largest)
    head = next(_pieces(path, shown))
    for magic, what in _OTHER_FORMATS.items():
        if head.startswith(magic):
            raise InputError([Problem(shown, f"the content is {what}.")])
    marks = _BYTE_ORDER_MARKS.items()
    marked = next((name for mark, name in marks if head.startswith(mark)), None)
    why = "which its byte-order mark says"
    encoding = marked or "UTF-8"
    if guess and marked is None:
        encoding, why = _guessed(path, head)
    parts: list[str] = []
    line_so_far = 0
    for piece, part in _decoded(path, shown, encoding):
        ended = max(piece.rfind(b"\n"), piece.rfind(b"\r")) + 1
        line_so_far = len(piece) - ended if ended else line_so_far + len(piece)
        if longest is not None and line_so_far > longest:
            line = "".join(parts).count("\n") + 1
            message = f"this line has more than {longest >> 20} MiB, which no example has."
            raise InputError([Problem(f"{shown}:{line}", f"{message} Is it one row a line?")])
        parts.append(part)
    content = "".join(parts).removeprefix("\ufeff")
    if not content.strip():
        raise InputError([Problem(shown, "the file is empty.")])
    note = f"{shown}: read as {_SHOWN.get(encoding, encoding)}, {why}."
    return Text(content, () if encoding == "UTF-8" else (note,))


def _guessed(path: Path, head: bytes) -> tuple[str, str]:
    """The encoding of a file without a mark, and why; UTF-8 where there is doubt.

    Windows-1252 has no rule that bytes could break, so it is taken only where letters outside
    ASCII are few, as in the languages it is for, and hardly any of them read as UTF-8.
    """
    if wide := _wide_encoding(head[:2000]):
        return wide, "because every other byte is 0"
    decoder = codecs.getincrementaldecoder("UTF-8")("replace")
    faults = sound = high = letters = odd = 0
    first = ""
    for piece in _pieces(path, path.name):
        text = decoder.decode(piece, final=not piece)
        broken = text.count("\ufffd")
        if broken and not first:
            before, _, after = text.partition("\ufffd")
            word = f"{_WORD_ENDS.split(before)[-1]}?{_WORD_ENDS.split(after)[0]}"
            first = word.replace("\ufffd", "?")[:20]
        faults += broken
        sound += sum(character > "\x7f" for character in text) - broken if not text.isascii() else 0
        high += len(piece.translate(None, _ASCII))
        letters += len(piece) - len(piece.translate(None, _LETTERS))
        odd += len(piece) - len(piece.translate(None, _IN_NO_TEXT))
    if not odd and faults > sound and high <= MOST_ACCENTED * letters:
        convert = _conversion("ENCODING", path)
        return "cp1252", f"because it is not UTF-8 (at {first!r}); if letters look wrong: {convert}"
    if faults and _reads(path, MIXED):
        letters_of_it = f"{plural(faults, 'letter')} of the file, the first at {first!r}"
        return MIXED, f"because that is what its bytes say: {letters_of_it}"
    return "UTF-8", ""


def _reads(path: Path, encoding: str) -> bool:
    decoder = _decoder(encoding)
    try:
        for piece in _pieces(path, path.name):
            decoder.decode(piece, final=not piece)
    except UnicodeDecodeError:
        return False
    return True


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    if encoding == MIXED:
        return codecs.getincrementaldecoder("UTF-8")(mixed_encoding.ERRORS)
    return codecs.getincrementaldecoder(encoding)()


def _refuse_large(path: Path, shown: str, largest: int) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError([Problem(shown, f"cannot be read ({error.strerror}).")]) from error
    if size > largest:
        message = (
            f"has {size / 2**30:,.1f} GiB, and at most {largest / 2**30:g} GiB are read, because "
            "all rows are held in memory. Take a part of the rows, or cut the file into splits."
        )
        raise InputError([Problem(shown, message)])


def _decoded(path: Path, shown: str, encoding: str) -> Iterator[tuple[bytes, str]]:
    """Each piece of the file with its text; a character cut in two belongs to the second piece."""
    decoder = _decoder(encoding)
    at = 0
    for piece in _pieces(path, shown):
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            fault = at - pending + error.start
            raise InputError([_not_decoded(fault, encoding, path, shown)]) from error
        if "\0" in text:
            raise InputError([_with_nul(path, shown, encoding)])
        at += len(piece)
        yield piece, text


def _pieces(path: Path, shown: str) -> Iterator[bytes]:
    """The content piece by piece, and an empty piece at its end."""
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
            yield b""
    except OSError as error:
        raise InputError([Problem(shown, f"cannot be read ({error.strerror}).")]) from error


def _not_decoded(at: int, encoding: str, path: Path, shown: str) -> Problem:
    """What stands at a byte that is not of the encoding; looks at the file up to there again."""
    line, before, after = _around(path, at)
    if encoding != "UTF-8":
        message = (
            f"byte {at} (0x{after[0]:02x}) is not {encoding}, which the file's byte-order mark "
            "says: it may not have been copied whole."
        )
        return Problem(shown, message)
    fault = f"byte {at} (0x{after[0]:02x}) is not UTF-8, and its bytes do not say what it is."
    with path.open("rb") as file:
        wide = _wide_encoding(file.read(2000))
    if wide:
        return Problem(shown, f"{fault} The file seems to be {wide}. {_convert(wide, path)}")
    start = max(before.rfind(b" "), before.rfind(b"\n")) + 1
    word = (before[start:] + after).split()[0].decode("cp1252", errors="replace")
    return Problem(
        f"{shown}:{line}",
        f"{fault} As Latin-1 (Windows-1252) it would read '{word}'; if that is right: "
        f"{_convert('WINDOWS-1252', path)}",
    )


def _around(path: Path, at: int) -> tuple[int, bytes, bytes]:
    """The line of a byte, and the 20 bytes before it and from it on."""
    line, left = 1, at
    with path.open("rb") as file:
        while left > 20:
            piece = file.read(min(_PIECE, left - 20))
            line += piece.count(b"\n")
            left -= len(piece)
        before = file.read(left)
        return line + before.count(b"\n"), before, file.read(20)


def _with_nul(path: Path, shown: str, encoding: str) -> Problem:
    with path.open("rb") as file:
        head = file.read(2000)
        file.seek(0)
        if encoding == "UTF-8" and (wide := _wide_encoding(head)):
            return Problem(
                shown,
                f"every other byte is 0: the file seems to be {wide}. {_convert(wide, path)}",
            )
        if encoding != "UTF-8":
            return Problem(shown, "a text holds NUL (U+0000), which no text holds; remove it.")
        line, at = 1, 0
        while b"\0" not in (piece := file.read(_PIECE)):
            line += piece.count(b"\n")
            at += len(piece)
        place = piece.index(b"\0")
        line += piece.count(b"\n", 0, place)
    return Problem(
        f"{shown}:{line}", f"byte {at + place} is NUL (0x00), which no text holds; remove it."
    )


def _wide_encoding(head: bytes) -> str | None:
    for first, name in ((0, "UTF-16BE"), (1, "UTF-16LE")):
        half = head[first::2]
        other = head[1 - first :: 2]
        if half.count(0) > 0.4 * len(half) and other.count(0) < 0.4 * len(other):
            return name
    return None


def _convert(encoding: str, path: Path) -> str:
    return f"Convert it: {_conversion(encoding, path)}"


def _conversion(encoding: str, path: Path) -> str:
    return f"iconv -f {encoding} -t UTF-8 '{path.name}' > 'utf8-{path.name}'"
