"""What the detectors found in a study's trainings."""

from __future__ import annotations

from dataclasses import dataclass

from tunewise.analysis.evidence import Evidence

TITLES = {
    "promised": "What is trained is what was planned",
    "start": "The method starts at the pretrained model",
    "moved": "What is trained moves",
    "frozen": "What is frozen stays",
    "learnt": "Every batch holds something to learn",
    "mask": "The mask shows every token and no padding",
    "answers": "More than one answer is given",
    "loss": "The training loss falls",
    "saved": "What was trained is saved",
    "merge": "Merging leaves the answers as they were",
}


@dataclass(frozen=True)
class FailedCheck:
    """A check that some trainings of a contender did not pass."""

    contender: str
    position: int
    check: str
    trials: int  # that failed it
    judged: int  # trials in which it could be judged
    detail: str  # of the first that failed


@dataclass(frozen=True)
class Checks:
    """How many trainings were looked at, for what, and what was found."""

    trials: int
    looked_for: tuple[str, ...]
    findings: tuple[FailedCheck, ...]


def checks(evidence: Evidence) -> Checks:
    """The findings, contender by contender; trials of older versions carry none."""
    contenders = evidence.contenders
    results = {t.record.id: t.record.result for contender in contenders for t in contender.trials}
    names = dict.fromkeys(check.name for result in results.values() for check in result.checks)
    findings = []
    for contender in contenders:
        judged = [
            check
            for trial in contender.trials
            for check in trial.record.result.checks
            if check.passed is not None
        ]
        for name in dict.fromkeys(check.name for check in judged):
            mine = [check for check in judged if check.name == name]
            failed = [check.detail for check in mine if not check.passed]
            if failed:
                whose, title = (contender.name, contender.position), TITLES.get(name, name)
                findings.append(FailedCheck(*whose, title, len(failed), len(mine), failed[0]))
    return Checks(
        trials=sum(bool(result.checks) for result in results.values()),
        looked_for=tuple(TITLES.get(name, name) for name in names),
        findings=tuple(findings),
    )
