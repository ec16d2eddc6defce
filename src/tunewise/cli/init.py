"""``tunewise init``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from tunewise.backbones.known import known_model
from tunewise.cli.console import STDERR
from tunewise.cli.first_screen import print_first_screen
from tunewise.cli.options import Models
from tunewise.cli.proposed_models import lines, named, named_from, next_steps, proposed, remarks
from tunewise.core.errors import InputError, Problem
from tunewise.core.files import write_text
from tunewise.core.sanitize import shown, visible
from tunewise.costs.calibration import training_flops
from tunewise.data.column_guess import Wishes
from tunewise.data.inspect import Guess, look
from tunewise.data.study_template import study_name, write_study
from tunewise.estimate.by_size import Proposal, Workload
from tunewise.studies.engines.pool import usable_cores
from tunewise.training.settings import TrainingSettings


def command(  # noqa: PLR0917  # typer calls it by name
    data: Annotated[str, typer.Argument(help="A file, folder, hub id, or embedded:reviews.")],
    text: Annotated[
        list[str] | None,
        typer.Option("--text", help="A column of texts; several are put together as one input."),
    ] = None,
    label: Annotated[str | None, typer.Option("--label", help="The column of the label.")] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="A column whose values stand in one split only.")
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option("--drop", help="A column that is neither text nor label; may be repeated."),
    ] = None,
    sheet: Annotated[
        str | None, typer.Option("--sheet", help="The sheet of a workbook with several.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The study file; <data>.yaml if not given."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file.")] = False,
    models: Models = None,
) -> None:
    """Look at data and write a study file that runs as it is.

    Chooses the task, the columns, the splits and the cleaning by what the data holds, and says
    why. On a terminal it asks where two columns could both be the label. Proposes models that
    read the language and fit this machine; --models A B C takes those instead of the embedded one.
    """
    if not data.strip():
        message = "is empty: name a file, a folder, a hub id, or embedded:reviews."
        raise InputError([Problem("data", message)])
    path = out or Path(f"{study_name(data)}.yaml")
    if path.exists() and not force:
        as_it_is = shlex.join(["tunewise", "run", str(path)])
        message = f"is there already; --force writes over it, and `{as_it_is}` runs it as it is."
        raise InputError([Problem(str(path), message)])
    if not path.parent.is_dir():
        raise InputError([Problem(str(path.parent), "is no folder to write a study file into.")])
    ask = _asked if sys.stdin.isatty() and sys.stderr.isatty() else None
    wishes = Wishes(tuple(text or ()), label, group, tuple(drop or ()), sheet, ask)
    here = path.parent == Path()
    source = str(Path(data).resolve()) if not here and Path(data).exists() else data
    guess = look(source, path.parent if here else Path(), wishes)
    chosen = [named_from(model, here=here) for model in models or ()]
    work = _workload(guess)
    found = () if chosen else proposed(work)
    flops = training_flops(work.workers)
    study = write_study(
        guess, study_name(data), models=chosen, others=remarks(found), flops_per_second=flops
    )
    write_text(path, study)
    print_first_screen(guess, data, STDERR)
    for reason in guess.reasons:
        STDERR.print(f"- {shown(reason)}")
    for warning in (*guess.warnings, *guess.problems):
        if not warning.startswith("data.clean") and warning not in guess.profile.notes:
            STDERR.print(f"! {shown(warning)}")
    for line in _about_models(work, found, chosen):
        STDERR.print(visible(line), soft_wrap=True)
    typer.echo(path)
    STDERR.print(f"Check it, then: tunewise run {path}", soft_wrap=True)
    for line in next_steps(found, [data, *_options(wishes, out)], str(path)):
        STDERR.print(line, soft_wrap=True)


def _options(wishes: Wishes, out: Path | None) -> Iterator[str]:
    """What was asked for, as on the command line."""
    one = {"--label": wishes.label, "--group": wishes.group, "--sheet": wishes.sheet, "--out": out}
    pairs = [("--text", text) for text in wishes.texts]
    pairs += [("--drop", column) for column in wishes.drop]
    pairs += [(option, str(value)) for option, value in one.items() if value is not None]
    for pair in pairs:
        yield from pair


def _workload(guess: Guess) -> Workload:
    """What decides which models fit: the study as it is drafted."""
    writes = guess.kind != "classification"
    return Workload(
        form="write" if writes else "choose",
        languages=tuple(guess.profile.languages),
        rows=guess.rows["train"],
        held=guess.rows.get("validation", 0),
        words=guess.profile.words[0],
        long_words=guess.profile.words[1],
        workers=len(usable_cores()),
        training=TrainingSettings(epochs=3, batch_size=16) if writes else TrainingSettings(),
    )


def _about_models(
    work: Workload, found: Sequence[Proposal], chosen: Sequence[str]
) -> Iterator[str]:
    if not chosen:
        yield ""
        yield from lines(found, work)
        return
    for name in chosen:
        known = known_model(name)
        if known and not known.reads(work.languages):
            knows, wanted = named(known.languages), named(work.languages)
            yield f"! {name} was pretrained on {knows}, not on {wanted}."


def _asked(question: str, options: Sequence[str], assumed: str) -> str:
    """Ask on the terminal; an empty answer takes what is assumed."""
    STDERR.print(f"{question} It could be {', '.join(map(shown, options))}.")
    while True:
        answer = str(typer.prompt("Name", default=assumed, err=True)).strip()
        if answer in options:
            return answer
        STDERR.print(f"One of these: {', '.join(map(shown, options))}.")
