"""Recognising a full disk, whichever library meets it first."""

from __future__ import annotations

import errno

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def is_full(error: BaseException) -> bool:
    """Whether an error means that the disk took no more, also where it caused another one.

    >>> is_full(OSError(errno.ENOSPC, "No space left on device"))
    True
    >>> is_full(OSError(errno.ENOENT, "No such file or directory"))
    False
    """
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, OSError) and at.errno in FULL:
            return True
        if "No space left on device" in str(at):  # safetensors raises errors of its own
            return True
        at = at.__cause__ or at.__context__
    return False
