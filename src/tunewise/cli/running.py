"""Runs a study for the commands that do.

The engine comes first: it loads torch and the rest while this process does the same. So nothing
here, and nothing that the commands import before, may load them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewise.cli.console import say
from tunewise.core.lazy import Later
from tunewise.studies.engines.known import EngineName, started

if TYPE_CHECKING:
    from tunewise import api
    from tunewise.cli import extending, finish
    from tunewise.cli import timing as shown
    from tunewise.store import timing as stored
    from tunewise.studies import prepare
    from tunewise.studies.launch import Outcome
    from tunewise.studies.watching import timing as watching
    from tunewise.studyfile import studyfile
else:
    api = Later("tunewise.api")
    extending = Later("tunewise.cli.extending")
    finish = Later("tunewise.cli.finish")
    shown = Later("tunewise.cli.timing")
    stored = Later("tunewise.store.timing")
    watching = Later("tunewise.studies.watching.timing")
    prepare = Later("tunewise.studies.prepare")
    studyfile = Later("tunewise.studyfile.studyfile")


def run_study(
    source: Path | Mapping[str, Any],
    out: Path | None,
    *,
    overrides: Sequence[str] = (),
    workers: int | None = None,
    together: int = 1,
    engine: EngineName = "local",
    trackers: Sequence[str] = (),
    budget: str | None = None,
    more: str | None = None,
    timed: bool = False,
) -> Outcome:
    """Read a study, run it in the folder `out` (``runs/<name>``) and show how it ended.

    `budget` replaces the study's, or, with a plus before it, adds to it; that may be one that was
    given on the command line before. `more` is of the form ``seeds=2``. With `timed`, where the
    seconds went is kept in the folder and shown. `engine` is where its jobs run, up to `together`
    trials in one where they can be.
    """
    began = time.monotonic()
    with started(engine) as running:
        timing = watching.Timing(watching.program_seconds())
        given, added = extending.budget_override(budget)
        settings = studyfile.read_study(source, [*overrides, *given])
        out = out or prepare.default_folder(settings)
        if added and (before := extending.earlier_budget(settings, out)):
            given = before
            settings = studyfile.read_study(source, [*overrides, *given])
        if more is not None:
            seeds = extending.more_seeds(more, settings, out)
            settings = studyfile.read_study(source, [*overrides, *given, seeds])
        outcome, facts = api.launch(
            settings,
            out,
            engine=running,
            workers=workers,
            together=together,
            trackers=trackers,
            added=added,
            began=began,
            timing=timing,
            say=say,
        )
    finish.show_end(out, outcome, facts)
    if timed:
        times = timing.times()
        stored.add_timing(out, times)
        for line in shown.lines(times):
            say(line)
    return outcome
