"""The handbook's generated pages, as Markdown: they are read off the code and cannot go stale.

`pages()` yields each page's path under ``docs/generated`` with its text. Commands come from the
help that the command line prints, settings from the JSON Schema of the study file, descriptions
from docstrings, and each topic of the mathematics is run, with its checks, while the page is made.
"""

from __future__ import annotations

import builtins
import importlib
import inspect
import json
import types
import typing
from collections import abc
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, get_args, get_origin

import vl_convert
from typer.testing import CliRunner

from tunewise.cli.explain import PLOTS, load, titles
from tunewise.cli.main import COMMANDS, app
from tunewise.data.settings import DataSettings, SplitRule
from tunewise.foundations.topic import Topic
from tunewise.methods.base import METHODS, Adaptation, Method
from tunewise.statistics.metrics import METRICS
from tunewise.studyfile.settings import StudyOptions
from tunewise.studyfile.values import types_of
from tunewise.tasks.base import TASKS
from tunewise.training.settings import TrainingSettings

Schema = Mapping[str, Any]
WORDS: Mapping[Any, str] = {
    int: "whole number",
    float: "number",
    bool: "true or false",
    str: "text",
}


def pages() -> Iterator[tuple[str, str]]:
    """Every generated page. The topics are run, which takes some seconds."""
    yield "commands.md", commands()
    yield "study-file.md", study_file()
    yield "methods.md", methods()
    yield "tasks.md", tasks()
    yield "topics/index.md", topic_index()
    for name in sorted(titles()):
        yield f"topics/{name}.md", topic_page(name, load(name))
    for name in PLOTS:
        yield f"topics/{name}.svg", plot(name)


# Commands


def commands() -> str:
    """Each command with the help it prints."""
    return "\n\n".join(
        f"## tunewise {name}\n\n{summary}\n\n{fenced(help_of(name))}"
        for name, summary in COMMANDS.items()
    )


def help_of(command: str) -> str:
    """What `tunewise COMMAND --help` prints, in 80 columns."""
    shown = CliRunner().invoke(
        app, [command, "--help"], prog_name="tunewise", terminal_width=80, max_content_width=80
    )
    if shown.exit_code:
        raise RuntimeError(f"tunewise {command} --help ended with {shown.exit_code}")
    return shown.output.strip()


# Study file, methods, tasks


def schema() -> dict[str, Any]:
    """The schema of the study file that the package ships."""
    text = files("tunewise.studyfile").joinpath("study.schema.json").read_text(encoding="utf-8")
    whole: dict[str, Any] = json.loads(text)
    return whole


def study_file() -> str:
    """Every key of a study file that no method or task owns."""
    whole = schema()
    top, needed = whole["properties"], whole["required"]
    split = next(way for way in top["data"]["properties"]["split"]["anyOf"] if "properties" in way)
    training = whole["$defs"]["training"]
    searched = ", ".join(f"`{name}`" for name in top["search"]["properties"] if "." not in name)
    return "\n\n".join(
        [
            f"## At the top\n\n{settings_table(StudyOptions, top, needed)}",
            f"`models`: {top['models']['description']}",
            f"`methods`: {top['methods']['description']}",
            f"## data\n\n{prose(DataSettings)}",
            settings_table(DataSettings, top["data"]["properties"]),
            f"## data.split\n\n{prose(SplitRule)}",
            settings_table(SplitRule, split["properties"]),
            f"## training\n\n{training['description']}",
            settings_table(TrainingSettings, training["properties"]),
            f"## search\n\n{top['search']['description']} What can be searched: {searched}. "
            "Where two parts have a setting of one name, write `training.` or the method's name "
            "before it.",
        ]
    )


def methods() -> str:
    """Each method with its docstring, its default learning rate and its settings."""
    entries = schema()["properties"]["methods"]["anyOf"][1]["items"]["oneOf"]
    by_name = {
        entry["required"][0]: entry["properties"] for entry in entries if "required" in entry
    }
    return "\n\n".join(
        _method(METHODS.get(name), by_name[name][name]["properties"]) for name in by_name
    )


def _method(part: type[Method], settings: Schema) -> str:
    facts = [f"version {part.version}"]
    if issubclass(part, Adaptation) and isinstance(part.learning_rate, property):
        facts.append("default learning rate by type")
    elif issubclass(part, Adaptation):
        facts.append(f"default learning rate {part.learning_rate:g}")
    if not part.uses_model:
        facts.append("uses no model")
    if not part.seeded:
        facts.append("the same for every seed")
    shown = settings_table(part, settings) if types_of(part) else "It has no settings of its own."
    return f"## {part.name}\n\n{prose(part)}\n\n*{', '.join(facts)}.*\n\n{shown}"


