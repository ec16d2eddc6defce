"""Decide how to adapt a pretrained Transformer: train, measure and compare every way."""

__version__ = "0.1.0"
