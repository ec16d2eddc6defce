"""A trial, from its settings to files on the disk: `run` is its door.

What a process computes of it is one of three: a method is fitted (`fit`), asked as it is (`ask`),
or trained on top of a model (`adapt`).
"""
