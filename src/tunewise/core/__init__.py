"""Errors, registry, canonical JSON and hashing, atomic files. No torch."""
