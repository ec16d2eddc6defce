"""What the study cannot say, and what threatens what it says."""

from __future__ import annotations

from tunewise.analysis.facts import Facts
from tunewise.analysis.tuning.searching import edges
from tunewise.analysis.wording import setting_words
from tunewise.core.format import listed
from tunewise.core.sanitize import shortened, shown
from tunewise.reports.document import model as doc
from tunewise.reports.sections.verdict import doubtful

MOST_FINDINGS = 5  # comparability findings; all stand on the page
MOST_NOTES = 6
AT_THE_EDGE = "search.edge"


@doc.titled("limits", "Limits")
def section(facts: Facts) -> doc.Blocks:
    notes = facts.verdict.notes
    limits = list(notes[:MOST_NOTES])
    if len(notes) > MOST_NOTES:
        limits.append(f"{len(notes) - MOST_NOTES} more notes of this kind stand on the page.")
    limits += doubtful(facts)
    if facts.results.best is not None:
        limits += _of_the_claims(facts)
        searched = facts.evidence.searched
        if at_the_edge := [one for one in searched if edges(one, facts.evidence.headline)]:
            limits.append(
                f"{len(at_the_edge)} of {len(searched)} searches were best at an end of their "
                f"range ({listed([shown(one.name) for one in at_the_edge])}): these contenders may "
                "be better than they appear."
            )
        if searched:
            names = sorted({setting_words(key) for one in searched for key in one.searched})
            limits.append(
                f"Only {listed(names)} {'was' if len(names) == 1 else 'were'} searched, with the "
                "first seed; all other settings are those of the study file."
            )
    findings = [one for one in facts.comparability if one.kind != AT_THE_EDGE]  # reported above
    limits += [f"Beside the method: {shortened(one.says, 300)}" for one in findings[:MOST_FINDINGS]]
    if len(findings) > MOST_FINDINGS:
        more = len(findings) - MOST_FINDINGS
        limits.append(f"{more} more differences beside the method stand on the page.")
    yield doc.Bullets(tuple(map(doc.Bullet, limits)), outputs=doc.PAPER)


def _of_the_claims(facts: Facts) -> list[str]:
    seeds = len(facts.results.seeds_planned)
    if seeds == 1:
        limits = ["One seed: no claim is made about the methods over seeds."]
    else:
        limits = [f"{seeds} seeds: sentences about the methods rest on {seeds} trainings each."]
    models = {one.model for one in facts.evidence.contenders if one.model}
    limits.append(
        f"One data set{' and one model' if len(models) == 1 else ''}: another may put the "
        "contenders in another order."
    )
    smallest = [
        row.to_best.items.detectable
        for row in facts.results.rows
        if row.to_best and row.to_best.items.detectable
    ]
    if smallest:
        limits.append(
            f"Over these examples, differences below about {100 * min(smallest):.1f} points to "
            "the best would be missed in more than one of five such studies."
        )
    return limits
