"""A runner whose import keeps Python's lock, as loading a large library does; then it is the toy.

`SLOW_SECONDS` in the environment says for how long, and `SLOW_ONCE` names a file: where it
exists, loading takes no time.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from toy import run_job, warm_up  # type: ignore[import-not-found]  # it lies beside this file

__all__ = ["run_job", "warm_up"]

once = Path(os.environ["SLOW_ONCE"])
if not once.exists():
    if os.environ.get("SLOW_AGAIN") is None:
        once.touch()
    once.with_suffix(".pid").write_text(str(os.getpid()))  # last: from then on we may be killed
    ctypes.PyDLL(None).usleep(int(float(os.environ["SLOW_SECONDS"]) * 1e6))  # PyDLL holds the lock
