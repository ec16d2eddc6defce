"""Names for the linear layers of a model, read off its structure.

A transformer block lies in an `nn.ModuleList`. Inside it, the outermost module whose class is
called some kind of attention is the attention; the other linear layers of the block are its MLP.
Within an attention, query, key and value are distinguished by the first letter of their name; where
they are not three layers they are one fused layer, which then plays all three parts. The last
linear layer is the output. No family needs an entry of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from torch import nn
from transformers.pytorch_utils import Conv1D

from tunewise.backbones.model import Model
from tunewise.backbones.ties import output_layer
from tunewise.core.errors import InputError, nearest

Linear: TypeAlias = "nn.Linear | Conv1D"

ATTENTION = ("query", "key", "value", "output")
ROLES = (*ATTENTION, "mlp")
GROUPS = {
    "attention": ATTENTION,
    "attention+mlp": ROLES,
    **{role: (role,) for role in ROLES},
}
ALL_LINEAR = "all-linear"


def linear_layers(model: Model) -> dict[str, Linear]:
    """Every linear layer by its path, the head's included."""
    modules = model.module.named_modules()
    return {path: layer for path, layer in modules if isinstance(layer, (nn.Linear, Conv1D))}


def shape_of(layer: Linear) -> tuple[int, int]:
    """(in, out) of a linear layer; `Conv1D` stores its weight the other way round."""
    if isinstance(layer, nn.Linear):
        return layer.in_features, layer.out_features
    return int(layer.weight.shape[0]), int(layer.weight.shape[1])


def roles(model: Model) -> dict[str, tuple[str, ...]]:
    """The roles of each linear layer that has any, by path. A fused layer has several."""
    found: dict[str, tuple[str, ...]] = {}
    for backbone in model.backbones.values():
        for path, block in _blocks(backbone, model.module.get_submodule(backbone)):
            linears = [p for p, m in _linears_under(path, block)]
            attentions = list(_attentions(path, block))
            if not attentions:
                continue  # a list of something else, such as the convolutions of a stem
            for start in attentions:
                found |= _attention_roles([p for p in linears if p.startswith(f"{start}.")])
            inside = tuple(f"{start}." for start in attentions)
            found |= {p: ("mlp",) for p in linears if not p.startswith(inside)}
    return found


def targets(model: Model, names: Sequence[str]) -> list[tuple[str, Linear]]:
    """The linear layers that the names stand for, in the order of the model.

    A name is a role (`query`, `key`, `value`, `output`, `mlp`), `attention`, `attention+mlp`,
    `all-linear`, or the path of a module, or how such a path ends. Of a model with two encoders,
    `text.query` means that of one of them. As PEFT's, `all-linear` leaves a language model's
    output layer out.

    Raises:
        InputError: a name matches nothing, or matches the head, which is trained anyway.
    """
    linears = linear_layers(model)
    new = {name.rpartition(".")[0] for name in model.head}
    output = output_layer(model.module)
    inner = [path for path, layer in linears.items() if layer is not output]
    by_role = roles(model)
    chosen: set[str] = set()
    for name in names:
        backbone, _, role = name.partition(".")
        if backbone in model.backbones and role in (*GROUPS, ALL_LINEAR):
            start = f"{model.backbones[backbone]}."
            inside = [path for path in linears if path.startswith(start)]
            matched = _matches(role, inside, by_role, new) & set(inside)
        else:
            matched = _matches(name, inner if name == ALL_LINEAR else list(linears), by_role, new)
        if not matched:
            endings = {path.rpartition(".")[2] for path in linears if path not in new}
            known_roles = {role for own in by_role.values() for role in own}
            known = {*endings, *known_roles, ALL_LINEAR}
            known |= {group for group, members in GROUPS.items() if known_roles & set(members)}
            raise InputError(
                f"targets: '{name}' matches no linear layer of this model. {nearest(name, known)}"
            )
        if into_head := sorted(matched & new):
            raise InputError(
                f"targets: '{name}' matches the head ({', '.join(into_head)}), which is new and "
                "trained whole. Write more of the path to name a layer of the backbone."
            )
        chosen |= matched
    return [(path, layer) for path, layer in linears.items() if path in chosen]


def _matches(
    name: str, linears: list[str], by_role: dict[str, tuple[str, ...]], new: set[str]
) -> set[str]:
    if name == ALL_LINEAR:
        return set(linears) - new
    if name in GROUPS:
        return {path for path, own in by_role.items() if set(own) & set(GROUPS[name])} - new
    return {path for path in linears if path == name or path.endswith(f".{name}")}


def blocks(model: Model) -> list[str]:
    """The paths of the transformer blocks, from the input on."""
    return [
        path
        for backbone in model.backbones.values()
        for path, block in _blocks(backbone, model.module.get_submodule(backbone))
        if any(_attentions(path, block))
    ]


def first_position(backbone: nn.Module) -> int:
    """The number of the first token's position.

    RoBERTa counts from behind its padding index, which has a row of its own in the table.
    """
    for layer in backbone.modules():
        table = getattr(layer, "position_embeddings", None)
        if isinstance(table, nn.Embedding) and table.padding_idx is not None:
            return table.padding_idx + 1
    return 0


def _blocks(path: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The elements of the outermost module lists."""
    for name, child in module.named_children():
        if isinstance(child, nn.ModuleList):
            yield from ((f"{path}.{name}.{i}", element) for i, element in enumerate(child))
        else:
            yield from _blocks(f"{path}.{name}", child)


def _attentions(path: str, module: nn.Module) -> Iterator[str]:
    for name, child in module.named_children():
        if "attention" in type(child).__name__.lower() and any(_linears_under("", child)):
            yield f"{path}.{name}"
        else:
            yield from _attentions(f"{path}.{name}", child)


def _linears_under(path: str, module: nn.Module) -> Iterator[tuple[str, Linear]]:
    for name, layer in module.named_modules():
        if isinstance(layer, (nn.Linear, Conv1D)):
            yield f"{path}.{name}", layer


def _attention_roles(paths: list[str]) -> dict[str, tuple[str, ...]]:
    *inner, last = paths
    found: dict[str, tuple[str, ...]] = {last: ("output",)}
    initial = {path: path.rpartition(".")[2][0].lower() for path in inner}
    if {"q", "k", "v"} <= set(initial.values()):
        part = {"q": "query", "k": "key", "v": "value"}
        return {p: (part[letter],) for p, letter in initial.items() if letter in part} | found
    return dict.fromkeys(inner[:1], ("query", "key", "value")) | found


def head_modules(model: Model) -> list[str]:
    """The outermost modules that hold the head and nothing else, which PEFT saves by name.

    Raises:
        InputError: a module is new only in part, which PEFT's format cannot say.
    """
    head = set(model.head)
    found: list[str] = []
    for name in model.head:
        steps = name.split(".")[:-1]
        for depth in range(1, len(steps) + 1):
            path = ".".join(steps[:depth])
            inside = model.module.get_submodule(path).named_parameters(path)
            if all(parameter in head for parameter, _ in inside):
                break
        else:
            raise InputError(f"the checkpoint lacks {name}, but has the rest of its module.")
        if path not in found:
            found.append(path)
    return found
