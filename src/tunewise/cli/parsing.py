"""How the words of a command are parsed, where typer's own way or wording would not do."""

from __future__ import annotations

import re
import shlex
from typing import Any

import typer
from typer.core import TyperCommand

from tunewise.core.errors import nearest

SEVERAL = "--models"  # takes several words: ``--models a b c``, as people write it
PYDANTIC = "Value error, "
UsageError: Any = typer.BadParameter.__base__  # what the parser raises, wherever it comes from
SETTING = re.compile(r"Got unexpected extra arguments?(?:\(s\))? \((\S+=[^ ]*)\)")
LEAST = re.compile(r"Input should be greater than or equal to (\S+)")
CHOICE = re.compile(r"'(.*)' is not one of (.*)\.")


class Command(TyperCommand):
    """A command in which every word behind ``--models`` is a model, up to the next option.

    What the command takes by position, such as its data, stands before.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, spread(args))
        except typer.BadParameter as error:
            error.message = in_words(error.message)
            raise
        except UsageError as error:
            error.message = with_set(error.message, self)
            raise


def spread(words: list[str]) -> list[str]:
    """The words with the option before each of its values, as the parser wants it.

    >>> spread(["a.csv", "--models", "bert", "gpt2", "--force"])
    ['a.csv', '--models', 'bert', '--models', 'gpt2', '--force']
    """
    found: list[str] = []
    inside = False
    for word in words:
        if word.startswith("-"):
            inside = word == SEVERAL
            found.append(word)
        elif inside and found[-1] != SEVERAL:
            found += [SEVERAL, word]
        else:
            found.append(word)
    return found


def with_set(message: str, command: TyperCommand) -> str:
    """What is wrong with a line, and how a setting is given, where one stands there by itself."""
    found = SETTING.fullmatch(message)
    if found and any("--set" in option.opts for option in command.params):
        return f"'{found[1]}' stands alone. A setting is given by: --set {shlex.quote(found[1])}"
    return message


def in_words(message: str) -> str:
    """What is wrong with a value, without the library's own words, with the nearest right one.

    >>> in_words("Value error, 'scrip' is not one of 'folder', 'script'.")
    "'scrip' is not one of 'folder', 'script'. Did you mean 'script'?"
    >>> in_words("Input should be greater than or equal to 1")
    'a number from 1 up is right.'
    """
    message = message.removeprefix(PYDANTIC)
    if least := LEAST.fullmatch(message):
        return f"a number from {least[1]} up is right."
    if choice := CHOICE.fullmatch(message):
        close = nearest(choice[1], re.findall("'(.*?)'", choice[2])).partition(" Known: ")[0]
        message += f" {close}" if close.startswith("Did you") else ""
    return message
