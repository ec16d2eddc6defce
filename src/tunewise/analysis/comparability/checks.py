"""Comparability checks: every difference between two rows that is not the method, by one call."""

from __future__ import annotations

from collections.abc import Sequence

from tunewise.analysis.comparability.data import data_findings
from tunewise.analysis.comparability.finding import Finding
from tunewise.analysis.comparability.machine import machine_findings
from tunewise.analysis.comparability.search import search_findings
from tunewise.analysis.comparability.training import training_findings
from tunewise.analysis.evidence import Evidence

CLEAN = "Comparability: nothing was found that differs between the contenders beside the method."


UNKNOWN = "Comparability: not checked, because the files say nothing of how the runs were trained."


def nothing_known(evidence: Evidence) -> bool:
    """Whether the runs were made elsewhere and came without their settings."""
    known = (one.training or one.model or one.settings for one in evidence.contenders)
    return evidence.study.elsewhere is not None and not any(known)


def fairness(evidence: Evidence) -> tuple[Finding, ...]:
    """Every finding, warnings first.

    What belongs to a method itself is none: its own default learning rate, a grid of the same
    shape around that default, another number of trained parameters.
    """
    found = (
        *training_findings(evidence),
        *search_findings(evidence),
        *data_findings(evidence),
        *machine_findings(evidence),
    )
    return tuple(sorted(found, key=lambda finding: finding.severity != "warning"))


def in_one_line(evidence: Evidence) -> str:
    """What was found, or that nothing is known of how the runs were trained."""
    found = fairness(evidence)
    return UNKNOWN if nothing_known(evidence) and not found else summary(found)


def summary(findings: Sequence[Finding]) -> str:
    """How many there are of each severity and which is the gravest, in one line."""
    if not findings:
        return CLEAN
    warnings = sum(finding.severity == "warning" for finding in findings)
    counts = [
        f"{number} {word}{'s' * (number != 1)}"
        for number, word in ((warnings, "warning"), (len(findings) - warnings, "notice"))
        if number
    ]
    gravest = f" First: {findings[0].says}" if len(findings) > 1 else f" {findings[0].says}"
    return f"Comparability: {' and '.join(counts)}.{gravest}"
