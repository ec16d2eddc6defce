"""The first screen: which method, how sure, at what cost, what is wrong, what to do next."""

from __future__ import annotations

from tunewise.analysis.facts import Facts
from tunewise.core.format import listed
from tunewise.core.sanitize import shown
from tunewise.reports.document import model as doc

SCREENS = doc.PAGE | doc.TERMINAL
MOST_BELOW = 3  # contenders below the obvious of which the first screen says why


@doc.titled("verdict", "Verdict")
def section(facts: Facts) -> doc.Blocks:
    """The verdict in the order in which somebody needs it."""
    verdict, even = facts.verdict, facts.balance
    yield doc.Paragraph(verdict.headline, style="headline", outputs=SCREENS)
    for text in verdict.certainty:
        yield doc.Paragraph(text, style="claim", outputs=SCREENS)
    yield doc.Paragraph(verdict.cost or "", outputs=SCREENS)
    for text in (*verdict.notes, *doubtful(facts)):
        yield doc.Paragraph(text, style="note", outputs=SCREENS)
    if even and facts.results.scored:  # on a terminal only where classes are uneven
        if even.uneven:
            yield doc.Paragraph(even.sentence(), style="note", outputs=SCREENS)
        else:
            yield doc.Paragraph(even.sentence(), outputs=doc.PAGE)
    yield doc.Paragraph(verdict.fairness, link="comparability", outputs=SCREENS)
    yield doc.Paragraph(verdict.outlook or "", outputs=SCREENS)
    within = verdict.within.says if verdict.within else ""
    yield doc.Paragraph(within, style="strong", outputs=SCREENS)


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
