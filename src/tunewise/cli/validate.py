"""``tunewise validate``."""

from __future__ import annotations

from collections.abc import Sequence

import typer
from rich.text import Text

from tunewise.cli.console import STDOUT, say
from tunewise.cli.options import Overrides, StudyFile
from tunewise.core.sanitize import shortened, visible
from tunewise.studies.prepare import prepare
from tunewise.studyfile.studyfile import read_study
from tunewise.tasks.marked import Stretch

MOST = 600  # characters of a stretch that are shown
LEARNED, READ = "bold green", "dim"


def command(study: StudyFile, overrides: Overrides) -> None:
    """Check a study file, its data and its models; change nothing.

    Saves, loads and exports each kind of contender untrained, then lists the contenders that it
    would compare. All mistakes are reported together.
    """
    prepared = prepare(read_study(study, overrides), say=say)
    for line in prepared.contenders:
        typer.echo(line)
    show_learned(prepared.learned)
    for note in prepared.notes:
        typer.echo(f"note: {note}")
    rows = ", ".join(f"{count:,} {name}" for name, count in prepared.study.data.rows.items())
    typer.echo(f"{study} is valid. Rows: {rows}.")


def show_learned(rows: Sequence[Sequence[Stretch]]) -> None:
    """Training examples as the model reads them; what is learned in green, between ⟦ and ⟧."""
    if not rows:
        return
    STDOUT.print(Text.assemble("Learned is what stands in ", ("⟦green⟧", LEARNED), ":"))
    for number, row in enumerate(rows, start=1):
        text = Text(f"train {number}: ")
        for part in row:
            words = visible(shortened(part.text, MOST))
            text.append(f"⟦{words}⟧" if part.learned else words, LEARNED if part.learned else READ)
        STDOUT.print(text, soft_wrap=True)
