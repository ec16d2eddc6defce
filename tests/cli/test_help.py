"""Help, asked for in either way, of every command."""

from __future__ import annotations

import shlex

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from tunewise.cli.examples import EXAMPLES
from tunewise.cli.main import COMMANDS, app


@pytest.mark.parametrize("words", [[], *([command] for command in COMMANDS)])
def test_a_short_h_is_help(words: list[str]) -> None:
    short, long = (CliRunner().invoke(app, [*words, ask]) for ask in ("-h", "--help"))
    assert short.exit_code == long.exit_code == 0
    assert short.output == long.output
    assert "Usage:" in short.output


@pytest.mark.parametrize("command", COMMANDS)
def test_help_begins_with_an_example_that_the_command_understands(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"]).output
    first = next(line for line in shown.splitlines()[1:] if line.strip())
    assert first.strip().startswith("Example: tunewise")
    assert " ".join(shown.split()).count(EXAMPLES[command]) >= 1
    program, *words = shlex.split(EXAMPLES[command])
    assert (program, words[0]) == ("tunewise", command)
    parsed = get_command(app).get_command(None, command)  # type: ignore[attr-defined]
    parsed.make_context(command, words[1:])  # an option that it does not know is an error
