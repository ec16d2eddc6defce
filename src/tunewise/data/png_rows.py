"""Whether a PNG holds all of its rows: decoders fill up what a sound but short stream lacks."""

from __future__ import annotations

import zlib

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by color type
_PASSES = (  # of Adam7: first column and row, steps
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)
_PIECE = 1 << 20


def lacks_rows(content: bytes) -> bool:
    """Whether the pixel data of a PNG, sound in its chunks, ends before its last row.

    Source: PNG specification (third edition), sections 7 to 11.
    """
    header, streams = b"", []
    at = 8  # the chunks begin behind the signature
    while at + 8 <= len(content):
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        body = content[at + 8 : at + 8 + length]
        header = body if kind == b"IHDR" else header
        if kind == b"IDAT":
            streams.append(body)
        at += 12 + length
    width, height = (int.from_bytes(header[at : at + 4], "big") for at in (0, 4))
    bits = header[8] * _CHANNELS[header[9]]
    passes = _PASSES if header[12] else ((0, 0, 1, 1),)
    wanted = 0
    for x, y, across, down in passes:
        columns, rows = -((x - width) // across), -((y - height) // down)
        if columns > 0 and rows > 0:
            wanted += rows * (1 + (columns * bits + 7) // 8)  # a byte for the filter of each row
    unpacker, stream = zlib.decompressobj(), b"".join(streams)
    while wanted > 0:  # no more than a piece of what comes out is held at once
        piece = unpacker.decompress(stream, _PIECE)
        if not piece:
            return True
        wanted -= len(piece)
        stream = unpacker.unconsumed_tail
    return False
