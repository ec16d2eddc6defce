"""Logs of Inspect: JSON (``--log-format json``), or unpacked of their archives.

`eval` says which model and task, `samples` has an entry for each example and epoch with its
`scores` by scorer. Epochs are repeated answers of one model, and count as seeds.

Source: inspect_ai, ``log/_log.py`` (EvalLog) and ``scorer/_metric.py`` (C, I, P and N).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunewise.core.errors import InputError, Problem
from tunewise.judging.asked import Asked, one_of
from tunewise.judging.runs import Known, Run, Sheet

EPOCHS = "Epochs of a log are answers drawn anew, and count as seeds."
LETTERS = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}


def is_log(content: Any) -> bool:
    return isinstance(content, dict) and {"eval", "status"} <= content.keys()


def task_in(content: Mapping[str, Any]) -> str:
    return str(_part(content, "eval").get("task", "task"))


def log_runs(content: Mapping[str, Any], place: str, asked: Asked) -> list[Run]:
    """One run for each epoch.

    Raises:
        InputError: a log without samples or scores, several scorers of which none was asked for,
            or a value that is no number.
    """
    about = _part(content, "eval")
    model = str(about.get("model", "")) or None
    if content.get("status") != "success":
        error = str(_part(content, "error").get("message") or content.get("status"))
        return [Run(place, model or place, model, error=error, known=Known(model=model))]
    samples = content.get("samples")
    if not isinstance(samples, list) or not samples:
        message = "has no samples: it was written with --no-log-samples, or is only the header."
        raise InputError([Problem(place, message)])
    names = [name for sample in samples for name in _part(sample, "scores")]
    if not names:
        raise InputError([Problem(place, "no sample has a score.")])
    scorer = one_of("scorer", "--columns score", names, asked.columns.get("score"))
    epochs: dict[int, list[tuple[str, float]]] = {}
    problems = []
    for number, sample in enumerate(samples):
        score = _part(_part(sample, "scores"), scorer)
        given, value = score.get("value"), None
        if isinstance(given, str):
            value = LETTERS.get(given)
        elif isinstance(given, int | float):
            value = float(given)
        if value is None:
            message = f"{scorer} = {given!r:.40}: a number or C, I, P, N is needed."
            problems.append(Problem(f"{place}: samples[{number}]", message))
            continue
        epochs.setdefault(int(sample.get("epoch", 1)), []).append((str(sample["id"]), value))
    if problems:
        raise InputError(problems)
    several = len(epochs) > 1
    return [
        Run(
            f"{place} (epoch {epoch})" if several else place,
            place,
            model,
            epoch if several else None,
            Sheet(
                tuple(id for id, _ in rows),
                scores=[value for _, value in rows],
                scored_by=scorer,
                place=place,
            ),
            known=Known(model=model),
            assumed=(EPOCHS,) if several else (),
        )
        for epoch, rows in epochs.items()
    ]


def _part(content: Any, key: str) -> Mapping[str, Any]:
    part = content.get(key) if isinstance(content, Mapping) else None
    return part if isinstance(part, Mapping) else {}
