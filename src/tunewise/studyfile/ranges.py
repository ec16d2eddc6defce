"""What is judged over whole trials: their number, and values that only clash together."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.studyfile.document import Document, Keys
from tunewise.studyfile.entries import with_fixed_batch_size
from tunewise.studyfile.read_settings import check, combinations, count, missing
from tunewise.studyfile.settings import Grid, MethodEntry
from tunewise.studyfile.values import Reader
from tunewise.training.settings import TrainingSettings

MOST_TRIALS = 10_000


def is_small(reader: Reader, entries: Sequence[MethodEntry], seeds: int) -> bool:
    """Whether the study has no more trials than a person can mean, so that they can be made."""
    trials = 0
    for entry in entries:
        rows = count(entry.fixed("method")) * count(entry.fixed("training"))
        rows *= len(entry.limits) * max(1, len(entry.models))
        trials += rows * (count(entry.search) + (seeds - 1 if entry.part.seeded else 0))
    if trials > MOST_TRIALS:
        message = (
            f"{trials:,} trials, where {MOST_TRIALS:,} is the limit: "
            "shorten the sweeps, the search or the seeds."
        )
        reader.wrong(("methods",), message)
    return trials <= MOST_TRIALS


def check_ranges(reader: Reader, entries: Sequence[MethodEntry], training: Grid) -> None:
    """Let each part judge every combination of values that a trial would give it."""
    if not any(entry.training for entry in entries):
        for values in combinations(with_fixed_batch_size(training)):
            check(reader, TrainingSettings, values, lambda below: ("training", *below))
    for entry in entries:
        for section, part in (("method", entry.part), ("training", TrainingSettings)):
            grid = {**entry.fixed(section), **entry.searched(section)}
            if section == "method":
                missing(reader, part, grid, entry.keys)
            elif entry.limits != (None,):  # all the training there is where nothing is trained
                grid = {"max_length": entry.limits}

            def at(below: Keys, entry: MethodEntry = entry, section: str = section) -> Keys:
                return _origin(reader.document, entry, section, below)

            for values in combinations(grid):
                check(reader, part, values, at)


def _origin(document: Document, entry: MethodEntry, section: str, below: Keys) -> Keys:
    """Where a value of an entry was written: in the entry, under search, or under training."""
    if not below:
        return entry.keys if section == "method" else ("training",)
    if f"{section}.{below[0]}" in entry.search:
        searched = document.values["search"]
        for key in (below[0], f"{section}.{below[0]}", f"{entry.method}.{below[0]}"):
            if key in searched:
                return ("search", key, *below[1:])
    own: Keys = entry.keys if section == "method" else (*entry.keys, "training")
    if section == "method" or document.holds((*own, below[0])):
        return (*own, *below)
    return ("training", *below)
