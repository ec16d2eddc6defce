"""From blocks to one file: what is reachable from `main`, with what was decided settled."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

BLOCKS = Path(__file__).with_name("blocks")
OWN = "tunewise.export.script.blocks."
CONSTANTS = "constants"
WIDTH = 100
START = "main"  # the function that a script runs
TAIL = 'if __name__ == "__main__":\n    main()\n'
ORDER = (  # in which a script is read; by the beginnings of the names of blocks
    *("texts", "question", "chat", "classification", "pictures", "pooled", "adapting", "fitted"),
    *("writing", "training", "batches", "generation", "metrics", "saving", "files", "main"),
)
_APART = re.compile(r"^(def|class|@)", re.MULTILINE)  # stands apart, unlike the name of a type
_FOR_LINT = re.compile(r"  # (?:type: ignore|noqa)[^\n#]*")


@dataclass
class _Block:
    """What a block defines and imports; a definition is its lines, with the comments above it."""

    definitions: dict[str, str] = field(default_factory=dict)
    uses: dict[str, set[str]] = field(default_factory=dict)  # names that a definition mentions
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)  # local name: module, name


def assemble(
    about: str, blocks: Sequence[str], *, decided: Mapping[str, Any], constants: Mapping[str, Any]
) -> str:
    """The source of a script.

    Args:
        about: its docstring.
        blocks: the names of those it may use, in the order in which it is read. Of a name that
            several define, that of the first is taken.
        decided: values of the names of `blocks.decided`; an ``if`` on them leaves one branch.
        constants: values of the names of `blocks.constants`, of which it gets those it uses.
    """
    read = [_read(name, decided) for name in blocks]
    owners = {name: block for block in reversed(read) for name in block.definitions}
    comments = _comments()
    reached = _reached(owners)
    used = {name for each in reached for name in owners[each].uses[each]}
    imports = {
        name: block.imports[name]
        for each in reached
        for block in (owners[each],)
        for name in block.uses[each]
        if name in block.imports
    }
    # A text that does not end the docstring, nor escape anything in it.
    text_of = about.replace("\\", "/").replace('"""', "'''").rstrip('" \n')
    parts = [
        f'"""{text_of}{chr(10) if chr(10) in text_of else ""}"""\n',
        "from __future__ import annotations\n",
    ]
    parts += _import_lines(imports)
    lines = [
        _assignment(name, constants[name], comments[name])
        for name in comments
        if name in used and name not in owners
    ]
    text = "\n".join(parts) + "\n" + "\n".join(lines) + "\n"
    in_order = sorted(
        zip(blocks, read, strict=True),
        key=lambda one: next(at for at, start in enumerate(ORDER) if one[0].startswith(start)),
    )
    taken = [
        lines_of
        for _, block in in_order
        for name, lines_of in block.definitions.items()
        if name in reached and owners[name] is block
    ]
    apart = [bool(_APART.search(lines_of)) for lines_of in taken]
    names = [lines_of for lines_of, is_apart in zip(taken, apart, strict=True) if not is_apart]
    text += "\n" + "".join(names) if names else ""
    for lines_of, is_apart in zip(taken, apart, strict=True):
        if is_apart:
            text += f"\n\n{lines_of}"
    return f"{text}\n\n{TAIL}"


def _reached(owners: Mapping[str, _Block]) -> set[str]:
    reached: set[str] = set()
    waiting = [START]
    while waiting:
        name = waiting.pop()
        if name in owners and name not in reached:
            reached.add(name)
            waiting += owners[name].uses[name]
    return reached


def _read(name: str, decided: Mapping[str, Any]) -> _Block:
    source = _settled((BLOCKS / f"{name}.py").read_text(encoding="utf-8"), decided)
    source = _FOR_LINT.sub("", source)
    lines = source.split("\n")
    found = _Block()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.imports[alias.asname or alias.name] = (alias.name, "")
        elif isinstance(node, ast.ImportFrom):
            if node.module and not node.module.startswith(OWN) and node.module != "__future__":
                for alias in node.names:
                    found.imports[alias.asname or alias.name] = (node.module, alias.name)
        elif defined := _defined(node):
            found.definitions[defined] = (
                "\n".join(lines[_first(node, lines) : node.end_lineno]) + "\n"
            )
            found.uses[defined] = {
                inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)
            } - {defined}
    return found


def _defined(node: ast.stmt) -> str | None:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return node.name
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    return None


def _first(node: ast.stmt, lines: Sequence[str]) -> int:
    """The line, from 0, at which a statement begins with its decorators and the comments above."""
    decorators = getattr(node, "decorator_list", [])
    at = min([node.lineno, *(one.lineno for one in decorators)]) - 1
    while at and lines[at - 1].lstrip().startswith("#"):
        at -= 1
    return at


# Settling what was decided.


