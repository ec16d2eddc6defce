"""More time, or more seeds, for a study that has run: options of the command line as settings."""

from __future__ import annotations

import re
from pathlib import Path

from tunewise.core.errors import DamagedFile, InputError, Problem
from tunewise.core.units import A_BUDGET, parse_budget
from tunewise.store.study import StudyFolder, is_study
from tunewise.studyfile.settings import StudySettings

_SEEDS = re.compile(r"seeds=(\d+)")


def budget_override(budget: str | None) -> tuple[list[str], float]:
    """What ``--budget`` means: a setting of the study, or seconds to add to its budget.

    Raises:
        InputError: it is no budget.

    >>> budget_override("30min"), budget_override("+1h"), budget_override(None)
    ((['budget="30min"'], 0.0), ([], 3600.0), ([], 0.0))
    """
    if budget is None:
        return [], 0.0
    adds, amount = budget.startswith("+"), budget.removeprefix("+")
    try:
        parsed = parse_budget(amount)
    except ValueError as error:
        raise InputError([Problem("--budget", f"found {budget!r}: {A_BUDGET}")]) from error
    if not adds:
        return [f'budget="{amount}"'], 0.0
    if parsed.seconds is None:
        message = f"found {budget!r}: time alone can be added, such as +30min."
        raise InputError([Problem("--budget", message)])
    return [], parsed.seconds


def earlier_budget(settings: StudySettings, folder: Path) -> list[str]:
    """The setting that the folder's study had as its budget, where the study file names none."""
    if settings.budget is not None or not is_study(folder):
        return []
    try:
        earlier = StudyFolder(folder).study().settings.get("budget")
    except DamagedFile:
        return []
    return [f'budget="{earlier}"'] if isinstance(earlier, str) else []


def more_seeds(more: str, settings: StudySettings, folder: Path) -> str:
    """The setting that ``--more seeds=2`` means: the seeds the folder has had, and further ones.

    Raises:
        InputError: it has another form.
    """
    found = _SEEDS.fullmatch(more)
    if found is None or int(found[1]) < 1:
        message = f"found {more!r}: how many further seeds, such as --more seeds=2."
        raise InputError([Problem("--more", message)])
    seeds = list(settings.seeds)
    try:
        earlier = StudyFolder(folder).study().seeds if is_study(folder) else ()
    except DamagedFile:
        earlier = ()
    seeds += [seed for seed in earlier if seed not in seeds]
    unused = (seed for seed in range(len(seeds) + int(found[1])) if seed not in seeds)
    new = [seed for seed, _ in zip(unused, range(int(found[1])), strict=False)]
    return f"seeds={[*seeds, *new]}"
