"""The first screen: which method, how sure, at what cost, what is wrong, what to do next."""

from __future__ import annotations

from tunewise.core.format import listed
from tunewise.core.sanitize import shown
from tunewise.reports.document.model import PAGE, TERMINAL, Outputs, Paragraph, Section
from tunewise.reports.facts.facts import Facts

SCREENS: Outputs = PAGE | TERMINAL


def section(facts: Facts) -> Section | None:
    """The verdict in the order in which somebody needs it."""
    verdict = facts.verdict
    found = [
        Paragraph(verdict.headline, style="headline", outputs=SCREENS),
        *(Paragraph(text, style="claim", outputs=SCREENS) for text in verdict.certainty),
        Paragraph(verdict.cost or "", outputs=SCREENS),
        *(Paragraph(note, style="note", outputs=SCREENS) for note in verdict.notes),
        Paragraph(still_improving(facts), style="note", outputs=SCREENS),
        Paragraph(verdict.fairness, link="comparability", outputs=SCREENS),
        Paragraph(verdict.outlook or "", outputs=SCREENS),
        Paragraph(verdict.within.says if verdict.within else "", style="strong", outputs=SCREENS),
    ]
    return Section.of("verdict", "Verdict", [block for block in found if block.text])


def still_improving(facts: Facts) -> str:
    """Whose validation loss was lowest after the last epoch, so that more training may help.

    Not who went on for as long as it fell: such a training ends in a decay to its lowest loss.
    """
    by_name = facts.evidence.by_name
    names = [
        shown(name)
        for name, (_, rose) in facts.lowest_losses.items()
        if not rose and not by_name[name].out_of_patience
    ]
    if not names or not facts.verdict.finished:
        return ""
    return (
        f"Validation loss was still falling at the last epoch for {listed(names)}: more epochs may "
        "raise these scores."
    )
