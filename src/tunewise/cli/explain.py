"""`tunewise explain [TOPIC]`: a piece of the mathematics, and the check that was just run."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from tunewise.core.errors import InputError, unknown
from tunewise.core.files import writing
from tunewise.foundations import topics
from tunewise.foundations.topic import Topic

WIDTH = 80
PLOTS = {"optimizers": "tunewise.foundations.convergence_chart"}  # imported when asked for: slow
FORMS = (".svg", ".png", ".pdf")


def topics_beginning(incomplete: str) -> list[str]:
    """What a shell offers for a topic."""
    return [name for name in titles() if name.startswith(incomplete)]


def command(
    topic: Annotated[
        str | None,
        typer.Argument(
            help="A topic; none lists them all.",
            autocompletion=topics_beginning,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Also draw it, as .svg, .png or .pdf; optimizers has a plot."),
    ] = None,
) -> None:
    """Show a piece of the mathematics with its results and the checks that were just run."""
    if topic is None:
        typer.echo(listing())
        return
    if plot is not None:
        check_plot(topic, plot)
    shown = load(topic)
    typer.echo(render(topic, shown))
    if plot is not None:
        draw(topic, plot)
    if not shown.passed:
        raise typer.Exit(1)


def explain(topic: str | None = None) -> str:
    """The text of a topic, its checks run; without a topic, the list of all.

    Raises:
        InputError: there is no such topic; the text offers the nearest.
    """
    return listing() if topic is None else render(topic, load(topic))


def check_plot(name: str, file: Path) -> None:
    """Before anything is computed.

    Raises:
        InputError: the topic has no plot, or the file's ending is none that can be drawn.
    """
    if name in titles() and name not in PLOTS:
        raise InputError(f"--plot: topic '{name}' has none; these have one: {', '.join(PLOTS)}.")
    if file.suffix not in FORMS:
        raise InputError(f"--plot {file}: a name that ends in {', '.join(FORMS)}.")


def draw(name: str, file: Path) -> None:
    """Draw a topic's plot into a file, in the form of the file's ending."""
    drawn = importlib.import_module(PLOTS[name]).drawn()
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        drawn.save(str(file))


def titles() -> dict[str, str]:
    """Every topic's title by its name. The files are read, not run: some of them need torch."""
    folder = Path(topics.__path__[0])
    named = {}
    for found in pkgutil.iter_modules(topics.__path__):
        path = folder / f"{found.name}.py"
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        if not docstring:
            raise ValueError(f"{path}: a topic's title is the first line of its docstring")
        named[found.name.replace("_", "-")] = docstring.splitlines()[0].rstrip(".")
    return named


def listing() -> str:
    """The topics, one a line."""
    known = titles()
    width = max(map(len, known))
    return "\n".join(f"{name:<{width}}  {title}" for name, title in sorted(known.items()))


def load(name: str) -> Topic:
    """Run a topic and its checks."""
    known = titles()
    if name not in known:
        raise InputError(unknown("topic", name, known))
    module = importlib.import_module(f"{topics.__name__}.{name.replace('-', '_')}")
    topic: Topic = module.explain()
    return topic


def render(name: str, topic: Topic) -> str:
    """Plain text, 80 columns."""
    title = titles()[name]
    width = max(len(what) for what, _ in topic.quantities)
    checks = []
    for check in topic.checks:
        state = f"{'ok' if check.passed else 'FAILED':<6}  error {check.error:<8.2g}"
        checks.append(f"{state} (allowed {check.allowed:g})\n          {check.what}")
    parts = [
        f"{title}\n{'=' * len(title)}",
        textwrap.fill(topic.statement, WIDTH, break_on_hyphens=False),
        _section("Derivation", topic.derivation),
        _section("Numbers", [f"{what:<{width}}  {value}" for what, value in topic.quantities]),
        _section("Checked just now", checks),
        textwrap.fill(f"Source: {topic.source}", WIDTH, subsequent_indent="  "),
    ]
    return "\n\n".join(parts)


def _section(heading: str, lines: list[str] | tuple[str, ...]) -> str:
    return f"{heading}\n" + "\n".join(f"  {line}".rstrip() for line in lines)
