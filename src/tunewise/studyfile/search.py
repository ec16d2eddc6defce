"""What stands under ``search``: values tuned away on validation, equally many for each method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tunewise.core.errors import unknown
from tunewise.methods.base import METHODS, Adaptation
from tunewise.studyfile.aliases import word_for
from tunewise.studyfile.document import Keys
from tunewise.studyfile.settings import Grid, MethodEntry
from tunewise.studyfile.values import Reader, is_list, shown, types_of
from tunewise.training.settings import AUTO, TrainingSettings

RATE = "training.learning_rate"
FACTOR = 3  # between neighbors: moves a learning rate visibly, and rarely past its best
AROUND = 2  # rates on either side of the prior, to begin with
BEYOND = 2  # further ones on either side, for a best rate at the edge


def read_search(
    reader: Reader, values: Mapping[str, Any], entries: Sequence[MethodEntry]
) -> list[Grid]:
    """What is searched for each entry: settings by path (`training.`, `method.`) with values.

    An entry that has no such setting has nothing to try, and is trained at one point.
    """
    grids: list[Grid] = [{} for _ in entries]
    for key, value in values.items():
        paths = _paths(reader, key, entries)
        if not any(paths):
            continue
        raws = _for_each(reader, key, value, entries, paths)
        for grid, entry, path, (raw, keys) in zip(grids, entries, paths, raws, strict=True):
            if path is None or raw is None:
                continue
            if value == AUTO and path == RATE:  # as it is where nothing is said
                _refuse_given(reader, entry, path, keys)
                continue
            if path in grid:
                reader.wrong(keys, f"{path.partition('.')[2]} is searched twice: once is enough.")
            if found := _values(reader, entry, path, raw, keys):
                grid[path] = found
        sizes = {len(grid[path]) for grid, path in zip(grids, paths, strict=True) if path in grid}
        if isinstance(value, dict) and len(sizes) > 1:
            lists = {name: values for name, values in value.items() if isinstance(values, list)}
            counts = ", ".join(f"{name} {len(values)}" for name, values in lists.items())
            message = "equally many values for each method, so that none is tuned more; found "
            reader.wrong(("search", key), f"{message}{counts}.")
    return grids


def measured(reader: Reader, entry: MethodEntry) -> MethodEntry:
    """An entry whose learning rate is left open, with the rates that are tried.

    Where other settings are searched and nothing is said of the rate, each of their points is
    trained with the method's own.
    """
    left_open = entry.auto_rate and RATE not in entry.search
    if not left_open or not issubclass(entry.part, Adaptation):
        return replace(entry, auto_rate=False)
    searched = [("search", key) for key in (RATE, RATE.partition(".")[2])]
    says_auto = any(map(reader.document.says, searched)) or bool(_given_at(reader, entry, RATE))
    if entry.search and not says_auto:
        return replace(entry, auto_rate=False)
    if entry.search:
        names = ", ".join(path.partition(".")[2] for path in entry.search)
        message = (
            f"{entry.place} has learning_rate: auto, which is a search of its own, beside one over "
            f"{names}: name a rate, or search it with the others."
        )
        reader.wrong(("search",), message)
    return replace(entry, search={RATE: rate_grid(entry.part.default_rate(entry.first))})


def rate_grid(prior: float) -> tuple[float, ...]:
    """The rates around a prior, from low to high, to two digits.

    >>> rate_grid(1e-3)[2:7]
    (0.00011, 0.00033, 0.001, 0.003, 0.009)
    """
    reach = AROUND + BEYOND
    rates = (float(f"{prior * FACTOR**k:.2g}") for k in range(-reach, reach + 1))
    return tuple(rate for rate in rates if rate < 1)


def _paths(reader: Reader, key: str, entries: Sequence[MethodEntry]) -> list[str | None]:
    """Which setting the key means for each entry, or None where the entry has no such setting."""
    section, _, name = key.rpartition(".")
    of_training = section in ("", "training") and name in types_of(TrainingSettings)
    owners = list(
        dict.fromkeys(
            entry.method
            for entry in entries
            if section in ("", entry.method) and name in entry.kinds
        )
    )
    if of_training and owners:
        reader.wrong(
            ("search", key),
            f"'{name}' is a setting of training and of {', '.join(owners)}: write "
            f"{' or '.join(f'{owner}.{name}' for owner in ['training', *owners])}.",
        )
        return [None] * len(entries)
    if not of_training and not owners:
        known = set(types_of(TrainingSettings)).union(*(entry.kinds for entry in entries))
        word, message = word_for(key), unknown("setting to search", key, known)
        if word != key and word in known:
            message = f"'{key}' is called '{word}' here."
        reader.wrong(("search", key), message)
    for owner in owners:
        if reason := METHODS.get(owner).one_value.get(name):
            reader.wrong(("search", key), f"'{name}' cannot be searched: {reason}")
            return [None] * len(entries)
    trained = [of_training and entry.part.trained for entry in entries]
    if of_training and not any(trained):
        reader.wrong(("search", key), f"no method of this study is trained: {name} has no effect.")
    owned = [entry.method in owners and name in entry.kinds for entry in entries]
    return [
        f"training.{name}" if loop else f"method.{name}" if own else None
        for loop, own in zip(trained, owned, strict=True)
    ]


def _for_each(
    reader: Reader,
    key: str,
    value: Any,
    entries: Sequence[MethodEntry],
    paths: Sequence[str | None],
) -> list[tuple[Any, Keys]]:
    """What each entry is to try, and where that stands: one for all, or one by method."""
    keys: Keys = ("search", key)
    if not isinstance(value, dict):
        return [(value, keys)] * len(entries)
    having = [entry for entry, path in zip(entries, paths, strict=True) if path]
    names = {name for entry in having for name in (entry.method, entry.label)}
    for name in value:
        if name not in names:
            reader.wrong((*keys, name), unknown(f"method with {key} to search", name, names))
    labels = {entry.label for entry in having}
    for name in value:
        if name in names - labels and all(e.label in value for e in having if e.method == name):
            message = f"every '{name}' of this study has values by its own name: leave this out."
            reader.wrong((*keys, name), message)
    found: list[tuple[Any, Keys]] = []
    for entry, path in zip(entries, paths, strict=True):
        name = entry.label if entry.label in value else entry.method
        found.append((value.get(name), (*keys, str(name))))
        if path and name not in value:
            message = f"says nothing for '{name}': each method is tuned over equally many values."
            reader.wrong(keys, message)
    return found


def _values(reader: Reader, entry: MethodEntry, path: str, raw: Any, keys: Keys) -> tuple[Any, ...]:
    section, name = path.split(".")
    part = TrainingSettings if section == "training" else entry.part
    kind = types_of(part)[name] if section == "training" else entry.kinds[name]
    _refuse_given(reader, entry, path, keys)
    if not isinstance(raw, list) or (is_list(kind) and not all(isinstance(v, list) for v in raw)):
        example = "[[query], [query, value]]" if is_list(kind) else "[first, second]"
        or_auto = ", or auto" if keys[1:] == (RATE.partition(".")[2],) else ""
        reader.wrong(keys, f"found {shown(raw)}: a list of values to try, {example}{or_auto}.")
        return ()
    return reader.several(kind, raw, keys)


def _refuse_given(reader: Reader, entry: MethodEntry, path: str, keys: Keys) -> None:
    for place in _given_at(reader, entry, path):
        message = f"searched here, and given a value at {place}: leave out one of the two."
        reader.wrong(keys, message)


def _given_at(reader: Reader, entry: MethodEntry, path: str) -> list[str]:
    """Where the study gives the entry a value that the search would put aside."""
    section, name = path.split(".")
    places: list[Keys] = [(*entry.keys, name)]
    if section == "training":
        places = [("training", name), (*entry.keys, "training", name)]
    return [reader.document.place(keys) for keys in places if reader.document.says(keys)]
