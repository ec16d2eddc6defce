"""Whether all runs answered the same examples, and what to do where they did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tunewise.core.errors import InputError, Problem, cut
from tunewise.core.format import first_of, plural
from tunewise.data.labels import spelling
from tunewise.judging.runs import Entry, Run, Sheet

MOST_PROBLEMS = 5  # examples with two labels that are named


def on_the_same_examples(
    runs: Sequence[Run], *, shared: bool = False
) -> tuple[list[Run], list[str]]:
    """The runs, each with the same examples in the order of the first, and what was assumed.

    Args:
        runs: each with a sheet, or without where it failed.
        shared: keep the examples that all have, where some lack a few.

    Raises:
        InputError: runs answered other examples, or the same ones have other labels.
    """
    sheets = [run.sheet for run in runs if run.sheet is not None]
    if not sheets:
        return list(runs), []
    assumed = []
    if any(sheet.numbered for sheet in sheets):
        # Rows without ids are the same example where they have the same number.
        if not all(sheet.numbered for sheet in sheets):
            without = next(sheet.place for sheet in sheets if sheet.numbered)
            other = next(sheet.place for sheet in sheets if not sheet.numbered)
            message = f"has no ids, and {other} has: nothing says which examples are the same."
            raise InputError([Problem(without, message)])
        if len({len(sheet.ids) for sheet in sheets}) > 1:
            counts = ", ".join(f"{sheet.place} has {len(sheet.ids):,}" for sheet in sheets[:6])
            message = (
                f"the files have no ids and different numbers of rows ({counts}): nothing says "
                "which examples are the same. Add a column 'id'."
            )
            raise InputError(message)
        assumed += ["The files have no ids: row by row they are about the same examples."]
    everywhere = set(sheets[0].ids).intersection(*(sheet.ids for sheet in sheets[1:]))
    kept = [id for id in sheets[0].ids if id in everywhere]
    most = max(len(sheet.ids) for sheet in sheets)
    if any(len(sheet.ids) != len(kept) for sheet in sheets):
        if not shared or not kept:
            raise InputError(_differing(sheets, everywhere))
        assumed.append(f"Of up to {most:,} examples, the {len(kept):,} that every run has count.")
    reduced = [None if run.sheet is None else run.sheet.of(kept) for run in runs]
    if problems := _two_labels([one for one in reduced if one is not None]):
        raise InputError(problems)
    return [replace(run, sheet=one) for run, one in zip(runs, reduced, strict=True)], assumed


def answered_alike(entries: Sequence[Entry]) -> list[str]:
    """Seeds of a contender whose every answer is the same: nothing was random, or one is a copy."""
    says = []
    for entry in entries:
        first: dict[tuple[str, ...], int] = {}
        for seed, run in entry.runs.items():
            if run.sheet is None:
                continue
            content = tuple(map(str, [*(run.sheet.predictions or ()), *(run.sheet.scores or ())]))
            if (same := first.setdefault(content, seed)) != seed:
                says.append(
                    f"Seeds {same} and {seed} of {entry.name} answer every example alike. Where "
                    "one is a copy or nothing was random, leave one out."
                )
    return says


def _differing(sheets: Sequence[Sheet], everywhere: set[str]) -> list[Problem]:
    """Who lacks what the others have, file by file."""
    union = dict.fromkeys(id for sheet in sheets for id in sheet.ids)
    hint = "To judge by the examples that all have: --shared"
    if not everywhere:
        first = sheets[0]
        other = next((one for one in sheets if set(first.ids).isdisjoint(one.ids)), sheets[-1])
        message = (
            f"no example is in every file: these are different test sets ({first.place}: "
            f"{first_of([cut(id) for id in first.ids])}; {other.place}: "
            f"{first_of([cut(id) for id in other.ids])}). Leave out the files of all but one."
        )
        return [Problem("", message)]
    problems = []
    for sheet in sheets:
        own = set(sheet.ids)
        lacking = [cut(id) for id in union if id not in own]
        if lacking:
            message = (
                f"lacks {plural(len(lacking), 'example')} that others have "
                f"({first_of(lacking)}). {hint}"
            )
            problems.append(Problem(sheet.place, message))
    return problems


def _two_labels(sheets: Sequence[Sheet]) -> list[Problem]:
    """The right answer to an example is the same in all files."""
    first = next((sheet for sheet in sheets if sheet.labels is not None), None)
    problems: list[Problem] = []
    for sheet in sheets:
        if first is None or sheet is first or sheet.labels is None or first.labels is None:
            continue
        differing = [
            (id, ours, theirs)
            for id, ours, theirs in zip(sheet.ids, sheet.labels, first.labels, strict=True)
            if ours != theirs and spelling(ours) != spelling(theirs)
        ]
        if differing:
            id, ours, theirs = differing[0]
            message = (
                f"{plural(len(differing), 'example')} {'has' if len(differing) == 1 else 'have'} "
                f"another label than in {first.place}: '{cut(id)}' has {str(ours)!r:.40}, there "
                f"{str(theirs)!r:.40}. These are different test sets."
            )
            problems.append(Problem(sheet.place, message))
    return problems[:MOST_PROBLEMS]
