"""Pretrained models with their tokenizers, and names for their parts."""
