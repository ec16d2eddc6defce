"""Logs of Inspect as it packs them: an ``.eval`` file is a zip archive of JSON.

``header.json`` has all that a log in JSON has but its samples, ``summaries.json`` the scores of
each sample. Today's versions compress with Zstandard, which `zipfile` reads from Python 3.14 on;
Arrow does it in all.

Source: inspect_ai, ``log/_recorders/eval.py``; the header of a member: PKWARE's APPNOTE, 4.3.7.
"""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa

from tunewise.core.errors import InputError, Problem
from tunewise.core.format import size

ENDING = ".eval"
HEADER, SUMMARIES = "header.json", "summaries.json"
ZSTANDARD = 93
LOCAL_BYTES = 30  # of a member's own header, before its name and its extra field
LARGEST = 2**30  # bytes of a member unpacked: a small file may claim to be any size


def unpacked(path: Path) -> dict[str, Any]:
    """The log as its JSON form has it, with the summaries as its samples.

    Raises:
        InputError: it is no such archive, is damaged, or its evaluation did not come to an end.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if HEADER not in names:
                message = f"has no {HEADER}: no log of Inspect, or its evaluation did not end."
                raise InputError([Problem(str(path), message)])
            content = json.loads(_member(path, archive.getinfo(HEADER)))
            samples = None
            if SUMMARIES in names:
                samples = json.loads(_member(path, archive.getinfo(SUMMARIES)))
    except (
        zipfile.BadZipFile,
        OSError,
        EOFError,
        ValueError,
        struct.error,
        RecursionError,
    ) as error:
        message = f"is damaged, or no log of Inspect ({error})."
        raise InputError([Problem(str(path), message)]) from error
    if not isinstance(content, dict):
        raise InputError([Problem(str(path), f"{HEADER} is no object of JSON.")])
    return {**content, "samples": samples}


def _member(path: Path, member: zipfile.ZipInfo) -> bytes:
    """What a member holds, unpacked and compared with its checksum.

    Raises:
        ValueError: it is too large or not what was packed. OSError: it cannot be unpacked.
    """
    if member.file_size > LARGEST:
        raise ValueError(f"{member.filename} is larger than {size(LARGEST)}")
    if member.compress_type == ZSTANDARD:
        with path.open("rb") as file:
            file.seek(member.header_offset)
            name, extra = struct.unpack("<HH", file.read(LOCAL_BYTES)[-4:])
            file.seek(name + extra, 1)
            packed = file.read(member.compress_size)
        stream = pa.CompressedInputStream(pa.BufferReader(packed), "zstd")
        content: bytes = stream.read(LARGEST)
    else:
        with zipfile.ZipFile(path) as archive, archive.open(member) as part:
            content = part.read(LARGEST)
    if zlib.crc32(content) != member.CRC:
        raise ValueError(f"{member.filename} is not what its checksum says")
    return content
