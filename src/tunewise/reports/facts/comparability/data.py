"""What the fairness lint says of data, models, leakage, cut texts and lost trials."""

from __future__ import annotations

from collections.abc import Callable

from tunewise.core.sanitize import shown
from tunewise.reports.facts.comparability.finding import Finding, Severity, differ, told
from tunewise.reports.facts.evidence import Contender, Evidence
from tunewise.store.records import TrialSettings

CUT_NOTICE, CUT_WARNING = 0.01, 0.05  # differences in the share of texts that are cut


def data_findings(evidence: Evidence) -> list[Finding]:
    """Everything unequal or doubtful about what rows were trained and scored on."""
    found = [
        _data_hash(evidence),
        *_model_hashes(evidence),
        _items(evidence),
        _leakage(evidence),
        _truncated(evidence),
        *(_lost(contender) for contender in evidence.contenders),
    ]
    return [finding for finding in found if finding is not None]


def _of_trials(evidence: Evidence, read: Callable[[TrialSettings], str]) -> dict[str, list[str]]:
    """The content hashes of data or model that each row's trials carry."""
    found: dict[str, list[str]] = {}
    for contender in evidence.contenders:
        settings = [trial.record.result.settings for trial in contender.trials]
        hashes = {read(one) for one in settings} - {""}
        if hashes:
            found[contender.name] = sorted(hashes)
    return found


def _data_hash(evidence: Evidence) -> Finding | None:
    hashes = _of_trials(evidence, lambda settings: settings.data.hash)
    if not differ(hashes) and all(len(one) == 1 for one in hashes.values()):
        return None
    return Finding(
        "data.hash",
        "warning",
        f"Rows were trained on different data (content hashes): {told(hashes)}.",
        "Run the study again with one data set; these rows cannot be compared.",
        tuple(hashes),
        hashes,
    )


def _model_hashes(evidence: Evidence) -> list[Finding]:
    """One model by name, but not by content."""
    hashes = _of_trials(evidence, lambda one: one.model.hash if one.model else "")
    by_model: dict[str, dict[str, list[str]]] = {}
    for contender in evidence.contenders:
        if contender.model is not None and contender.name in hashes:
            by_model.setdefault(contender.model, {})[contender.name] = hashes[contender.name]
    return [
        Finding(
            "model.hash",
            "warning",
            f"“{shown(model)}” is not the same model in every row (content hashes): {told(rows)}.",
            "Name a revision (model@revision) and run the study again.",
            tuple(rows),
            rows,
        )
        for model, rows in by_model.items()
        if differ(rows) or any(len(one) > 1 for one in rows.values())
    ]


def _items(evidence: Evidence) -> Finding | None:
    """Rows that answered different numbers of items on the deciding split."""
    counts = {
        c.name: len(answers.ids)
        for c in evidence.contenders
        if c.finished and (answers := c.finished[0].answers(evidence.split)) is not None
    }
    if not differ(counts):
        return None
    return Finding(
        "data.items",
        "warning",
        f"Contenders answered different numbers of {shown(evidence.split)} examples: "
        f"{told(counts)}.",
        "Only contenders over the same examples are tested against each other; score them all on "
        "one split.",
        tuple(counts),
        counts,
    )


def _leakage(evidence: Evidence) -> Finding | None:
    reason = evidence.data.accept_leakage
    if not reason:
        return None
    return Finding(
        "data.leakage",
        "warning",
        f"The splits share texts and the study accepts it: “{shown(str(reason))}”.",
        "Remove the shared texts: a row that learns by heart gains most from them.",
        tuple(contender.name for contender in evidence.contenders),
    )


def _truncated(evidence: Evidence) -> Finding | None:
    """Shares of texts that were cut, where they differ much between rows."""
    shares: dict[str, float] = {}
    for contender in evidence.contenders:
        cut = [trial.record.result.truncated_share for trial in contender.finished]
        values = [value for one in cut for value in one.values() if value is not None]
        if values:
            shares[contender.name] = max(values)
    gap = max(shares.values(), default=0.0) - min(shares.values(), default=0.0)
    if gap <= CUT_NOTICE:
        return None
    severity: Severity = "warning" if gap > CUT_WARNING else "notice"
    words = {name: f"{100 * share:.1f} %" for name, share in shares.items()}
    return Finding(
        "data.truncated",
        severity,
        f"The fraction of texts that are truncated at the longest length differs: {told(words)}.",
        "Give every row the same max_length, and prefixes the room they take.",
        tuple(shares),
        shares,
    )


def _lost(contender: Contender) -> Finding | None:
    """Trials of a row that did not end well."""
    if not contender.failed:
        return None
    lost, total = len(contender.failed), len(contender.trials)
    kinds = sorted({trial.record.status for trial in contender.failed})
    decisive = contender.chosen is None or any(not t.done for t in contender.chosen.trials)
    if decisive:
        todo = "Its mean leaves out what was lost, which flatters it: read it with that in mind."
    else:
        todo = "The lost points were not chosen; the row was tuned over fewer points than planned."
    return Finding(
        "trials.lost",
        "warning" if decisive else "notice",
        f"{lost} of {total} trials of {shown(contender.name)} did not end well "
        f"({', '.join(kinds)}).",
        todo,
        (contender.name,),
        {contender.name: {"lost": lost, "trials": total}},
    )