def tasks() -> str:
    """Each task with its docstring and its settings, and the metrics."""
    shown = []
    for entry in schema()["properties"]["task"]["oneOf"]:
        part = TASKS.get(entry["properties"]["kind"]["const"])
        table = settings_table(part, entry["properties"], entry["required"])
        shown.append(f"## {part.name}\n\n{prose(part)}\n\n{table}")
    metrics = ", ".join(f"`{name}`" for name in METRICS)
    return "\n\n".join([*shown, f"## Metrics\n\n{metrics}."])


def settings_table(part: type, described: Schema, needed: Sequence[str] = ()) -> str:
    """A table of a part's settings: what each may be, its default, what it means."""
    rows = ["| setting | value | default | meaning |", "|---|---|---|---|"]
    for name, kind in types_of(part).items():
        one = described[name]
        must = name in needed or "default" not in one
        default = "**needed**" if must else f"`{json.dumps(one['default'])}`"
        meaning = one.get("description", "")
        rows.append(f"| `{name}` | {cell(in_words(kind))} | {default} | {cell(meaning)} |")
    return "\n".join(rows)


def in_words(kind: Any) -> str:
    """A type of a setting in words.

    >>> in_words(tuple[str, ...] | None), in_words(tuple[int, int]), in_words(Literal["a", "b"])
    ('list of text', '2 × whole number', '`a` or `b`')
    """
    inner = get_args(kind)
    match get_origin(kind):
        case typing.Union | types.UnionType:
            return " or ".join(in_words(one) for one in inner if one is not type(None))
        case typing.Literal:
            return " or ".join(f"`{one}`" for one in inner)
        case builtins.tuple if inner[-1] is Ellipsis:
            return f"list of {in_words(inner[0])}"
        case builtins.tuple:
            return f"{len(inner)} × {in_words(inner[0])}"
        case builtins.dict | abc.Mapping:
            return f"mapping to {in_words(inner[1])}"
        case _:
            return WORDS.get(kind, "mapping")


def prose(part: type) -> str:
    """The docstring of a class as Markdown, without its examples."""
    return inspect.cleandoc(part.__doc__ or "").partition("\n>>>")[0].strip()


def cell(text: str) -> str:
    """Text that breaks no table."""
    return text.replace("|", "\\|").replace("\n", " ")


# Mathematics


def topic_index() -> str:
    """The list of topics; each page behind it was made by running the topic."""
    rows = "\n".join(f"| [{name}]({name}.md) | {title} |" for name, title in titles().items())
    hidden = "\n".join(sorted(titles()))
    return (
        "# Topics\n\nEach page was made by running `tunewise explain TOPIC` while this handbook "
        "was built: its numbers and its checks are of that moment.\n\n"
        f"| topic | about |\n|---|---|\n{rows}\n\n"
        f"```{{toctree}}\n:hidden:\n\n{hidden}\n```\n"
    )


def topic_page(name: str, topic: Topic) -> str:
    """A topic as a page. A failed check stops the build: the page would state what is not so."""
    if failed := [check.what for check in topic.checks if not check.passed]:
        raise RuntimeError(f"topic {name}: the check did not pass: {'; '.join(failed)}")
    width = max(len(what) for what, _ in topic.quantities)
    quantities = "\n".join(f"{what:<{width}}  {value}" for what, value in topic.quantities)
    checks = "\n".join(
        f"| {cell(escaped(check.what))} | {check.error:.2g} | {check.allowed:g} |"
        for check in topic.checks
    )
    return "\n\n".join(
        [
            f"# {titles()[name]}",
            escaped(topic.statement),
            f"## Derivation\n\n{fenced(chr(10).join(topic.derivation))}",
            f"## Numbers\n\n{fenced(quantities)}",
            "## Checked while this page was made\n\n"
            f"| statement | error | allowed |\n|---|---|---|\n{checks}",
            *([f"![{titles()[name]}]({name}.svg)"] if name in PLOTS else []),
            f"*Source: {escaped(topic.source)}* On a terminal: `tunewise explain {name}`.\n",
        ]
    )


def plot(name: str) -> str:
    """A topic's plot as SVG."""
    chart = importlib.import_module(PLOTS[name]).drawn()
    drawing: str = vl_convert.vegalite_to_svg(chart.to_dict())
    return drawing


def fenced(text: str) -> str:
    return f"```text\n{text}\n```"


def escaped(text: str) -> str:
    """Prose in which signs of mathematics are not taken for Markdown."""
    for sign in "\\*_<>[]|`$":
        text = text.replace(sign, f"\\{sign}")
    return text
