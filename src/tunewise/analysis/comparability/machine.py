"""What the comparability checks say of software, machines and openings of tests: all measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from tunewise.analysis.comparability.finding import Finding, Severity, by_rows, finding, mixed
from tunewise.analysis.evidence import Evidence, Trial
from tunewise.core.sanitize import shown

OLDER = (
    "Train the older ones again in one environment: move their folders out of trials/ and run the "
    "study."
)
HARDWARE = ("system", "machine", "processor", "cores", "memory_bytes", "device", "gpu")


def _hardware(trial: Trial) -> dict[str, Any] | None:
    costs = trial.record.costs
    known = {**costs.environment, **({"device": costs.device} if costs.device else {})}
    return {key: known[key] for key in HARDWARE if known.get(key) is not None} or None


def _parts(trial: Trial) -> float | None:
    """Parts of a step beyond those that were asked for."""
    asked = trial.record.result.settings.training.get("accumulate")
    used = trial.record.costs.parts_of_a_step
    return used / asked if asked and used else None


def _together(trial: Trial) -> int | None:
    """How many trials its process trained; none where nothing is trained in steps."""
    trained = trial.record.result.settings.training
    return max(1, len(trial.record.costs.together)) if trained else None


MIXED: tuple[tuple[str, Severity, Callable[[Trial], Any], str, str], ...] = (
    (
        "hardware",
        "warning",
        _hardware,
        "Trials ran on different hardware",
        "Times and memory cannot be compared, and scores may differ in their last digits; run them "
        "on one kind of machine.",
    ),
    (
        "hosts",
        "notice",
        lambda trial: trial.record.costs.host,
        "Trials ran on different machines",
        "Compare times and memory only among rows of one machine.",
    ),
    (
        "threads",
        "warning",
        lambda trial: trial.record.costs.threads,
        "Trials ran with different numbers of threads",
        "Times cannot be compared; run the study with the same --workers throughout.",
    ),
    (
        "precision",
        "warning",
        lambda trial: trial.record.costs.precision,
        "Trials ran in different precision",
        "Scores, times and memory all depend on it; run every row in the same.",
    ),
    (
        "parts",
        "notice",
        _parts,
        "Steps were computed in different numbers of parts, because memory ran out",
        "The gradient is the same; peak memory and time are not comparable.",
    ),
    (
        "together",
        "notice",
        _together,
        "Trials were trained in one process with others, of different numbers",
        "Scores are those of trials alone to 1e-5; times and memory are shares, so compare them "
        "only among rows that were trained alike.",
    ),
)
"""What must not be mixed: its kind, how grave it is, how to read it, what to say, what to do."""


def machine_findings(evidence: Evidence) -> Iterator[Finding]:
    """Mixed versions, hardware, hosts, threads and precision, and tests opened twice."""
    trials = [trial for contender in evidence.contenders for trial in contender.finished]
    packages = dict.fromkeys(key for trial in trials for key in trial.record.costs.environment)
    for package in packages:
        if package not in HARDWARE:
            what = (f"Trials ran with different versions of {shown(package)}", OLDER)
            read = partial(_version, package)
            yield from _mixed(evidence, f"versions.{package}", "warning", read, *what)
    for each in MIXED:
        yield from _mixed(evidence, *each)
    opened = {
        one.name: [len(trial.test.costs.openings) for trial in one.trials if trial.test]
        for one in evidence.contenders
    }
    counts = {name: max(own) for name, own in opened.items() if own and max(own) > 1}
    if counts:
        yield finding(
            "test.openings",
            f"The test split was opened more than once: {by_rows(counts)}.",
            "An opening before the last was cut short and not scored. If anybody looked at answers "
            "in between and changed the study, the test score is no longer unseen.",
            counts,
            severity="notice",
            measured=True,
        )


def _version(package: str, trial: Trial) -> str | int | None:
    return trial.record.costs.environment.get(package)


def _mixed(
    evidence: Evidence, kind: str, severity: Severity, read: Callable[[Trial], Any], *words: str
) -> Iterator[Finding]:
    """Several values among the rows, or within one; rows that say nothing are left out.

    `words` are what to say and what to do.
    """
    rows: dict[str, list[Any]] = {}
    for contender in evidence.contenders:
        values = {repr(v): v for t in contender.finished if (v := read(t)) is not None}
        if values:
            rows[contender.name] = [values[key] for key in sorted(values)]
    if mixed(rows):
        says, todo = words
        in_words = {name: " and ".join(map(_word, values)) for name, values in rows.items()}
        says = f"{says}: {by_rows(in_words)}."
        yield finding(f"machine.{kind}", says, todo, rows, severity=severity, measured=True)


def _word(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    return shown(str(value))
