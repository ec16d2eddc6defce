"""Reading a text file strictly as UTF-8, and saying what it is where it is not."""

from __future__ import annotations

from pathlib import Path

from tunewise.core.errors import InputError, Problem

_OTHER_FORMATS = {
    b"\x1f\x8b": "compressed with gzip; unpack it first",
    b"PK\x03\x04": "a zip archive, as spreadsheets are; save it as CSV",
    b"PAR1": "Parquet; call it .parquet",
}
_BYTE_ORDER_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def read_text(path: Path, shown: str) -> str:
    """The whole file as text, without a byte-order mark; line ends as they are.

    Raises:
        InputError: unreadable, empty, not UTF-8 (with the byte and a guess), or with a NUL.
    """
    raw = read_raw(path, shown)
    for magic, what in _OTHER_FORMATS.items():
        if raw.startswith(magic):
            raise InputError([Problem(shown, f"the content is {what}.")])
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError([_not_utf8(raw, error.start, path, shown)]) from error
    if "\0" in text:
        raise InputError([_with_nul(raw, path, shown)])
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise InputError([Problem(shown, "the file is empty.")])
    return text


def read_raw(path: Path, shown: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError([Problem(shown, f"cannot be read ({error.strerror}).")]) from error


def _not_utf8(raw: bytes, at: int, path: Path, shown: str) -> Problem:
    line = raw.count(b"\n", 0, at) + 1
    fault = f"byte {at} (0x{raw[at]:02x}) is not UTF-8, and nothing is guessed."
    wide = _wide_encoding(raw)
    if wide:
        return Problem(shown, f"{fault} The file seems to be {wide}. {_convert(wide, path)}")
    start = max(raw.rfind(b" ", 0, at), raw.rfind(b"\n", 0, at), at - 20) + 1
    word = raw[start : at + 20].split()[0].decode("cp1252", errors="replace")
    return Problem(
        f"{shown}:{line}",
        f"{fault} As Latin-1 (Windows-1252) it would read '{word}'; if that is right: "
        f"{_convert('WINDOWS-1252', path)}",
    )


def _with_nul(raw: bytes, path: Path, shown: str) -> Problem:
    wide = _wide_encoding(raw)
    if wide:
        return Problem(
            shown, f"every other byte is 0: the file seems to be {wide}. {_convert(wide, path)}"
        )
    at = raw.index(b"\0")
    line = raw.count(b"\n", 0, at) + 1
    return Problem(f"{shown}:{line}", f"byte {at} is NUL (0x00), which no text holds; remove it.")


def _wide_encoding(raw: bytes) -> str | None:
    for mark, name in _BYTE_ORDER_MARKS.items():
        if raw.startswith(mark):
            return name
    head = raw[:2000]
    for first, name in ((0, "UTF-16BE"), (1, "UTF-16LE")):
        zeros = head[first::2].count(0)
        if zeros > 0.4 * len(head[first::2]):
            return name
    return None


def _convert(encoding: str, path: Path) -> str:
    return f"Convert it: iconv -f {encoding} -t UTF-8 '{path.name}' > 'utf8-{path.name}'"
