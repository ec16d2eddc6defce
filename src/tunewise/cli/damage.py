"""Says what of a study is damaged, whichever command meets it, and lets the rest be seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from tunewise.cli.console import STDERR
from tunewise.core.errors import DamagedStudy
from tunewise.store.study import WHOLE, StudyFolder, is_study

MOST_NAMED = 3  # faults of a study; a whole folder that is lost is said in one line


@contextmanager
def damage_named(*folders: Path) -> Iterator[None]:
    """Name each fault of the studies among `folders` on stderr; in the end exit with 1 for any.

    Inside, what is sound can be used, and nothing else can: a `DamagedStudy` ends it early.
    """
    studies = [StudyFolder(folder) for folder in folders if is_study(folder)]
    found = {study.path: list(study.faults(WHOLE)) for study in studies}
    for path, of_study in found.items():
        for fault in of_study[:MOST_NAMED]:
            STDERR.print(f"damaged: {fault.says}", soft_wrap=True)
        if (more := len(of_study) - MOST_NAMED) > 0:
            STDERR.print(f"damaged: and {more} more: tunewise status {path}", soft_wrap=True)
    faults = [fault for of_study in found.values() for fault in of_study]
    try:
        yield
    except DamagedStudy:
        if not faults:
            raise
    if faults:
        raise typer.Exit(1)
