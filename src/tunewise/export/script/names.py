"""Sets of parameters and modules as the few words that a person would name them by."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def beginnings(chosen: Collection[str], every: Sequence[str]) -> list[str]:
    """The fewest beginnings of names that exactly the chosen ones of all names have.

    >>> beginnings(["head.a.w", "head.a.b"], ["body.w", "head.a.w", "head.a.b"])
    ['head.']
    """
    found: list[str] = []
    for name in every:
        if name not in chosen or name.startswith(tuple(found)):
            continue
        steps = name.split(".")
        tries = [".".join(steps[:depth]) + "." for depth in range(1, len(steps))]
        wanted = (t for t in tries if all(n in chosen for n in every if n.startswith(t)))
        found.append(next(wanted, name))
    return found


def endings(chosen: Collection[str], every: Sequence[str]) -> list[str]:
    """The last parts of paths where exactly the chosen ones of all paths end so; else the paths.

    >>> endings(["a.0.query", "a.1.query"], ["a.0.query", "a.0.key", "a.1.query"])
    ['query']
    """
    for parts in (1, 2):
        short = list(dict.fromkeys(".".join(path.split(".")[-parts:]) for path in chosen))
        ends = tuple(f".{one}" for one in short)
        if {path for path in every if path in short or path.endswith(ends)} == set(chosen):
            return short
    return list(chosen)