def _settled(source: str, decided: Mapping[str, Any]) -> str:
    """The source with each ``if`` on decided names replaced by the branch that is taken."""
    while (found := next(_decidable(source, decided), None)) is not None:
        lines = source.split("\n")
        first, last = _first(found, lines), found.end_lineno
        # A test that is true keeps the comment above it: it says why.
        if eval(ast.unparse(found.test), {"__builtins__": {}}, dict(decided)):
            above = lines[first : found.lineno - 1]
            kept = above + _outdented(
                lines[found.body[0].lineno - 1 - _ahead(found, lines) : found.body[-1].end_lineno]
            )
        elif not found.orelse:
            kept = []
        elif lines[found.orelse[0].lineno - 1].lstrip().startswith("elif "):
            kept = lines[found.orelse[0].lineno - 1 : last]
            kept[0] = kept[0].replace("elif ", "if ", 1)
        else:
            start = found.orelse[0].lineno - 1
            while lines[start - 1].lstrip().startswith("#"):
                start -= 1
            kept = _outdented(lines[start:last])
        source = "\n".join([*lines[:first], *kept, *lines[last:]])
    return source


def _ahead(found: ast.If, lines: Sequence[str]) -> int:
    """How many lines of comment stand before the first statement of the branch."""
    count, at = 0, found.body[0].lineno - 2
    while lines[at - count].lstrip().startswith("#"):
        count += 1
    return count


def _decidable(source: str, decided: Mapping[str, Any]) -> Iterator[ast.If]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.If):
            names = {inner.id for inner in ast.walk(node.test) if isinstance(inner, ast.Name)}
            if names and names <= decided.keys():
                yield node


def _outdented(lines: Sequence[str]) -> list[str]:
    return [line.removeprefix("    ") for line in lines]


# What stands before the functions.


def _import_lines(imports: Mapping[str, tuple[str, str]]) -> list[str]:
    """Import statements, those of the standard library first."""
    groups: dict[bool, list[tuple[bool, str, str]]] = {True: [], False: []}
    modules = {module for module, name in imports.values() if not name}
    for module in modules:
        local = next(own for own, found in imports.items() if found == (module, ""))
        line = f"import {module}" + ("" if local == module else f" as {local}")
        groups[_is_standard(module)].append((False, module, line))
    for module in {module for module, name in imports.values() if name}:
        names = sorted(
            (name if name == local else f"{name} as {local}")
            for local, (origin, name) in imports.items()
            if origin == module and name
        )
        names.sort(key=lambda name: (not name.isupper(), not name[0].isupper(), name))
        line = f"from {module} import {', '.join(names)}"
        if len(line) > WIDTH:
            line = f"from {module} import (\n" + "".join(f"    {n},\n" for n in names) + ")"
        groups[_is_standard(module)].append((True, module, line))
    return [
        "\n".join(line for _, _, line in sorted(group, key=lambda one: one[:2])) + "\n"
        for group in (groups[True], groups[False])
        if group
    ]


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


@cache
def _comments() -> dict[str, str]:
    """The names of the constants in their order, with the comment behind each."""
    source = (BLOCKS / f"{CONSTANTS}.py").read_text(encoding="utf-8")
    lines, found = source.split("\n"), {}
    for node in ast.parse(source).body:
        if (name := _defined(node)) is not None:
            found[name] = lines[(node.end_lineno or node.lineno) - 1].partition("  # ")[2]
    return found


def _assignment(name: str, value: Any, comment: str) -> str:
    """A constant with its comment: behind it where that fits, else above."""
    start = f"{name} = "
    lines = literal(value, room=WIDTH - len(start))
    if not comment:
        return start + lines
    behind = f"{start}{lines}  # {comment}"
    if "\n" not in lines and len(behind) <= WIDTH:
        return behind
    return f"# {comment[0].upper()}{comment[1:]}\n{start}{lines}"


def literal(value: Any, *, room: int = WIDTH, indent: int = 0) -> str:
    r"""A plain value as Python reads it back, one item a line where it is wider than the room.

    >>> print(literal({"a": [1, 'say "hi"'], "b": (None,)}))
    {"a": [1, "say \"hi\""], "b": (None,)}
    """
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        plain = "".join(value.split("\n")).isprintable()
        return text if plain else ascii(value)
    if not isinstance(value, (Mapping, list, tuple)):
        return repr(value)
    begin, end = "{}" if isinstance(value, Mapping) else "[]" if isinstance(value, list) else "()"
    items = value.items() if isinstance(value, Mapping) else [("", item) for item in value]
    keys = [f"{literal(key)}: " if isinstance(value, Mapping) else "" for key, _ in items]
    plain_items = [
        key + literal(item, room=sys.maxsize) for key, (_, item) in zip(keys, items, strict=True)
    ]
    comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
    line = f"{begin}{', '.join(plain_items)}{comma}{end}"
    if len(line) <= room or not value:
        return line
    inner = indent + 4
    lines = [
        f"{' ' * inner}{key}{literal(item, room=WIDTH - inner - len(key) - 1, indent=inner)},\n"
        for key, (_, item) in zip(keys, items, strict=True)
    ]
    return f"{begin}\n{''.join(lines)}{' ' * indent}{end}"
