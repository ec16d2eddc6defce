"""Where memory and time go within a training step."""

from __future__ import annotations

from dataclasses import replace

from tunewise.analysis.costs import ALLOCATED, HELD, RESERVED, TIMED
from tunewise.analysis.facts import Facts
from tunewise.core.format import milliseconds, size
from tunewise.reports.charts.memory import PHASES, memory_by_phase
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import CONTENDER, from_to, named

WHAT = (
    "Where memory and time go: the bytes of the weights, of the gradients, of the optimizer’s "
    "state and of the activations that the backward pass needs, counted storage by storage in one "
    "step of the longest examples; the largest sum at one time, with its phase; and the "
    "milliseconds of each phase in a mean step. The pass over a frozen backbone is made once, and "
    "counted on a batch of that size."
)
ON_GPUS = (
    "Of the GPU, as its allocator counts: what tensors had at most in each phase, and what was "
    "reserved from the card for them, which no other program gets. CUDA’s own share of a process "
    "is in neither."
)


@doc.titled("phases", "Memory and time by phase")
def section(facts: Facts) -> doc.Blocks:
    if not facts.phases:
        return
    shown = [one for one in facts.phases if one.name in facts.shortlist.names]
    columns = (
        replace(CONTENDER, of=lambda one: named(facts.evidence.by_name[one.name])),
        *(doc.Column(part.capitalize(), f"{part} bytes", size, ("held", part)) for part in HELD),
        doc.Column("Peak", "peak bytes", size, "peak"),
        doc.Column(
            "Phase",
            "peak phase",
            lambda name: PHASES.get(name) or str(name),
            "peak_phase",
            number=False,
        ),
        *(
            doc.Column(
                f"{part.capitalize()}, ms", f"{part} seconds", milliseconds, ("seconds", part)
            )
            for part in TIMED
        ),
    )
    caption = f"Memory by what holds it, and time of a step by phase{facts.shortlist.note}"
    text = WHAT
    seconds = [one.seconds for one in shown if one.seconds.get("backward")]
    if ratios := [one["backward"] / one["forward"] for one in seconds if one.get("forward")]:
        times = from_to(*(round(one, 1) for one in ratios))
        text += f" The backward pass takes {times} times as long as the forward pass."
    yield doc.Paragraph(text, outputs=doc.PRINT)
    yield doc.Table.about("phases", caption, columns, shown, outputs=doc.REPORT)
    yield memory_by_phase(shown)
    yield from _of_gpus(facts)


def _of_gpus(facts: Facts) -> doc.Blocks:
    """What a GPU's allocator said, where trials ran on one."""
    shown = [one for one in facts.device_peaks if one.name in facts.shortlist.names]
    if not shown:
        return
    phases = dict.fromkeys(phase for one in shown for phase in one.allocated)
    columns = [
        replace(CONTENDER, of=lambda one: named(facts.evidence.by_name[one.name])),
        doc.Column("Most allocated", "allocated bytes", size, "most_allocated"),
        doc.Column("Most reserved", "reserved bytes", size, "most_reserved"),
    ]
    for phase in phases:
        title = (PHASES.get(phase) or phase.replace("_", " ")).capitalize()
        columns += [
            doc.Column(f"{title}, allocated", f"{phase} allocated", size, (ALLOCATED, phase)),
            doc.Column(
                f"{title}, reserved",
                f"{phase} reserved",
                size,
                (RESERVED, phase),
                outputs=doc.PAGE | doc.FILES,
            ),
        ]
    yield doc.Paragraph(ON_GPUS, outputs=doc.PRINT)
    caption = f"Memory of the GPU by phase{facts.shortlist.note}"
    yield doc.Table.about("gpu-memory", caption, columns, shown, outputs=doc.REPORT)
