"""Where memory and time go within a training step."""

from __future__ import annotations

from dataclasses import replace

from tunewise.core.format import milliseconds, size
from tunewise.reports.charts.memory import memory_by_phase
from tunewise.reports.document.model import PRINT, REPORT, Column, Paragraph, Section, Table
from tunewise.reports.facts.costs import HELD, TIMED, Phases
from tunewise.reports.facts.facts import Facts
from tunewise.reports.sections.cells import CONTENDER, named

WHAT = (
    "Where memory and time go: the bytes of the weights, of the gradients, of the optimizer’s "
    "state and of the activations that the backward pass needs, counted storage by storage in one "
    "step of the longest examples; the largest sum at one time, with its phase; and the "
    "milliseconds of each phase in a mean step."
)


def section(facts: Facts) -> Section | None:
    if not facts.phases:
        return None
    shown = [one for one in facts.phases if one.name in facts.shortlist.names]
    columns = (
        replace(CONTENDER, of=lambda one: named(facts.evidence.by_name[one.name])),
        *(_held(part) for part in HELD),
        Column("Peak", "peak bytes", size, "peak"),
        Column("Phase", "peak phase", of="peak_phase", number=False),
        *(_timed(part) for part in TIMED),
    )
    caption = f"Memory by what holds it, and time of a step by phase{facts.shortlist.note}"
    return Section.of(
        "phases",
        "Memory and time by phase",
        [
            Paragraph(f"{WHAT}{_ratio(shown)}", outputs=PRINT),
            Table.about("phases", caption, columns, shown, outputs=REPORT),
            memory_by_phase(shown),
        ],
    )


def _held(part: str) -> Column:
    return Column(part.capitalize(), f"{part} bytes", size, lambda one: one.held.get(part))


def _timed(part: str) -> Column:
    title = f"{part.capitalize()}, ms"
    return Column(title, f"{part} seconds", milliseconds, lambda one: one.seconds.get(part))


def _ratio(shown: list[Phases]) -> str:
    """How many forward passes a backward pass is worth."""
    times = [one.seconds for one in shown if one.seconds.get("backward")]
    ratios = [one["backward"] / one["forward"] for one in times if one.get("forward")]
    if not ratios:
        return ""
    low, high = (f"{value:.1f}" for value in (min(ratios), max(ratios)))
    span = low if low == high else f"{low} to {high}"
    return f" The backward pass takes {span} times as long as the forward pass."
