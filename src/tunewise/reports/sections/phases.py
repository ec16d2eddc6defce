"""Where memory and time go within a training step."""

from __future__ import annotations

from tunewise.core.format import milliseconds, size
from tunewise.reports.charts.memory import memory_by_phase
from tunewise.reports.document.model import PRINT, REPORT, Column, Paragraph, Section, Table
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.phases import HELD, TIMED, Phases
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
        CONTENDER,
        *(Column(part.capitalize(), f"{part} bytes", size) for part in HELD),
        Column("Peak", "peak bytes", size),
        Column("Phase", "peak phase", number=False),
        *(Column(f"{part.capitalize()}, ms", f"{part} seconds", milliseconds) for part in TIMED),
    )
    caption = "Memory by what holds it, and time of a step by phase"
    rows = tuple(_cells(facts, one) for one in shown)
    return Section.of(
        "phases",
        "Memory and time by phase",
        [
            Paragraph(f"{WHAT}{_ratio(shown)}", outputs=PRINT),
            Table("phases", f"{caption}{facts.shortlist.note}", columns, rows, outputs=REPORT),
            memory_by_phase(shown),
        ],
    )


def _cells(facts: Facts, one: Phases) -> tuple[object, ...]:
    return (
        named(facts.contenders[one.name]),
        *(one.held.get(part) for part in HELD),
        one.peak,
        one.peak_phase,
        *(one.seconds.get(part) for part in TIMED),
    )


def _ratio(shown: list[Phases]) -> str:
    """How many forward passes a backward pass is worth."""
    times = [one.seconds for one in shown if one.seconds.get("backward")]
    ratios = [one["backward"] / one["forward"] for one in times if one.get("forward")]
    if not ratios:
        return ""
    low, high = (f"{value:.1f}" for value in (min(ratios), max(ratios)))
    span = low if low == high else f"{low} to {high}"
    return f" The backward pass takes {span} times as long as the forward pass."
