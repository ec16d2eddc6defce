"""Help, asked for in either way, of every command."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from tunewise.cli.main import COMMANDS, app


@pytest.mark.parametrize("words", [[], *([command] for command in COMMANDS)])
def test_a_short_h_is_help(words: list[str]) -> None:
    short, long = (CliRunner().invoke(app, [*words, ask]) for ask in ("-h", "--help"))
    assert short.exit_code == long.exit_code == 0
    assert short.output == long.output
    assert "Usage:" in short.output
