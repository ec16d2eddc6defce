"""Runs a study for the commands that do.

The worker comes first: it loads torch and the rest while this process does the same. So nothing
here, and nothing that the commands import before, may load them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewise.cli.console import say
from tunewise.core.lazy import Later
from tunewise.studies.pool import Pool

if TYPE_CHECKING:
    from tunewise import api
    from tunewise.cli import finish
    from tunewise.studies import prepare
    from tunewise.studies.engine import Outcome
    from tunewise.studyfile import studyfile
else:
    api = Later("tunewise.api")
    finish = Later("tunewise.cli.finish")
    prepare = Later("tunewise.studies.prepare")
    studyfile = Later("tunewise.studyfile.studyfile")


def run_study(
    source: Path | Mapping[str, Any],
    out: Path | None,
    *,
    overrides: Sequence[str] = (),
    workers: int | None = None,
    trackers: Sequence[str] = (),
) -> Outcome:
    """Read a study, run it in the folder `out` (``runs/<name>``) and show how it ended."""
    with Pool() as pool:
        settings = studyfile.read_study(source, overrides)
        out = out or prepare.default_folder(settings)
        outcome = api.launch(settings, out, pool=pool, workers=workers, trackers=trackers, say=say)
    finish.show_end(out, outcome)
    return outcome
