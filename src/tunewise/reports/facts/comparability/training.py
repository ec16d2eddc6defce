"""What the fairness lint says of how rows were trained: settings, steps, seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunewise.core.format import listed
from tunewise.core.sanitize import shown
from tunewise.reports.facts.comparability.finding import Finding, Severity, differ, told
from tunewise.reports.facts.evidence import Contender, Evidence

NAMES = {
    "epochs": "The number of epochs",
    "warmup": "The warm-up",
    "dropout": "The backbone's dropout",
    "patience": "The patience of early stopping",
    "batch_size": "The batch size",
    "accumulate": "The parts in which a step is computed",
    "max_length": "The longest text",
    "loss_on": "What is learned of prompt and answer",
    "choose": "The epoch whose weights count",
    "timeout": "The time limit of a trial",
    "clip_norm": "The limit on the gradient's norm",
    "learning_rate": "The learning rate",
    "optimizer": "The optimizer",
}
OWN_DEFAULT = "learning_rate"  # each method has its own, which is part of the method
OF_TASK = ("loss_on", "max_length")  # where training says nothing, the task may
MEMORY_ALONE = "accumulate"  # the gradient is the same however a step is cut


def training_findings(evidence: Evidence) -> list[Finding]:
    """Unequal training settings, steps and seeds among the rows that the loop trains."""
    trained = [contender for contender in evidence.contenders if contender.training]
    keys = dict.fromkeys(key for contender in trained for key in contender.training)
    found = [_setting(trained, key) for key in keys]
    return [
        finding
        for finding in (*found, _rates(evidence, trained), _steps(trained), _seeds(evidence))
        if finding is not None
    ]


def _setting(trained: list[Contender], key: str) -> Finding | None:
    """One training setting; where the search chooses it, it is the search's affair."""
    fixed = [c for c in trained if f"training.{key}" not in c.searched]
    values = {contender.name: _value(contender, key) for contender in fixed}
    if not differ(values):
        return None
    own = [contender.name for contender in fixed if key in contender.own_training]
    if key == OWN_DEFAULT and not own:
        return None
    name = NAMES.get(key, shown(key).replace("_", " ").capitalize())
    severity: Severity = "warning"
    todo = f"Give every row the same {shown(key)} under training:, or tell readers why they differ."
    if key == MEMORY_ALONE:
        severity = "notice"
        todo = "It changes memory and time, not the gradient: do not compare peak memory."
    elif key == OWN_DEFAULT:
        severity = "notice"
        given = f"{listed([shown(one) for one in own])} {'has' if len(own) == 1 else 'have'}"
        todo = f"{given} a value of its own in the study; a search would find it for every row."
    elif _swept(fixed, key):
        severity = "notice"
        todo = "The study sweeps over it: compare only rows that share a value."
    says = f"{name} differs: {told(values)}."
    return Finding(f"training.{key}", severity, says, todo, tuple(values), values)


def _rates(evidence: Evidence, trained: list[Contender]) -> Finding | None:
    """Rows that learnt nothing to speak of at a rate that nobody chose."""
    if (evidence.study.settings.get("training") or {}).get(OWN_DEFAULT) is not None:
        return None
    values = {
        contender.name: contender.learning_rate
        for contender in trained
        if OWN_DEFAULT not in contender.own_training
        and f"training.{OWN_DEFAULT}" not in contender.searched
        and any(trial.learned_nothing for trial in contender.finished)
    }
    if not values:
        return None
    return Finding(
        "default_rate",
        "warning",
        "At the default learning rate of the method a training fell into one answer for all, or "
        f"its loss did not fall: {told(values)}.",
        "Such a row may say more about the rate than about the method. Let each find its own, "
        "with search: {learning_rate: auto}.",
        tuple(values),
        values,
    )


def _value(contender: Contender, key: str) -> Any:
    value = contender.training.get(key)
    if value is None and key in OF_TASK:
        return contender.centre.settings.task.get(key)
    return value


def _swept(fixed: list[Contender], key: str) -> bool:
    """Whether every method was tried at all the same values, so that none is favoured."""
    tried: dict[tuple[str, str | None], set[str]] = {}
    for contender in fixed:
        place = (contender.method, contender.model)
        tried.setdefault(place, set()).add(repr(_value(contender, key)))
    sets = list(tried.values())
    return len(sets[0]) > 1 and all(one == sets[0] for one in sets)


def _steps(trained: list[Contender]) -> Finding | None:
    """Steps that differ although nothing that was set explains it."""
    asked: dict[str, list[Contender]] = {}
    for contender in trained:
        if contender.training.get("patience") is None and contender.finished:
            shape = repr([contender.training.get(key) for key in ("epochs", "batch_size")])
            asked.setdefault(shape, []).append(contender)
    for group in asked.values():
        steps: Mapping[str, Any] = {
            c.name: sorted({t.record.result.steps for t in c.finished} - {None}) for c in group
        }
        if differ(steps):
            return Finding(
                "steps",
                "warning",
                f"Rows with the same epochs and batch size took different steps: {told(steps)}.",
                "Something cut a trial short; look at its log before comparing.",
                tuple(steps),
                steps,
            )
    return None


def _seeds(evidence: Evidence) -> Finding | None:
    """Seeds also order the data: rows without the same ones did not see the same batches."""
    seeded = [c for c in evidence.contenders if c.seeded and c.finished]
    values = {c.name: [trial.seed for trial in c.finished] for c in seeded}
    if not differ(values):
        return None
    return Finding(
        "seeds",
        "warning",
        f"The seeds, which also order the data, differ: {told(values)}.",
        "Run the study again: it trains the seeds that are missing. Until then rows are not "
        "compared seed by seed.",
        tuple(values),
        values,
    )
