"""``--device``: where trials compute, settled before anything loads PyTorch."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunewise.core.environment import VISIBLE
from tunewise.core.errors import InputError, Problem
from tunewise.core.lazy import Later

if TYPE_CHECKING:
    torch: Any
else:  # asked for a GPU alone; the worker loads it for itself
    torch = Later("torch")

GPU = re.compile(r"cuda(?::(\d+))?")

Device = Annotated[
    str | None,
    typer.Option(
        metavar="DEVICE",
        help="cpu, cuda or cuda:1; a GPU if there is one, if not given.",
        show_default=False,
    ),
]


def settle_device(name: str | None) -> None:
    """Let this process and all that it starts see the named device alone.

    Raises:
        InputError: there is no such device.
    """
    if name is None:
        return
    if name == "cpu":
        os.environ[VISIBLE] = ""
        return
    match = GPU.fullmatch(name)
    if match is None:
        raise InputError([Problem("--device", f"'{name}': cpu, cuda, or cuda:1 for the second.")])
    if match[1] is not None:
        seen = [one for one in os.environ.get(VISIBLE, "").split(",") if one]
        place = int(match[1])
        if seen and place >= len(seen):
            message = f"'{name}': {VISIBLE} shows {len(seen)}, counted from cuda:0."
            raise InputError([Problem("--device", message)])
        os.environ[VISIBLE] = seen[place] if seen else match[1]
    if not torch.cuda.is_available():
        raise InputError([Problem("--device", f"'{name}': PyTorch sees no such GPU here; cpu.")])
