"""The handbook's generated pages say what the code says, and every link leads somewhere."""

from __future__ import annotations

import dataclasses
import re
from functools import cache
from pathlib import Path

import pytest
from docs.extension import pages
from tests.docs.reading import HANDBOOK, ROOT, blocks, handbook, named

from tunewise.cli.explain import titles
from tunewise.cli.main import COMMANDS
from tunewise.foundations.topic import Check, Topic
from tunewise.methods.base import METHODS
from tunewise.studyfile.values import types_of
from tunewise.tasks.base import TASKS

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *handbook()]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.M)
INCLUDE = re.compile(r"^```\{include\} (\S+)$", re.M)
TOPIC = Topic("Two is two.", ("2 = 2",), (("two", "2"),), (Check("2 = 2", 0.0, 0.5),), "none")

INCLUDED = {
    "commands.md": pages.commands,
    "study-file.md": pages.study_file,
    "methods.md": pages.methods,
    "tasks.md": pages.tasks,
}


@cache
def content(path: Path) -> str:
    """A page with what it includes, without its code blocks."""
    text = path.read_text(encoding="utf-8")
    for name in INCLUDE.findall(text):
        text += "\n\n" + INCLUDED[Path(name).name]()
    return re.sub(r"^(`{3,})[^`\n]*\n.*?^\1$", "", text, flags=re.M | re.S)


def anchors(path: Path) -> set[str]:
    """The names of a page's headings, as GitHub and MyST make them."""
    plain = (re.sub(r"[^\w\- ]", "", title.lower()) for title in HEADING.findall(content(path)))
    return {title.replace(" ", "-") for title in plain}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    generated = {"generated/topics/index.md", *(f"generated/topics/{n}.md" for n in titles())}
    for link in LINK.findall(content(page)):
        if link.startswith(("http://", "https://")):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if target.is_relative_to(HANDBOOK / "generated"):
            assert str(target.relative_to(HANDBOOK)) in generated, link
            assert not anchor, f"{link}: no page promises the headings of a generated one"
            continue
        assert target.exists(), f"{named(page)}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{named(page)}: {link}"


def test_every_page_stands_in_the_contents() -> None:
    listed = "\n".join(b.text for b in blocks(HANDBOOK / "index.md") if "toctree" in b.language)
    entries = {line for line in listed.splitlines() if line and not line.startswith(":")}
    written = {str(p.relative_to(HANDBOOK).with_suffix("")) for p in handbook()} - {"index"}
    assert entries == written | {"generated/topics/index"}


def test_every_command_is_described_with_its_help() -> None:
    text = pages.commands()
    for name in COMMANDS:
        assert f"## tunewise {name}\n" in text
        assert f"Usage: tunewise {name}" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("registry", [METHODS, TASKS], ids=["methods", "tasks"])
def test_every_part_is_described_with_its_settings(registry: object) -> None:
    text = pages.methods() if registry is METHODS else pages.tasks()
    parts = METHODS.classes if registry is METHODS else TASKS.classes
    for name, part in parts.items():
        section = text.partition(f"## {name}\n")[2].partition("\n## ")[0]
        assert section, name
        for setting in types_of(part):
            assert f"| `{setting}` |" in section, f"{name}.{setting}"


def test_the_study_file_page_has_every_key_of_the_schema() -> None:
    text, schema = pages.study_file(), pages.schema()
    own_pages = {"task"}
    for key in set(schema["properties"]) - own_pages:
        assert f"`{key}`" in text or f"## {key}\n" in text, key
    for key in schema["$defs"]["training"]["properties"]:
        assert f"| `{key}` |" in text, key


def test_the_mathematics_page_leads_to_every_topic() -> None:
    text = (HANDBOOK / "explanations" / "mathematics.md").read_text(encoding="utf-8")
    assert [name for name in titles() if f"generated/topics/{name}.md" not in text] == []


def test_a_topic_whose_check_fails_makes_no_page() -> None:
    assert "| 2 = 2 | 0 | 0.5 |" in pages.topic_page("lora", TOPIC)
    failed = dataclasses.replace(TOPIC, checks=(Check("2 = 2", 1.0, 0.5),))
    with pytest.raises(RuntimeError, match="2 = 2"):
        pages.topic_page("lora", failed)


def test_a_topic_with_a_plot_shows_it() -> None:
    assert "](optimizers.svg)" in pages.topic_page("optimizers", TOPIC)
    assert ".svg" not in pages.topic_page("lora", TOPIC)
    assert pages.plot("optimizers").startswith("<svg")
