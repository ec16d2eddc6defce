"""What `tunewise.statistics` offers is used by the product or described in the handbook.

A function that tests alone call is one that nobody needs: it is used, published in
`docs/reference`, or deleted together with its test.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import tunewise

ROOT = Path(tunewise.__file__).parent
REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
ROOM = "tunewise.statistics."
DIRECTIVE = re.compile(r"auto(?:function|class|data):: (tunewise\.statistics\.\S+)")

Name = tuple[str, str]  # of a module, and in it


def test_every_name_is_reached_from_the_product_or_the_reference() -> None:
    assert unreached(sources(), documented()) == []


def test_everything_documented_exists() -> None:
    there = {name for module, tree in sources().items() for name in defined(module, tree)}
    assert documented() - there == set()


def test_a_name_that_only_another_unreached_one_uses_is_found() -> None:
    room = "def used(): return 1\ndef alone(): return helper()\ndef helper(): return 2\n"
    trees = {
        "tunewise.statistics.new": ast.parse(room),
        "tunewise.reports.new": ast.parse("from tunewise.statistics.new import used"),
    }
    assert unreached(trees, set()) == [
        "tunewise.statistics.new.alone",
        "tunewise.statistics.new.helper",
    ]
    assert unreached(trees, {("tunewise.statistics.new", "alone")}) == []


def sources() -> dict[str, ast.Module]:
    return {
        ".".join(("tunewise", *path.relative_to(ROOT).with_suffix("").parts)): ast.parse(
            path.read_text(encoding="utf-8")
        )
        for path in ROOT.rglob("*.py")
    }


def documented() -> set[Name]:
    pages = "\n".join(path.read_text(encoding="utf-8") for path in REFERENCE.glob("*.md"))
    parts = [found.rpartition(".") for found in DIRECTIVE.findall(pages)]
    return {(module, name) for module, _, name in parts}


def unreached(trees: Mapping[str, ast.Module], published: set[Name]) -> list[str]:
    """The names of the room that neither the rest of the package nor `published` leads to."""
    room = {module: tree for module, tree in trees.items() if module.startswith(ROOM)}
    uses = {
        name: used for module, tree in room.items() for name, used in defined(module, tree).items()
    }
    waiting = published | {
        name
        for module, tree in trees.items()
        if module not in room
        for name in imported(tree).values()
    }
    seen: set[Name] = set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        waiting |= uses.get(name, set()) - seen
    return sorted(".".join(name) for name in uses.keys() - seen)


def defined(module: str, tree: ast.Module) -> dict[Name, set[Name]]:
    """The names that a module defines at its top level, each with those that it uses."""
    blocks: dict[str, ast.AST] = {}
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            blocks[node.name] = node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            blocks |= {target.id: node for target in targets if isinstance(target, ast.Name)}
    known = imported(tree) | {name: (module, name) for name in blocks}
    return {
        (module, name): {
            known[inner.id]
            for inner in ast.walk(block)
            if isinstance(inner, ast.Name) and inner.id in known
        }
        for name, block in blocks.items()
    }


def imported(tree: ast.Module) -> dict[str, Name]:
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
