"""Decide how to adapt a pretrained Transformer: train, measure and compare every way."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"
__all__ = ["Gate", "Study", "__version__", "judge", "open"]

_PLACES = {
    "Gate": ("tunewise.judging.gate", "Gate"),
    "Study": ("tunewise.api", "Study"),
    "judge": ("tunewise.judging.judge", "judge"),
    "open": ("tunewise.results", "StudyResults"),
}


def __getattr__(name: str) -> Any:
    """What `__all__` names, imported when first used: ``import tunewise`` itself costs nothing."""
    if name not in _PLACES:
        raise AttributeError(f"module 'tunewise' has no attribute '{name}'")
    module, attribute = _PLACES[name]
    return getattr(importlib.import_module(module), attribute)
