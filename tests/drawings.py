"""Charts drawn once a form: drawing one takes a fifth of a second, and a report has fourteen.

Of charts that are the same but for their data, the first is drawn by Vega and stands for the
others. A form that no test of this process has drawn is drawn, so that what Vega refuses is
noticed; what a drawing shows is looked at under `drawn_truly`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import pytest
import vl_convert

SVG, PNG = vl_convert.vegalite_to_svg, vl_convert.svg_to_png


def form(spec: dict[str, Any]) -> str:
    """A chart without its data: its words and marks, and what kinds of values its rows hold."""
    tables = {name: kinds(rows) for name, rows in spec.get("datasets", {}).items()}
    return json.dumps([without_data({**spec, "datasets": None}), tables], sort_keys=True)


def without_data(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: kinds(one) if name == "values" else without_data(one)
            for name, one in value.items()
        }
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return [without_data(one) for one in value]
    return value if isinstance(value, str) else kinds(value)


def kinds(value: Any) -> Any:
    """Of rows and numbers the types alone; none, one and many are different."""
    if isinstance(value, dict):
        return {name: kinds(one) for name, one in value.items()}
    if isinstance(value, list):
        found = {json.dumps(kinds(one), sort_keys=True) for one in value}
        return [min(len(value), 2), *sorted(found)]
    return type(value).__name__


@contextmanager
def drawn_once() -> Iterator[None]:
    """Inside, charts of one form have one drawing."""
    drawn: dict[str, str] = {}

    def draw(spec: dict[str, Any], **settings: Any) -> str:
        key = f"{form(spec)} {settings}"
        if key not in drawn:
            drawn[key] = SVG(spec, **settings)
        return drawn[key]

    with replaced(draw, lru_cache(maxsize=None)(PNG)):
        yield


@contextmanager
def drawn_truly() -> Iterator[None]:
    """Inside, every chart is drawn with its own data, as users have it."""
    with replaced(SVG, PNG):
        yield


@contextmanager
def replaced(svg: Callable[..., str], png: Callable[..., bytes]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vl_convert, "vegalite_to_svg", svg)
        patch.setattr(vl_convert, "svg_to_png", png)
        yield
