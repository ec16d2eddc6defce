"""The first screen: which method, how sure, at what cost, what is wrong, what to do next."""

from __future__ import annotations

from typing import Literal

from tunewise.core.format import listed
from tunewise.core.sanitize import shown
from tunewise.reports.document.model import PAGE, TERMINAL, Outputs, Paragraph, Section
from tunewise.reports.facts.facts import Facts

SCREENS: Outputs = PAGE | TERMINAL
MOST_BELOW = 3  # contenders below the obvious of which the first screen says why


def section(facts: Facts) -> Section | None:
    """The verdict in the order in which somebody needs it."""
    verdict = facts.verdict
    found = [
        Paragraph(verdict.headline, style="headline", outputs=SCREENS),
        *(Paragraph(text, style="claim", outputs=SCREENS) for text in verdict.certainty),
        Paragraph(verdict.cost or "", outputs=SCREENS),
        *(Paragraph(note, style="note", outputs=SCREENS) for note in verdict.notes),
        *(Paragraph(text, style="note", outputs=SCREENS) for text in doubtful(facts)),
        balance(facts),
        Paragraph(verdict.fairness, link="comparability", outputs=SCREENS),
        Paragraph(verdict.outlook or "", outputs=SCREENS),
        Paragraph(verdict.within.says if verdict.within else "", style="strong", outputs=SCREENS),
    ]
    return Section.of("verdict", "Verdict", [block for block in found if block.text])


def balance(facts: Facts) -> Paragraph:
    """How even the classes are; on a terminal only where they are not."""
    found = facts.balance
    if found is None or not facts.results.scored:
        return Paragraph("")
    style: Literal["", "note"] = "note" if found.uneven else ""
    return Paragraph(found.sentence(), style=style, outputs=SCREENS if found.uneven else PAGE)


def doubtful(facts: Facts) -> list[str]:
    """Who may be better than it looks: below the obvious, and not trained for long enough."""
    below = facts.below_the_obvious
    texts = [one.sentence(facts.results.metric) for one in below[:MOST_BELOW]]
    if len(below) > MOST_BELOW:
        names = listed([shown(one.name) for one in below[MOST_BELOW:]])
        texts.append(f"Below {shown(below[0].other)} too, beyond chance: {names}.")
    return [*texts, *filter(None, (at_limit(facts), still_improving(facts)))]


def at_limit(facts: Facts) -> str:
    """Whose trainings were ended by the limit of an open length."""
    names = [shown(one.name) for one in facts.evidence.contenders if one.at_limit]
    if not names or not facts.verdict.finished:
        return ""
    return (
        f"A training of {listed(names)} ended at the limit of its length while validation loss "
        "still fell: with more epochs, named, these scores may rise."
    )


def still_improving(facts: Facts) -> str:
    """Whose validation loss was lowest after the last epoch, so that more training may help.

    Not who went on for as long as it fell: such a training ends in a decay to its lowest loss.
    """
    by_name = facts.evidence.by_name
    names = [
        shown(name)
        for name, (_, rose) in facts.lowest_losses.items()
        if not rose and not by_name[name].out_of_patience and not by_name[name].at_limit
    ]
    if not names or not facts.verdict.finished:
        return ""
    return (
        f"Validation loss was still falling at the last epoch for {listed(names)}: more epochs may "
        "raise these scores."
    )
