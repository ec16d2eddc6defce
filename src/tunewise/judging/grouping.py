"""Which runs are one contender, and with which seed each ran."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path, PurePath

from tunewise.core.errors import InputError, Problem, nearest
from tunewise.core.format import first_of, listed, plural
from tunewise.data.readers.files import read_file
from tunewise.data.table import twice_in
from tunewise.judging.runs import Entry, Run

FIELDS = ("name", "seed", "any")
SEED = re.compile(
    r"(?:^|[-_./ ])(?:seed|run|rep|replicate|s)[-_=]?(\d+)(?=$|[-_./ ])", re.IGNORECASE
)
BARE = re.compile(r"[-_./ ]\d+$")
PATTERN = "such as --pattern '{name}-seed{seed}'"


def grouped(
    runs: Sequence[Run], *, pattern: str | None = None, table: Path | None = None
) -> tuple[list[Entry], list[str]]:
    """The contenders, in the order of their first run, and what was assumed.

    What a source says of a run counts first, then the table, then the pattern, then the names of
    the files.

    Raises:
        InputError: a pattern that does not fit, a run the table lacks, one seed twice.
    """
    assumed: list[str] = []
    if table is not None:
        runs = _by_table(runs, table)
    elif pattern is not None:
        runs = _by_pattern(runs, pattern)
    unnamed = [run for run in runs if run.name is None]
    if unnamed:
        named, says = _by_names(unnamed)
        assumed += says
        given = iter(named)
        runs = [next(given) if run.name is None else run for run in runs]
    entries: dict[str, list[Run]] = {}
    for run in runs:
        entries.setdefault(str(run.name), []).append(run)
    found = [_entry(name, own) for name, own in entries.items()]
    numbered = [
        f"Nothing says which seeds the {len(own)} runs of {name} had; each counts as another, and "
        "is compared with the run of the same number."
        for name, own in entries.items()
        if len(own) > 1 and all(run.seed is None for run in own)
    ]
    parts = []
    for entry in found:
        seeds = list(entry.runs)
        several = first_of([str(seed) for seed in seeds], most=8)
        parts.append(f"{entry.name} ({'seeds' if len(seeds) > 1 else 'seed'} {several})")
    return found, [
        f"{plural(len(found), 'contender')}: {listed(parts, most=12)}.",
        *numbered,
        *assumed,
    ]


def _entry(name: str, runs: Sequence[Run]) -> Entry:
    """Runs without a seed are numbered; with one, each has its own."""
    seeds = [run.seed for run in runs]
    known = [seed for seed in seeds if seed is not None]
    if not known:
        return Entry(name, dict(enumerate(runs)))
    problems = [
        Problem(
            run.place, f"'{name}' has runs with seeds, and of this one none is known. {PATTERN}"
        )
        for run in runs
        if run.seed is None
    ]
    for seed in twice_in([str(seed) for seed in known]):
        places = [run.place for run in runs if str(run.seed) == seed]
        message = (
            f"'{name}' has seed {seed} more than once: {listed(places)}. Leave one, or say how "
            f"names and seeds stand in the paths, {PATTERN}, or in a table: --runs runs.csv"
        )
        problems.append(Problem("", message))
    if problems:
        raise InputError(problems)
    ordered = sorted(zip(known, runs, strict=True), key=lambda pair: pair[0])
    return Entry(name, dict(ordered))


def _by_pattern(runs: Sequence[Run], pattern: str) -> list[Run]:
    """``{name}`` and ``{seed}`` in the end of each path; ``{any}`` and ``*`` match what varies."""
    expression, problems, found = _expression(pattern), [], []
    for run in runs:
        path = PurePath(run.place)
        ends = (path.with_suffix("").as_posix(), path.as_posix())
        met = next((m for end in ends if (m := expression.search(end))), None)
        if met is None:
            message = f"does not fit --pattern '{pattern}'; patterns match the end of the path."
            problems.append(Problem(run.place, message))
            continue
        parts = met.groupdict()
        seed = int(parts["seed"]) if parts.get("seed") else run.seed
        found.append(replace(run, name=parts.get("name") or run.name, seed=seed))
    if problems:
        raise InputError(problems)
    return found


def _expression(pattern: str) -> re.Pattern[str]:
    kinds = {"name": r"(?P<name>[^/]+?)", "seed": r"(?P<seed>\d+)", "any": r"[^/]*?"}
    made, seen = "", []
    for part in re.split(r"(\{[^{}]*\}|\*)", pattern):
        if part == "*":
            made += kinds["any"]
        elif part.startswith("{"):
            field = part[1:-1]
            if field not in FIELDS:
                raise InputError(f"--pattern: unknown field '{field}'. {nearest(field, FIELDS)}")
            if field != "any" and field in seen:
                raise InputError(f"--pattern: {{{field}}} stands there twice.")
            seen.append(field)
            made += kinds[field]
        else:
            made += re.escape(part)
    if "name" not in seen and "seed" not in seen:
        raise InputError(f"--pattern '{pattern}' has neither {{name}} nor {{seed}}: {PATTERN}.")
    return re.compile(rf"(?:^|/){made}$")


def _by_table(runs: Sequence[Run], path: Path) -> list[Run]:
    """A table with the columns file and name, and where there are several runs, seed."""
    table = read_file(path, str(path))
    needed = [column for column in ("file", "name") if column not in table.columns]
    if needed:
        message = f"has no column '{needed[0]}'; it needs file, name and, for several, seed."
        raise InputError([Problem(str(path), message)])
    rows = {}
    for row in table.rows:
        file = Path(str(row["file"]))
        rows[_real(file if file.is_absolute() else path.parent / file)] = row
        rows.setdefault(_real(file), row)
    problems, found = [], []
    for run in runs:
        place = _real(Path(run.place))
        if place not in rows:
            known = nearest(run.place, [str(row["file"]) for row in table.rows])
            problems.append(Problem(run.place, f"is no file in {path}. {known}"))
            continue
        row = rows[place]
        seed = row.get("seed")
        if seed not in (None, "") and not re.fullmatch(r"\d+", str(seed)):
            problems.append(Problem(row["_place"], f"seed = {seed!r}: a whole number is needed."))
            continue
        given = run.seed if seed in (None, "") else int(seed)
        found.append(replace(run, name=str(row["name"]), seed=given))
    if problems:
        raise InputError(problems)
    return found


def _real(path: Path) -> str:
    return os.path.normpath(path.absolute())


def _by_names(runs: Sequence[Run]) -> tuple[list[Run], list[str]]:
    """Seeds stand in a path behind a word for them; what is left of it is the name.

    A bare number may as well be a rank or a size, and is part of the name.
    """
    paths = []
    for run in runs:
        place = PurePath(run.called or run.place)
        known = place.suffix.lower() in (".jsonl", ".json", ".csv", ".tsv", ".parquet")
        paths.append((place.with_suffix("") if known else place).as_posix())
    varying = _without_common(paths)
    found, bare = [], []
    for run, whole, path in zip(runs, paths, varying, strict=True):
        met = list(SEED.finditer(whole))
        seed = int(met[-1][1]) if met and run.seed is None else run.seed
        if not met and BARE.search(path):
            bare.append(path)
        name = _without_seed(path) or _without_seed(whole).rpartition("/")[2] or path
        found.append(replace(run, name=name, seed=seed))
    says = []
    if len(bare) > 1 and len({BARE.sub("", path) for path in bare}) < len(bare):
        says.append(
            f"The numbers in {first_of(bare)} are taken for a part of the name. Where they are "
            "seeds: --pattern '{name}-{seed}'"
        )
    return found, says


def _without_seed(path: str) -> str:
    """What is left of a path without the last word for a seed."""
    met = list(SEED.finditer(path))
    left = f"{path[: met[-1].start()]}/{path[met[-1].end() :]}" if met else path
    return re.sub(r"[-_ ]*/+[-_ ]*", "/", left).strip("-_./ ")


def _without_common(paths: Sequence[str]) -> list[str]:
    """The parts of each path that are not the same in all."""
    if len(paths) == 1:
        return [paths[0].rpartition("/")[2]]
    parts = [path.split("/") for path in paths]
    start = _alike(parts)
    end = _alike([list(reversed(one[start:])) for one in parts])
    kept = ["/".join(one[start : len(one) - end]) for one in parts]
    return [one or path.rpartition("/")[2] for one, path in zip(kept, paths, strict=True)]


def _alike(parts: Sequence[Sequence[str]]) -> int:
    """How many parts all of them begin with."""
    return sum(1 for _ in takewhile(lambda one: len(set(one)) == 1, zip(*parts, strict=False)))
