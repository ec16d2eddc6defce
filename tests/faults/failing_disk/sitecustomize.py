"""On the path of a process, makes a write of it, or of what it starts, fail.

`FAILING_WRITE` in the environment is ``folder|k|errno|then``: the k-th opening, making, renaming or
flushing of something in that folder, counted over all processes, raises this error of the system;
`then` says whether it is the `only` one or everything `after` it fails too, as on a full disk.
The count is the length of the file ``folder`` + ``.writes``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
fsync = os.fsync


class FailingDisk:
    def __init__(self, folder: str, k: str, number: str, then: str) -> None:
        self.folder, self.k, self.number, self.then = folder, int(k), int(number), then
        self.count = os.open(folder + ".writes", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & WRITING:
                self.write(path)
        elif event == "os.mkdir":
            if not os.path.isdir(arguments[0]):  # noqa: PTH112  # else nothing would be written
                self.write(arguments[0])
        elif event in ("os.rename", "os.link"):
            self.write(arguments[0])

    def flush(self, handle: int) -> None:
        self.write(Path(f"/proc/self/fd/{handle}").readlink())
        fsync(handle)

    def write(self, path: Any) -> None:
        if not isinstance(path, (str, bytes, os.PathLike)):
            return
        if not os.path.abspath(os.fsdecode(path)).startswith(self.folder + os.sep):  # noqa: PTH100
            return
        os.write(self.count, b".")
        at = os.lseek(self.count, 0, os.SEEK_CUR)
        if at == self.k or (self.then == "after" and at > self.k):
            raise OSError(self.number, os.strerror(self.number), os.fsdecode(path))


def install(message: str) -> None:
    disk = FailingDisk(*message.split("|"))
    sys.addaudithook(disk.hear)
    os.fsync = disk.flush  # type: ignore[assignment]


if message := os.environ.get("FAILING_WRITE"):
    install(message)
