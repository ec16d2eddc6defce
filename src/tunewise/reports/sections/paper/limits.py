"""What the study cannot say, and what threatens what it says."""

from __future__ import annotations

from tunewise.core.format import listed
from tunewise.core.sanitize import shortened, shown
from tunewise.reports.document.model import PAPER, Bullet, Bullets, Section
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.searching import edges
from tunewise.reports.facts.wording import setting_said
from tunewise.reports.sections.verdict import still_improving

MOST_FINDINGS = 5  # comparability findings; all stand on the page
MOST_NOTES = 6
AT_THE_EDGE = "search.edge"


def section(facts: Facts) -> Section | None:
    notes = facts.verdict.notes
    told = list(notes[:MOST_NOTES])
    if len(notes) > MOST_NOTES:
        told.append(f"{len(notes) - MOST_NOTES} more notes of this kind stand on the page.")
    if still := still_improving(facts):
        told.append(still)
    if facts.results.best is not None:
        told += _of_the_claims(facts)
        told += _of_the_search(facts)
    findings = [one for one in facts.comparability if one.kind != AT_THE_EDGE]  # reported above
    told += [f"Beside the method: {shortened(one.says, 300)}" for one in findings[:MOST_FINDINGS]]
    if len(findings) > MOST_FINDINGS:
        more = len(findings) - MOST_FINDINGS
        told.append(f"{more} more differences beside the method stand on the page.")
    bullets = Bullets(tuple(map(Bullet, told)), outputs=PAPER)
    return Section.of("limits", "Limits", [bullets] if told else [])


def _of_the_claims(facts: Facts) -> list[str]:
    seeds = len(facts.results.seeds_planned)
    if seeds == 1:
        told = ["One seed: nothing is said about the methods with other seeds."]
    else:
        told = [f"{seeds} seeds: sentences about the methods rest on {seeds} trainings each."]
    models = {one.model for one in facts.evidence.contenders if one.model}
    told.append(
        f"One data set{' and one model' if len(models) == 1 else ''}: another may put the "
        "contenders in another order."
    )
    smallest = [
        row.to_best.items.detectable
        for row in facts.results.rows
        if row.to_best and row.to_best.items.detectable
    ]
    if smallest:
        told.append(
            f"Over these examples, differences below about {100 * min(smallest):.1f} points to "
            "the best would be missed in more than one of five such studies."
        )
    return told


def _of_the_search(facts: Facts) -> list[str]:
    """Searches that end at the edge of their range, and what was not searched at all."""
    searched = facts.evidence.searched
    at_the_edge = [one for one in searched if edges(one, facts.evidence.headline)]
    told = []
    if at_the_edge:
        told.append(
            f"{len(at_the_edge)} of {len(searched)} searches were best at an end of their range "
            f"({listed([shown(one.name) for one in at_the_edge])}): these contenders may be better "
            "than they appear."
        )
    if searched:
        names = sorted({setting_said(key) for one in searched for key in one.searched})
        told.append(
            f"Only {listed(names)} {'was' if len(names) == 1 else 'were'} searched, with the first "
            "seed; all other settings are those of the study file."
        )
    return told
