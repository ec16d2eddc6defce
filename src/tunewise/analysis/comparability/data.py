"""What the comparability checks say of data, models, leakage, truncated texts and lost trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tunewise.analysis.comparability.finding import Finding, by_rows, differ, finding, mixed
from tunewise.analysis.evidence import Evidence
from tunewise.core.sanitize import shown
from tunewise.store.records import TrialSettings

CUT_NOTICE, CUT_WARNING = 0.01, 0.05  # differences in the fraction of texts that are truncated


def data_findings(evidence: Evidence) -> Iterator[Finding]:
    """Everything unequal or doubtful about what rows were trained and scored on."""
    yield from _content(evidence)
    yield from _models(evidence)
    yield from _examples(evidence)
    if reason := evidence.data.accept_leakage:
        yield Finding(
            "data.leakage",
            "warning",
            f"The splits share texts and the study accepts it: “{shown(str(reason))}”.",
            "Remove the shared texts: a row that learns by heart gains most from them.",
            tuple(evidence.by_name),
        )
    yield from _truncated(evidence)
    for contender in evidence.contenders:
        if contender.failed:
            # Trials of a row that did not end well.
            lost, total = len(contender.failed), len(contender.trials)
            kinds = sorted({trial.record.status for trial in contender.failed})
            decisive = contender.chosen is None or any(not t.done for t in contender.chosen.trials)
            yield finding(
                "trials.lost",
                f"{lost} of {total} trials of {shown(contender.name)} did not end well "
                f"({', '.join(kinds)}).",
                "Its mean leaves out what was lost, which flatters it: read it with that in mind."
                if decisive
                else "The lost points were not chosen; the row was tuned over fewer points than "
                "planned.",
                {contender.name: {"lost": lost, "trials": total}},
                severity="warning" if decisive else "notice",
            )


def _content(evidence: Evidence) -> Iterator[Finding]:
    """Other data, or one model by name but not by content."""
    hashes = _of_trials(evidence, lambda settings: settings.data.hash)
    if mixed(hashes):
        yield finding(
            "data.hash",
            f"Rows were trained on different data (content hashes): {by_rows(hashes)}.",
            "Run the study again with one data set; these rows cannot be compared.",
            hashes,
        )
    hashes = _of_trials(evidence, lambda one: one.model.hash if one.model else "")
    for model in dict.fromkeys(one.model for one in evidence.contenders if one.model):
        rows = {name: own for name, own in hashes.items() if evidence.by_name[name].model == model}
        if mixed(rows):
            yield finding(
                "model.hash",
                f"“{shown(model)}” is not the same model in every row (content hashes): "
                f"{by_rows(rows)}.",
                "Name a revision (model@revision) and run the study again.",
                rows,
            )


def _models(evidence: Evidence) -> Iterator[Finding]:
    """Methods that were not tried on the same models."""
    models = {one.name: one.model for one in evidence.contenders if one.model}
    tried: dict[str, set[str]] = {}
    for name, model in models.items():
        tried.setdefault(evidence.by_name[name].method, set()).add(model)
    if differ({method: sorted(names) for method, names in tried.items()}):
        yield finding(
            "model",
            f"Methods were tried on different models: {by_rows(models)}.",
            "A gap between rows on different models is that of method and model together; compare "
            "methods among rows on one model.",
            models,
            severity="notice",
        )


def _of_trials(evidence: Evidence, read: Callable[[TrialSettings], str]) -> dict[str, list[str]]:
    """The content hashes of data or model that each row's trials carry."""
    found = {
        one.name: sorted({read(trial.record.result.settings) for trial in one.trials} - {""})
        for one in evidence.contenders
    }
    return {name: hashes for name, hashes in found.items() if hashes}


def _examples(evidence: Evidence) -> Iterator[Finding]:
    """Rows that answered different numbers of examples on the deciding split."""
    counts = {
        one.name: len(answers.ids)
        for one in evidence.contenders
        if one.finished and (answers := one.finished[0].answers(evidence.split)) is not None
    }
    if differ(counts):
        yield finding(
            "data.items",
            f"Contenders answered different numbers of {shown(evidence.split)} examples: "
            f"{by_rows(counts)}.",
            "Only contenders over the same examples are tested against each other; score them all "
            "on one split.",
            counts,
        )


def _truncated(evidence: Evidence) -> Iterator[Finding]:
    """Fractions of texts that were truncated, where they differ much between rows."""
    fractions: dict[str, float] = {}
    for contender in evidence.contenders:
        cut = [trial.record.result.truncated_share.values() for trial in contender.finished]
        values = [value for one in cut for value in one if value is not None]
        if values:
            fractions[contender.name] = max(values)
    gap = max(fractions.values(), default=0.0) - min(fractions.values(), default=0.0)
    if gap > CUT_NOTICE:
        words = {name: f"{100 * fraction:.1f} %" for name, fraction in fractions.items()}
        yield finding(
            "data.truncated",
            "The fraction of texts that are truncated at the longest length differs: "
            f"{by_rows(words)}.",
            "Give every row the same max_length, and prefixes the room they take.",
            fractions,
            severity="warning" if gap > CUT_WARNING else "notice",
        )
