"""How a paper ends: what the study cannot say, and how to run it again."""

from __future__ import annotations

from tunewise.core.format import duration, listed
from tunewise.core.sanitize import shown
from tunewise.reports.document import Items, Paragraph, Section, cell
from tunewise.reports.facts.comparability.checks import fairness
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.page import Page
from tunewise.reports.facts.results import Results
from tunewise.reports.facts.searching import edges
from tunewise.reports.facts.verdict.verdict import Verdict
from tunewise.reports.facts.wording import setting_said

MOST_FINDINGS = 5  # of the fairness lint; all stand on the page
MOST_NOTES = 6
AT_THE_EDGE = "search.edge"


def limits(evidence: Evidence, results: Results, judged: Verdict) -> Section:
    """What the study cannot say, and what threatens what it says."""
    told = [shown(note) for note in judged.notes[:MOST_NOTES]]
    if len(judged.notes) > MOST_NOTES:
        told.append(f"{len(judged.notes) - MOST_NOTES} more notes of this kind stand on the page.")
    if results.best is not None:
        told += _of_the_claims(evidence, results)
        told += _of_the_search(evidence)
    findings = [one for one in fairness(evidence) if one.kind != AT_THE_EDGE]  # told above
    told += [f"Beside the method: {cell(one.says, 300)}" for one in findings[:MOST_FINDINGS]]
    if len(findings) > MOST_FINDINGS:
        more = len(findings) - MOST_FINDINGS
        told.append(f"{more} more differences beside the method stand in the page’s fairness lint.")
    return Section("Limits", (Items(tuple(told)),) if told else ())


def _of_the_claims(evidence: Evidence, results: Results) -> list[str]:
    seeds = len(results.seeds_planned)
    if seeds == 1:
        told = ["One seed: nothing is said about the methods with other seeds."]
    else:
        told = [f"{seeds} seeds: sentences about the methods rest on {seeds} trainings each."]
    models = {contender.model for contender in evidence.contenders if contender.model}
    told.append(
        f"One data set{' and one model' if len(models) == 1 else ''}: another may put the "
        "contenders in another order."
    )
    smallest = [
        row.to_best.items.detectable
        for row in results.rows
        if row.to_best and row.to_best.items.detectable
    ]
    if smallest:
        told.append(
            f"Over these items, differences below about {100 * min(smallest):.1f} points to "
            "the best would be missed in more than one of five such studies."
        )
    return told


def _of_the_search(evidence: Evidence) -> list[str]:
    """Budgets that end at their edge, and what was not searched at all."""
    searched = [contender for contender in evidence.contenders if len(contender.points) > 1]
    at_the_edge = [one for one in searched if edges(one, evidence.headline)]
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


def repeating(evidence: Evidence, page: Page) -> Section:
    """How to run it again."""
    versions = evidence.study.environment
    named = [
        f"{name} {versions[name]}"
        for name in ("tunewise", "python", "torch", "transformers", "peft", "numpy")
        if versions.get(name)
    ]
    text = f"The command {page.command} runs the study again and goes on after interruptions."
    trials = [trial for contender in evidence.contenders for trial in contender.trials]
    seconds = [trial.record.costs.total_seconds for trial in trials]
    known = [one for one in seconds if one is not None]
    if known:
        text += f" Its {len(trials)} trials took {duration(sum(known))} of computing."
    if named:
        text += f" It ran with {', '.join(named)}."
    hashes = [
        f"{name.removesuffix('.hash')} with the hash {value}"
        for name, value in page.hashes
        if name.endswith(".hash")
    ]
    if hashes:
        text += f" It started from {listed([cell(one, 80) for one in hashes])}."
    text += (
        " A trial follows from its settings and its seed: weights, order of the data and draws "
        "are derived from them, so that a run that was interrupted ends like one that was not. "
        "Scores, tests, effects and costs stand in full in evaluation_results.json and in the CSV "
        "files of the folder tables, every answer in a Parquet file of its trial."
    )
    return Section("Repeating it", (Paragraph(text),))
