"""Which tests go to one worker: those of a file, and the files that share a study of a session.

A fixture of a session is made once in each worker. The small study of the command line takes 20
seconds of a processor, so the files that ask it go to the worker that has made it.
"""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

SHARING = frozenset(
    f"tests/cli/test_{name}.py" for name in ("export", "generate", "handover", "predict", "study")
)


class ByStudy(LoadFileScheduling):  # type: ignore[misc]  # xdist's class is untyped here
    """By file, but for the files that share a study."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "tests/cli" if file in SHARING else file
