"""PEFT's word for what a model is asked, which says what class loads an adapter."""

from __future__ import annotations

from typing import Literal

from tunewise.backbones.model import Model

TaskType = Literal["SEQ_CLS", "CAUSAL_LM"]


def task_type(model: Model) -> TaskType:
    """A backbone with our own classifier on it chooses too, so that it is no FEATURE_EXTRACTION."""
    return "CAUSAL_LM" if model.writes else "SEQ_CLS"
