"""Writing a study's plain values as YAML."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.representer import SafeRepresenter

_TRICKY = "?:,[]{}#&*!|>%@`\"'"  # signs that mean something in YAML at some place


class _Writer(SafeRepresenter):
    """Quotes texts that hold a sign of YAML: left bare, `[?0]` would read back as a mapping."""


def _text(writer: Any, text: str) -> Any:
    quoted = any(sign in text for sign in _TRICKY)
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style='"' if quoted else None)


_Writer.add_representer(str, _text)


def yaml_of(values: Any) -> str:
    """The values as YAML that reads back as the same values.

    >>> print(yaml_of({"name": "x", "models": ["a", "b"]}), end="")
    name: x
    models: [a, b]
    """
    writer = YAML(typ="safe", pure=True)
    writer.Representer = _Writer
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # inferred None
    # None means: lists of words and numbers on one line, all else one below the other.
    writer.default_flow_style = None
    writer.allow_unicode = True
    text = io.StringIO()
    writer.dump(values, text)
    return text.getvalue()
