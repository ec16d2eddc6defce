"""What a study and its plan look like in a notebook, before anything has run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tunewise.core.format import count, duration, size
from tunewise.data.in_memory import FOLDER as TABLES
from tunewise.estimate.plan_types import Plan, Planned
from tunewise.reports.document.model import Column, Noted, Pairs, Paragraph, Table
from tunewise.reports.outputs.notebook import cell
from tunewise.studyfile.expand import expand
from tunewise.studyfile.settings import StudySettings


def study_html(settings: StudySettings) -> str:
    """What it asks of which data, and the contenders that it compares."""
    planned = expand(settings)
    files = ", ".join(f"{split}: {name}" for split, name in (settings.data.files or {}).items())
    seeds = ", ".join(map(str, settings.seeds))
    if settings.budget and len(settings.seeds) > 1:
        seeds = f"up to {len(settings.seeds)}, where they can change the verdict"
    source = settings.data.source
    if isinstance(source, str) and Path(source).parent.name == TABLES.name:
        source = f"a table of Python, kept as {source}"
    facts = (
        ("Task", f"{settings.task.name} of {' and '.join(settings.task.reading.texts)}"),
        ("Data", " ".join(filter(None, (source, f"({files})" if files else "")))),
        ("Seeds", seeds),
        *((("Budget", settings.budget),) if settings.budget else ()),
    )
    columns = (
        Column("Contender", of="name", number=False),
        Column("Model", of=lambda row: str(row.model or "–"), number=False),
        Column(
            "Trainings, up to" if settings.budget else "Trainings",
            of=lambda row: row.trials(planned.seeds),
        ),
    )
    table = Table.about("contenders", "What it compares", columns, planned.contenders)
    notes = [Paragraph(note, style="note") for note in planned.notes]
    return cell(settings.name, [Pairs(facts), table, *notes])


def plan_html(plan: Plan) -> str:
    """A row for each contender, then what the whole takes."""
    columns = (
        Column("Contender", of="name", number=False),
        Column("Trainings", of="trials"),
        Column("Trainable", None, count, _counted("trainable")),
        Column("Parameters", None, count, _counted("total")),
        Column(
            "Memory",
            of=lambda row: Noted(size(row.peak_bytes), "" if row.fits else "does not fit"),
        ),
        Column("Stored", None, size, "artefact_bytes"),
        Column("Time of one", None, duration, "seconds"),
    )
    table = Table.about("plan", "What each contender would take", columns, plan.contenders)
    whole = (
        f"{plan.trials} trainings, about {plan.time} with "
        f"{min(plan.workers, plan.trials)} side by side; {size(plan.disk_bytes)} on disk."
    )
    notes = [f"{row.name}: {row.note}" for row in plan.contenders if row.note]
    for row in plan.contenders:
        if not row.fits:
            remedy = f" It would fit with {row.remedies[0].settings}." if row.remedies else ""
            notes.append(f"{row.name} does not fit into {size(plan.limit_bytes)}.{remedy}")
    return cell(
        plan.name,
        [
            Paragraph(whole, style="headline"),
            table,
            *(Paragraph(note, style="note") for note in (*notes, *plan.notes)),
        ],
    )


def _counted(which: str) -> Callable[[Planned], int | None]:
    return lambda row: (row.parameters or {}).get(which)
