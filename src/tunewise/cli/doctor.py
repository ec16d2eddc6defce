"""``tunewise doctor``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Grid
from rich.text import Text

from tunewise.analysis.facts import Facts
from tunewise.cli import completion
from tunewise.cli.console import STDOUT, say
from tunewise.core.environment import environment
from tunewise.core.errors import InputError, Problem
from tunewise.core.format import plural, size
from tunewise.core.sanitize import shown
from tunewise.estimate.plan import plan
from tunewise.estimate.plan_types import Plan
from tunewise.estimate.schedule import too_small
from tunewise.reports.sections.verdict import at_limit, still_improving
from tunewise.results import StudyResults
from tunewise.store.study import is_study
from tunewise.studies.engines.pool import usable_cores
from tunewise.studies.examination import Area, Symptom, machine_symptoms, symptoms_of
from tunewise.studies.prepare import prepare
from tunewise.studyfile.settings import StudySettings
from tunewise.studyfile.studyfile import read_study

AREAS: dict[Area, str] = {
    "study": "Study file",
    "data": "Data",
    "models": "Models",
    "machine": "Machine",
    "comparison": "Comparison",
}
MARKS = {"wrong": ("✗", "red"), "doubtful": ("?", "yellow")}
LONG = 3600.0  # seconds from which on a study is worth a word before it begins

Place = Annotated[
    Path | None,
    typer.Argument(
        help="A study file, or the folder of a study; the machine alone if neither.",
        show_default=False,
        autocompletion=completion.studies,
    ),
]


def command(
    study: Place = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
) -> None:
    """Say on one page what is wrong or doubtful, each with its remedy; change nothing.

    Looks at data, models, machine and comparison. Of a study file, what would run; of a folder,
    what ran. Exit code 2: something is wrong; doubts alone are 0.
    """
    areas, grades = list(AREAS), list(MARKS)
    found = sorted(
        _symptoms(study), key=lambda one: (areas.index(one.area), grades.index(one.grade))
    )
    if as_json:
        values = {"symptoms": [asdict(one) for one in found], "environment": environment()}
        typer.echo(json.dumps(values, indent=2))
    else:
        _print(found, study)
    if any(one.grade == "wrong" for one in found):
        raise typer.Exit(2)


def _symptoms(path: Path | None) -> Iterator[Symptom]:
    yield from machine_symptoms()
    if path is None:
        return
    if path.is_file():
        yield from _of_file(path)
    elif is_study(path):
        facts = StudyResults(path).facts
        yield from symptoms_of(facts.evidence.study)
        resume = f"tunewise run {path / 'study.yaml'} --out {path}"
        for fault in facts.evidence.damaged:
            yield Symptom("comparison", "wrong", f"Damaged: {fault.says}", resume)
        yield from _compared(facts, path, resume)
    else:
        message = "no study here. A study file, or a folder that was run, is right here."
        raise InputError([Problem(str(path), message)])


def _of_file(path: Path) -> Iterator[Symptom]:
    """What would refuse to run, or else what a run would leave in doubt."""
    try:
        settings = read_study(path)
        prepared = prepare(settings, say=say)
        planned = plan(settings, workers=len(usable_cores()), say=say)
    except InputError as error:
        for problem in error.problems:
            # Its area is that of the key of the study file that it names.
            words = problem.place.replace(":", " ").replace(".", " ").replace("[", " ").split()
            area: Area = "models" if "models" in words else "study"
            if any(word in words for word in ("data", "csv", "tsv", "jsonl", "parquet")):
                area = "data"
            fix = f"Correct it there; then: tunewise doctor {path}"
            yield Symptom(area, "wrong", str(problem), fix)
        return
    yield from symptoms_of(prepared.study)
    yield from _planned(planned, settings)


def _planned(found: Plan, settings: StudySettings) -> Iterator[Symptom]:
    for row in found.contenders:
        if not row.fits:
            says = f"{row.name} needs {size((row.peak_bytes or 0) + found.libraries_bytes)} of "
            says += f"{size(found.limit_bytes)}."
            fix = row.remedies[0].settings if row.remedies else "a smaller model, or lora"
            yield Symptom("machine", "wrong", says, f"It would fit with {fix}.")
    free = shutil.disk_usage(Path()).free
    if free < found.disk_bytes:
        says = f"The study takes {size(found.disk_bytes)} on disk, and {size(free)} are free."
        yield Symptom("machine", "wrong", says, "Make room, or --set keep=none.")
    if found.schedule is not None and found.schedule.needed > found.schedule.budget:
        says, fix = too_small(found.schedule)
        yield Symptom("study", "wrong", says, fix)
    if settings.budget is None and found.seconds > LONG:
        says = f"It would take {found.time} on this machine."
        fix = "Name a budget (budget: 1 h), a smaller model, or data.limit."
        yield Symptom("machine", "doubtful", says, fix)
    if len(settings.seeds) < 2 and settings.budget is None:
        says = "One seed: the results will hold for these checkpoints, not for the methods."
        yield Symptom("comparison", "doubtful", says, "seeds: [0, 1, 2], or a budget.")


def _compared(facts: Facts, path: Path, resume: str) -> Iterator[Symptom]:
    """What makes the verdict doubtful."""
    verdict, results = facts.verdict, facts.results

    def doubt(says: str, remedy: str) -> Symptom:
        return Symptom("comparison", "doubtful", says, remedy)

    for row in results.failed:
        error = f": {row.error}" if row.error else "."
        report = f"Read {path / 'report' / 'index.html'}, Failed trials; then: {resume}"
        yield Symptom("comparison", "wrong", f"{row.name} failed ({row.status}){error}", report)
    for row in results.out_of_time:
        says = f"{row.name} has no score: the budget was spent before its search was over."
        yield doubt(says, f"{resume} --budget +5min")
    if not verdict.finished:
        yield doubt("The study has not finished.", resume)
    elif len(results.seeds_planned) < 2:
        more = f"{resume} --more seeds=2"
        yield doubt("One seed: the results hold for these checkpoints, not the methods.", more)
    for one in facts.comparability:
        yield doubt(one.says, one.todo)
    for below in facts.below_the_obvious:
        says = below.sentence(results.metric)
        yield doubt(says, "Try other learning rates or more epochs: search, training.epochs.")
    for says in filter(None, (at_limit(facts), still_improving(facts))):
        yield doubt(says, "Name more: training: {epochs: ...}.")
    errors = facts.errors
    if errors and errors.mistakes:
        says = f"{plural(len(errors.mistakes), 'label')} of {errors.examined:,} may be mistakes."
        yield doubt(says, f"tunewise errors {path}")


def _print(found: Sequence[Symptom], path: Path | None) -> None:
    for area, title in AREAS.items():
        own = [one for one in found if one.area == area]
        if own:
            STDOUT.print(Text(title, style="bold"))
        for one in own:
            mark, color = MARKS[one.grade]
            lines = Grid.grid(padding=(0, 1, 0, 0))
            lines.add_row("", Text(mark, style=color), Text(shown(one.says)))
            lines.add_row("", "", Text(f"→ {shown(one.remedy)}", style="dim"))
            STDOUT.print(lines)
    wrong = sum(one.grade == "wrong" for one in found)
    about = "this machine" if path is None else str(path)
    if not found:
        STDOUT.print(f"Nothing wrong or doubtful was found with {shown(about)}.")
    else:
        STDOUT.print(f"\n{about}: {wrong} wrong, {len(found) - wrong} doubtful.", soft_wrap=True)
    STDOUT.print()
    values = environment()
    cores, memory = values["cores"], values["memory_bytes"]
    words = [f"tunewise {values['tunewise']}", f"python {values['python']}"]
    words += [f"{name} {values[name] or 'not installed'}" for name in ("torch", "transformers")]
    words += [f"peft {values['peft'] or 'not installed'}", str(values["system"])]
    words += [f"{cores} cores", size(memory) if isinstance(memory, int) else "memory unknown"]
    STDOUT.print(Text(f"{', '.join(words)}. All of it: tunewise env", style="dim"))
