"""Writing a study's plain values as YAML."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML


def yaml_of(values: Any) -> str:
    """The values as YAML that reads back as the same values.

    >>> print(yaml_of({"name": "x", "models": ["a", "b"]}), end="")
    name: x
    models: [a, b]
    """
    writer = YAML(typ="safe", pure=True)
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # inferred None
    # None means: lists of words and numbers on one line, all else one below the other.
    writer.default_flow_style = None
    writer.allow_unicode = True
    text = io.StringIO()
    writer.dump(values, text)
    return text.getvalue()
