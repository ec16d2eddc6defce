"""The command line: which command is meant, and how errors reach a person.

A command's file is imported when that command is called, so that help, `status`, `results` and
`report` answer at once and need no torch.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import os
import sys
from contextlib import suppress
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from tunewise import __version__
from tunewise.cli.examples import EXAMPLES
from tunewise.cli.next_step import interrupted, next_step
from tunewise.cli.parsing import Command
from tunewise.core.errors import DamagedStudy, InputError, TunewiseError, nearest
from tunewise.core.outside import is_outside, message_of
from tunewise.core.sanitize import visible

COMMANDS = {
    "demo": "Run a small study on the embedded model and data; no network.",
    "init": "Look at a file or folder of data and write a study file for it.",
    "validate": "Check a study file and its data; change nothing.",
    "doctor": "Say what is wrong or doubtful with a study or this machine, with the remedy.",
    "removed": "List the rows that cleaning takes out of a study's data.",
    "shortlist": "Compare models by their frozen features, before any of them is trained.",
    "plan": "Say what a study would take and could tell, before any of it runs.",
    "run": "Run a study, or resume it.",
    "train": "Train one contender without a study file.",
    "status": "Say where a study stands.",
    "results": "Show a study's rows as a table, JSON or CSV.",
    "compare": "Set two contenders side by side, example by example.",
    "errors": "List likely label mistakes and the most confident errors of a study.",
    "judge": "Judge runs made with other tools: which is best, and how sure that is.",
    "report": "Write a study's report again.",
    "track": "Copy a study into TensorBoard, MLflow, Weights & Biases or Trackio.",
    "board": "Show several studies on a page of this machine.",
    "predict": "Answer texts with a trained contender.",
    "generate": "Write on from a prompt with a trained contender or a causal model.",
    "export": "Take a contender away in the form its ecosystem loads, proven to answer the same.",
    "sanity": "Check that each contender can overfit ten examples.",
    "modules": "List what of a model can be adapted, with roles, shapes and parameters.",
    "explain": "Explain a piece of the mathematics and check it numerically.",
    "schema": "Print the JSON Schema of the study file, for editors.",
    "env": "Print versions and hardware, to paste into a bug report.",
}
HELP = {"help_option_names": ["-h", "--help"]}


class Interrupted(Exception):
    """Ctrl-C while a command ran. The library would end without a word."""


class Commands(TyperGroup):
    """Loads ``tunewise.cli.<command>`` when that command is called."""

    def make_context(self, *args: Any, **how: Any) -> Any:
        try:
            return super().make_context(*args, **how)
        except KeyboardInterrupt as error:
            raise Interrupted from error

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Interrupted from error

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            raise InputError(f"tunewise has no command '{cmd_name}'. {nearest(cmd_name, COMMANDS)}")
        module = importlib.import_module(f"tunewise.cli.{cmd_name}")
        if not gc.isenabled():  # a process of its own; to look through modules takes 0.2 s
            gc.freeze()
            gc.enable()
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        says = f"Example: {EXAMPLES[cmd_name]}\n\n{inspect.cleandoc(module.command.__doc__)}"
        named = app.command(cmd_name, cls=Command, help=says, context_settings=HELP)
        named(module.command)
        return typer.main.get_command(app)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(
    cls=Commands,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings=HELP,
    help="Decide how to adapt a pretrained Transformer: train, measure and compare every way.",
)


def print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tunewise {__version__}")
        raise typer.Exit


@app.callback()
def tunewise(
    version: bool = typer.Option(
        False,
        "--version",
        help="Print the version and stop.",
        is_eager=True,
        callback=print_version,
    ),
) -> None:
    """What stands before a command."""


def main() -> None:
    """Run the command line. A person's mistake is shown in words, with exit code 2.

    So is damage, with exit code 1, and what the machine does not give, such as room on a disk:
    whichever command meets it, and wherever, it is put into words here.
    """
    try:
        app(prog_name="tunewise")
    except DamagedStudy as error:
        _end(f"damaged: {error} `tunewise run` on the study repairs it.", error.exit_code)
    except InputError as error:
        _end("\n".join(filter(None, (str(error), next_step(sys.argv[1:], str(error))))), 2)
    except TunewiseError as error:
        _end(str(error), error.exit_code)
    except (Interrupted, KeyboardInterrupt):
        _end(interrupted(sys.argv[1:]), 130)
    except BrokenPipeError:  # such as `tunewise results | head`
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        if not is_outside(error):
            raise
        _end(message_of(error), 1)


def _end(text: str, code: int) -> NoReturn:
    """Print it and exit; what a full disk refused must not be tried, and reported, once more."""
    with suppress(OSError):
        print(visible(text), file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)
