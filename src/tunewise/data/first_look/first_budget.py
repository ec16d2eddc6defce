"""How much time a drafted study is given, by the size of its data and the speed of a core.

The seconds are those that `tunewise plan` predicts for the embedded models with two workers, over
exports of 90 to 9,000 rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tunewise.core.units import written_budget

MINUTES = (2, 5, 10, 20, 30, 60, 120)  # beyond them whole hours
AROUND_SECONDS = 20.0  # reading, loading, the report
RESERVE = 1.3  # for what the sizes alone do not tell; `run` refuses a budget below its own plan
USUAL_FLOPS = 2 * 47e9  # operations a second in float32, of the two cores that the paces are for
BYTES_A_WORD = 6.5  # with its space; scripts without spaces count by their length alike
MOST_WORDS = 180.0  # that the embedded models read of a text


@dataclass(frozen=True)
class Pace:
    """What the search of all methods of a draft takes, for each example that a training reads."""

    example: float  # seconds
    word: float  # seconds, of each word of it
    epochs: int
    least: int = 0  # examples that a training reads however few rows there are
    answering: float = 1 / 3  # of the time of a training step, to answer as many rows


WRITING = Pace(0.03, 0.0032, epochs=3, answering=0.85)
PACES = {
    "classification": Pace(0.0042, 0.00042, epochs=3, least=6400),  # 200 steps of 32
    "question-answering": WRITING,
    "chat": WRITING,
}


def first_budget(
    kind: str, rows: Mapping[str, int], size: float, *, flops_per_second: float = USUAL_FLOPS
) -> str:
    """What all methods of a draft need to be searched and trained once, with reserve.

    Args:
        kind: of the task.
        rows: by split.
        size: mean bytes of a row's texts.
        flops_per_second: in float32, of all the cores that trials run on side by side.

    >>> first_budget("classification", {"train": 350, "validation": 120, "test": 120}, 500)
    '10 min'
    """
    searching = search_seconds(PACES[kind], rows, size) * USUAL_FLOPS / flops_per_second
    needed = RESERVE * (AROUND_SECONDS + searching)
    fitting = (60 * minutes for minutes in MINUTES if 60 * minutes >= needed)
    return written_budget(next(fitting, needed))


def search_seconds(pace: Pace, rows: Mapping[str, int], size: float) -> float:
    """About how long it takes until every method has its rate and its first seed, on two cores."""
    words = min(size / BYTES_A_WORD, MOST_WORDS)
    epochs = max(pace.epochs, pace.least / rows["train"])
    answered = epochs * rows["validation"] + rows.get("test", 0)
    read = epochs * rows["train"] + pace.answering * answered
    return read * (pace.example + pace.word * words)
