"""Can a contender learn ten examples by heart? What cannot has a mistake somewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tunewise.costs.measure import Stopwatch
from tunewise.data.examples import Example
from tunewise.methods.base import Adaptation
from tunewise.training.assembly import Parts, prepared_model
from tunewise.training.encoded_split import Feed
from tunewise.training.log import TrialLog
from tunewise.training.loop import Training

EXAMPLES = 10
EPOCHS = 20
BATCH = 64
RATE = 1e-4  # the least: twenty small steps of a method with a small rate would show nothing


def few_examples(train: Sequence[Example], count: int = EXAMPLES) -> list[Example]:
    """The first examples, option by option in turn, each text once about an image.

    All of one option, or one text under two labels, would prove nothing.

    >>> rows = [("a", 0), ("b", 0), ("a", 1), ("c", 1), ("d", 0)]
    >>> train = [Example(str(at), (text,), label) for at, (text, label) in enumerate(rows)]
    >>> [example.texts[0] for example in few_examples(train, 3)]
    ['a', 'c', 'b']
    """
    groups: dict[int, list[Example]] = {}
    seen = set()
    for example in train:
        known = example.label is not None or example.references
        if known and (example.texts, example.image) not in seen:
            seen.add((example.texts, example.image))
            groups.setdefault(example.label or 0, []).append(example)
    turns = [
        (turn, label, example)
        for label, group in groups.items()
        for turn, example in enumerate(group[:count])
    ]
    turns.sort(key=lambda place: place[:2])
    return [example for _, _, example in turns[:count]]


def overfit(parts: Parts, examples: Sequence[Example], *, learning_rate: float) -> list[float]:
    """Train on the examples and nothing else.

    All but epochs, batch and rate is as in the contender's own training.

    Returns:
        The fraction answered correctly after each epoch, in evaluation mode.

    Raises:
        Diverged: a loss or gradient was not finite.
    """
    method = parts.method
    if not isinstance(method, Adaptation):
        raise TypeError(f"method '{method.name}' is not trained by the loop")
    model = prepared_model(parts, method)
    limit = parts.max_length(model)
    task: Any = parts.task
    right = "exact_match" if task.writing else "accuracy"
    graded = replace(task, metrics=(right,))
    learnt = task.encode(examples, model.processor, max_length=limit, learning=True)
    asked = task.encode(examples, model.processor, max_length=limit)
    settings = replace(
        parts.training, epochs=EPOCHS, batch_size=BATCH, choose="last", patience=None
    )
    with TemporaryDirectory() as place:
        progress = Training(
            task=graded,
            model=model,
            method=method,
            settings=settings,
            learning_rate=learning_rate,
            seed=parts.seed,
            train_feed=Feed(task, model.processor, learnt),
            validation_feed=Feed(graded, model.processor, asked),
            validation=examples,
            checkpoints=Path(place) / "checkpoint",
            checkpoint_seconds=math.inf,
            log=TrialLog(Path(place) / "log.jsonl"),
            stopwatch=Stopwatch(),
            stop=lambda: False,
        ).run()
    return [record["validation"][right] for record in progress.epochs]


def rate_for(method: Adaptation, stated: float | None) -> float:
    """The study's own learning rate if it states one, else the method's, and 1e-4 at least."""
    return stated if stated is not None else max(RATE, method.learning_rate)
