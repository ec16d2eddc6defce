"""What the fairness lint says of software, machines and openings of the test: all measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tunewise.core.sanitize import shown
from tunewise.reports.facts.comparability.finding import Finding, Severity, differ, told
from tunewise.reports.facts.evidence import Evidence, Trial

HARDWARE = ("system", "machine", "processor", "cores", "memory_bytes", "device", "gpu")


def machine_findings(evidence: Evidence) -> list[Finding]:
    """Mixed versions, hardware, hosts, threads and precision, and tests opened twice."""
    found = [
        *_versions(evidence),
        _mixed(
            evidence,
            "hardware",
            _hardware,
            "Trials ran on different hardware",
            "Times and memory cannot be compared, and scores may differ in their last digits; "
            "run them on one kind of machine.",
        ),
        _mixed(
            evidence,
            "hosts",
            lambda trial: trial.record.costs.host,
            "Trials ran on different machines",
            "Compare times and memory only among rows of one machine.",
            severity="notice",
        ),
        _mixed(
            evidence,
            "threads",
            lambda trial: trial.record.costs.threads,
            "Trials ran with different numbers of threads",
            "Times cannot be compared; run the study with the same --workers throughout.",
        ),
        _mixed(
            evidence,
            "precision",
            lambda trial: trial.record.costs.precision,
            "Trials ran in different precision",
            "Scores, times and memory all depend on it; run every row in the same.",
        ),
        _mixed(
            evidence,
            "parts",
            _parts,
            "Steps were computed in different numbers of parts, because memory ran out",
            "The gradient is the same; peak memory and time are not comparable.",
            severity="notice",
        ),
        _openings(evidence),
    ]
    return [finding for finding in found if finding is not None]


def _seen(evidence: Evidence, read: Callable[[Trial], Any]) -> dict[str, list[Any]]:
    """What the finished trials of each row say; rows that say nothing are left out."""
    rows: dict[str, list[Any]] = {}
    for contender in evidence.contenders:
        values = {repr(v): v for t in contender.finished if (v := read(t)) is not None}
        if values:
            rows[contender.name] = [values[key] for key in sorted(values)]
    return rows


def _mixed(
    evidence: Evidence,
    kind: str,
    read: Callable[[Trial], Any],
    what: str,
    todo: str,
    *,
    severity: Severity = "warning",
) -> Finding | None:
    """Several values among the rows, or within one."""
    rows = _seen(evidence, read)
    if not differ(rows) and all(len(values) == 1 for values in rows.values()):
        return None
    words = {name: " and ".join(map(_word, values)) for name, values in rows.items()}
    return Finding(
        f"machine.{kind}", severity, f"{what}: {told(words)}.", todo, tuple(rows), rows, True
    )


def _word(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    return shown(str(value))


def _versions(evidence: Evidence) -> list[Finding]:
    """One finding for each package of which several versions took part."""
    trials = [trial for contender in evidence.contenders for trial in contender.finished]
    packages = dict.fromkeys(
        key for trial in trials for key in trial.record.costs.environment if key not in HARDWARE
    )
    found = [
        _mixed(
            evidence,
            f"versions.{package}",
            lambda trial, package=package: (  # type: ignore[misc]  # bound early
                trial.record.costs.environment.get(package)
            ),
            f"Trials ran with different versions of {shown(package)}",
            "Train the older ones again in one environment: move their folders out of trials/ "
            "and run the study.",
        )
        for package in packages
    ]
    return [finding for finding in found if finding is not None]


def _hardware(trial: Trial) -> dict[str, Any] | None:
    costs = trial.record.costs
    known = {**costs.environment, **({"device": costs.device} if costs.device else {})}
    return {key: known[key] for key in HARDWARE if known.get(key) is not None} or None


def _parts(trial: Trial) -> float | None:
    """Parts of a step beyond those that were asked for."""
    asked = trial.record.result.settings.training.get("accumulate")
    used = trial.record.costs.parts_of_a_step
    return used / asked if asked and used else None


def _openings(evidence: Evidence) -> Finding | None:
    counts = {
        contender.name: most
        for contender in evidence.contenders
        if (most := max((_opened(trial) for trial in contender.trials), default=0)) > 1
    }
    if not counts:
        return None
    return Finding(
        "test.openings",
        "notice",
        f"The test split was opened more than once: {told(counts)}.",
        "An opening before the last was cut short and not scored. If anybody looked at answers "
        "in between and changed the study, the test score is no longer unseen.",
        tuple(counts),
        counts,
        True,
    )


def _opened(trial: Trial) -> int:
    return 0 if trial.test is None else len(trial.test.costs.openings)
