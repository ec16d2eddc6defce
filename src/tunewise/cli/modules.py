"""``tunewise modules``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from tunewise.backbones.inventory import Group, by_word, inventory, skeleton
from tunewise.backbones.model import Model
from tunewise.studyfile.settings import ModelChoice

WIDTH = 80

Named = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A hub id (name@revision), a folder with config.json, or embedded:encoder. Two "
        "encoders are 'IMAGE + TEXT'.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def command(model: Named, as_json: AsJson = False) -> None:
    """List every module of a model that can be adapted, with roles, shapes and parameters.

    Builds the model from its configuration alone, without weights. Layers that are alike in all
    blocks are one line; * stands for the block's number.
    """
    choice = ModelChoice.of(model)
    built = skeleton(choice.source, choice.revision)
    groups = inventory(built)
    if not as_json:
        typer.echo(_table(built, groups))
        return
    modules = [
        {
            "path": group.pattern,
            "kind": group.kind,
            "roles": list(group.roles),
            "fused": len(group.roles) > 1,
            "shape": list(group.shape),
            "parameters": group.parameters,
            "targets": list(group.words),
            "modules": list(group.paths),
        }
        for group in groups
    ]
    found = {"model": model, "modules": modules, "targets": _words(built)}
    typer.echo(json.dumps(found, indent=1))


def _words(model: Model) -> dict[str, dict[str, int]]:
    return {
        word: {
            "layers": len(layers),
            "parameters": sum(w.numel() for _, layer in layers for w in layer.parameters()),
        }
        for word, layers in by_word(model).items()
    }


def _table(model: Model, groups: list[Group]) -> str:
    linear = [_row(group) for group in groups if group.kind in ("linear", "head")]
    others = [_row(group) for group in groups if group.kind not in ("linear", "head")]
    words: list[tuple[str, ...]] = [
        (word, _count(found["layers"]), f"{found['parameters']:,} parameters")
        for word, found in _words(model).items()
    ]
    parts = {
        "Linear layers, each with its parameters:": linear,
        "Words for targets, beside a layer's own name:": words,
        "What only some types of peft adapt:": others,
    }
    return "\n\n".join("\n".join([title, *_columns(rows)]) for title, rows in parts.items())


def _row(group: Group) -> tuple[str, ...]:
    role = "+".join(group.roles) + (" fused" if len(group.roles) > 1 else "")
    shape = " x ".join(str(size) for size in group.shape)
    role = role or ("-" if group.kind == "linear" else group.kind)
    path = group.pattern
    if len(group.paths) == 1 and "*" in path:
        path = group.paths[0].partition(".")[2]
    path = path if group.kind != "head" else group.paths[0]
    return path, role, shape, _count(len(group.paths)), f"{group.parameters:,}"


def _count(layers: int) -> str:
    return f"{layers} layer" if layers == 1 else f"{layers} layers"


def _columns(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows in columns; where they are too wide, a module stands on a line of its own."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    rest = sum(widths[1:]) + 2 * len(widths[1:])
    apart = widths[0] + rest > WIDTH
    lines = []
    for first, *others in rows:
        cells = "  ".join(
            f"{cell:<{width}}" for cell, width in zip(others, widths[1:], strict=True)
        ).rstrip()
        lines += [first, f"    {cells}"] if apart else [f"{first:<{widths[0]}}  {cells}"]
    return lines
