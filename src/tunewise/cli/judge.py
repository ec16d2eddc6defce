"""``tunewise judge``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from tunewise.cli.console import STDOUT
from tunewise.cli.options import Form
from tunewise.core.errors import InputError, Problem, unknown
from tunewise.core.lazy import Later
from tunewise.judging.asked import NAME, Asked
from tunewise.judging.columns import named_columns
from tunewise.judging.gate import ALPHA, Gate
from tunewise.judging.judge import judge_files
from tunewise.judging.reading import read_labels, read_runs
from tunewise.reports.document.csv import as_csv
from tunewise.reports.outputs.terminal import print_judgment
from tunewise.reports.sections.results import scores_table

if TYPE_CHECKING:
    from tunewise.reports.outputs import forms as output_forms
else:
    output_forms = Later("tunewise.reports.outputs.forms")


Paths = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILES...",
        help="Files or folders: predictions, samples of lm-evaluation-harness, logs of Inspect, "
        "folders of transformers' Trainer, results of PEFT's comparison, or a table of scores.",
        show_default=False,
    ),
]
Against = Annotated[
    list[Path],
    typer.Option(
        "--against",
        help="What is to be beaten: FILES are the runs of one candidate, the answer is one line of "
        "JSON, and the exit code 0 for better, 3 for tied, 4 for worse. May be repeated, for "
        "several seeds.",
        default_factory=list,
        show_default=False,
    ),
]
Metric = Annotated[
    str | None,
    typer.Option("--metric", help="What decides; what the columns suggest if not given."),
]
Pattern = Annotated[
    str | None,
    typer.Option(
        "--pattern", help="Where names and seeds stand in the paths: '{name}-seed{seed}'."
    ),
]
RunTable = Annotated[
    Path | None,
    typer.Option("--runs", help="A table with the columns file, name and seed instead."),
]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns", metavar="ROLE=COLUMN,...", help="Such as id=qid,label=gold,score=acc_norm."
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option("--labels", help="A file with ids and labels, where predictions lack them."),
]
Shared = Annotated[bool, typer.Option("--shared", help="Judge by the examples that all runs have.")]
Margin = Annotated[
    float | None,
    typer.Option("--margin", help="A difference too small to matter, such as 0.01."),
]
TaskName = Annotated[
    str | None, typer.Option("--task", help="Of an evaluation harness: which task.")
]
FilterName = Annotated[
    str | None, typer.Option("--filter", help="Of an evaluation harness: which filter.")
]
ReportName = Annotated[str, typer.Option("--name", help="What a report is called.")]
State = Annotated[
    Path | None,
    typer.Option(
        "--gate",
        metavar="STATE",
        help="With --against: a file that remembers every look, so that the error holds over all "
        "of them.",
    ),
]
Alpha = Annotated[
    float, typer.Option("--alpha", help="With --against: the chance of any false keep.")
]
Output = Annotated[Form, typer.Option("--format", help="How to print it.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="Write a report into this folder; see --report."),
]
Forms = Annotated[
    str, typer.Option("--report", metavar="html,pdf,tex", help="Its forms, with --out.")
]


def command(  # noqa: PLR0917  # typer calls it by name
    paths: Paths,
    against: Against,
    metric: Metric = None,
    pattern: Pattern = None,
    table: RunTable = None,
    columns: Columns = None,
    labels: Labels = None,
    shared: Shared = False,
    margin: Margin = None,
    task: TaskName = None,
    filter_: FilterName = None,
    name: ReportName = NAME,
    gate: State = None,
    alpha: Alpha = ALPHA,
    form: Output = Form.table,
    out: Out = None,
    report: Forms = "html",
) -> None:
    """Judge runs that were made with other tools: which is best, how sure that is, and what more
    would settle it.

    The verdict, the table and the report are those of a study. No training, no torch, no network.
    """
    named = named_columns(columns)
    asked = Asked(
        columns=named,
        task=task,
        filter=filter_,
        metric=metric,
        labels=read_labels(labels, named) if labels else None,
        pattern=pattern,
        table=table,
        shared=shared,
        margin=margin,
        name=name,
    )
    if against:
        _look(paths, against, asked, Gate(gate, alpha=alpha))
    if gate is not None:
        raise InputError("--gate remembers comparisons with --against; name what is to be beaten.")
    forms = [] if out is None else _checked(out, report)
    found = judge_files(paths, asked)
    match form:
        case Form.table:
            print_judgment(found.facts, STDOUT)
        case Form.json:
            typer.echo(json.dumps(found.as_json(), indent=2, allow_nan=False))
        case Form.csv:
            typer.echo(as_csv(scores_table(found.facts)), nl=False)
    if out is not None:
        for path in output_forms.write_forms(found.facts, out, forms):
            typer.echo(path, err=form is not Form.table)


def _checked(out: Path, report: str) -> list[str]:
    """The forms of the report, before anything is printed.

    Raises:
        InputError: an unknown form, or `out` is a file.
    """
    if out.exists() and not out.is_dir():
        raise InputError(
            [Problem(str(out), "is a file; a report is written into a folder: --out.")]
        )
    known = output_forms.FORMS
    for name in (asked := [one.strip() for one in report.split(",")]):
        if name not in known:
            raise InputError(f"--report: {unknown('form', name, known)}")
    return asked


def _look(paths: list[Path], against: list[Path], asked: Asked, gate: Gate) -> NoReturn:
    """One line of JSON, and an exit code that says the same."""
    found = gate.look_at(read_runs(paths, asked), read_runs(against, asked), asked)
    typer.echo(json.dumps(found.line(), allow_nan=False))
    raise typer.Exit(found.exit_code)
