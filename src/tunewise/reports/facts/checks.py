"""What the detectors found in a study's trainings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tunewise.reports.facts.evidence import Contender, Evidence

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
    told = {
        trial.record.id: trial.record.result.checks
        for contender in evidence.contenders
        for trial in contender.trials
    }
    names = dict.fromkeys(check.name for found in told.values() for check in found)
    return Checks(
        trials=sum(bool(found) for found in told.values()),
        looked_for=tuple(TITLES.get(name, name) for name in names),
        findings=tuple(f for contender in evidence.contenders for f in _of(contender)),
    )


def _of(contender: Contender) -> Iterator[FailedCheck]:
    by_name: dict[str, list[tuple[bool, str]]] = {}
    for trial in contender.trials:
        for check in trial.record.result.checks:
            if check.passed is not None:
                outcome = (check.passed, check.detail)
                by_name.setdefault(check.name, []).append(outcome)
    for name, outcomes in by_name.items():
        failed = [detail for passed, detail in outcomes if not passed]
        if failed:
            yield FailedCheck(
                contender=contender.name,
                position=contender.position,
                check=TITLES.get(name, name),
                trials=len(failed),
                judged=len(outcomes),
                detail=failed[0],
            )
