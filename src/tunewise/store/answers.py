"""What trials answered on one split, as their files hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tunewise.core.lazy import Later
from tunewise.statistics.metrics import CONVERSED, SUMMED, Columns
from tunewise.statistics.score_matrix import RowScores

if TYPE_CHECKING:
    import pyarrow.compute as pc
else:  # a tenth of a second, and only repeated answers need it
    pc = Later("pyarrow.compute")

_CHOSEN = ("id", "label", "choice", "probabilities")
_WRITTEN = ("id", "answer", "references")
_WAYS = ("strategy", "sample")  # columns that say which of several answers it is


@dataclass(frozen=True)
class Answers:
    """What one trial answered on one split, in the order of the stored file.

    Where answers were written, every label is 1, a choice is 1 where the answer is right and 0
    where not, and there are no probabilities.
    """

    ids: tuple[str, ...]
    labels: NDArray[np.integer]  # (examples,) the right option
    choices: NDArray[np.integer]  # (examples,) the option answered
    probabilities: NDArray[np.floating] | None = None  # (examples, options), as narrow as stored
    scores: dict[str, NDArray[np.float64]] | None = None  # name -> (examples,), of written answers
    written: tuple[str, ...] = ()  # (examples,) the answers that count
    references: tuple[tuple[str, ...], ...] = ()  # (examples,) the texts that are right

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each example stands."""
        return _known(self.ids)[1]

    @property
    def columns(self) -> Columns:
        """As metrics read them."""
        return Columns(self.labels, self.choices, self.probabilities, self.scores)


@lru_cache(maxsize=64)
def _known(ids: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, int]]:
    """The ids as they were first read, and where each stands.

    Five hundred runs over the same ten thousand examples hold them once.
    """
    return ids, {id: place for place, id in enumerate(ids)}


@lru_cache(maxsize=1024)
def read_answers(path: Path, changed: int) -> Answers:
    """The stored answers, read once while the file stays as it is: many parts of a report ask."""
    names = pq.read_schema(path).names
    read = (*_WRITTEN, *CONVERSED, *SUMMED, *_WAYS) if "references" in names else _CHOSEN
    return answers_in(pq.read_table(path, columns=[name for name in read if name in names]))


def answers_in(table: pa.Table) -> Answers:
    """The answers of a table as trials store it."""
    if "references" in table.column_names:
        return _written_in(table)
    given = table["probabilities"].combine_chunks()
    options = len(given[0]) if len(given) else 0
    return Answers(
        _known(tuple(table["id"].to_pylist()))[0],
        np.asarray(table["label"].to_numpy(), dtype=np.int32),
        np.asarray(table["choice"].to_numpy(), dtype=np.int32),
        given.flatten().to_numpy().reshape(len(given), options),
    )


def _written_in(table: pa.Table) -> Answers:
    """The first answer of each example, which is the one that counts."""
    names = table.column_names
    scored = [name for name in (*CONVERSED, *SUMMED) if name in names]
    for name in _WAYS:  # before the rows are made: of thirty answers to a question one counts
        if name in names and table.num_rows:
            table = table.filter(pc.equal(table[name], table[name][0]))
    rows = table.select([*_WRITTEN, *scored]).to_pylist()
    first = list({row["id"]: row for row in reversed(rows)}.values())[::-1]
    scores = {name: np.array([row[name] for row in first], dtype=np.float64) for name in scored}
    return Answers(
        _known(tuple(row["id"] for row in first))[0],
        np.ones(len(first), dtype=np.int64),
        np.nan_to_num(scores["exact_match"]).astype(np.int64),  # of what was only weighed, no score
        scores=scores,
        written=tuple(row["answer"] for row in first),
        references=tuple(tuple(row["references"]) for row in first),
    )


def row_scores(name: str, runs: Mapping[int, Answers], *, seeded: bool = True) -> RowScores:
    """Answers to the same examples, by seed, as they are compared."""
    first = next(iter(runs.values()))
    return RowScores(
        name,
        first.ids,
        first.labels,
        {seed: run.choices for seed, run in runs.items()},
        {seed: run.probabilities for seed, run in runs.items() if run.probabilities is not None},
        {seed: run.scores for seed, run in runs.items() if run.scores is not None},
        seeded=seeded,
    )
