"""What the comparability checks say of how rows were trained: settings, steps, seeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tunewise.analysis.comparability.finding import Finding, Severity, by_rows, differ, finding
from tunewise.analysis.evidence import Contender, Evidence
from tunewise.core.format import listed
from tunewise.core.sanitize import shown

NAMES = {
    "epochs": "The number of epochs",
    "warmup": "The warm-up",
    "dropout": "The backbone's dropout",
    "patience": "The patience of early stopping",
    "batch_size": "The batch size",
    "accumulate": "The parts in which a step is computed",
    "devices": "The number of devices of a trial",
    "shard": "Whether weights are in slices",
    "packing": "Whether texts share a row",
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
OF_SOLVED = ("max_length", "precision", "timeout")  # what a training without steps has, too
# The gradient is the same however a step is laid out.
MEMORY_ALONE = ("accumulate", "devices", "shard", "packing")


def training_findings(evidence: Evidence) -> Iterator[Finding]:
    """Unequal training settings, steps and seeds among the rows that the loop trains.

    A row that is solved has no epochs, rate or steps; its settings of steps are defaults that
    nothing read.
    """
    trained = [contender for contender in evidence.contenders if contender.training]
    by_steps = [contender for contender in trained if contender.described.trained]
    for key in dict.fromkeys(key for contender in trained for key in contender.training):
        yield from _setting(trained if key in OF_SOLVED else by_steps, key)
    yield from _rates(evidence, by_steps)
    yield from _steps(by_steps)
    # Seeds also order the data: rows without the same ones did not see the same batches. In a
    # race under a budget that is meant: who is behind gets no further ones.
    if evidence.race is not None:
        return
    values = {
        one.name: [trial.seed for trial in one.finished]
        for one in evidence.contenders
        if one.described.seeded and one.finished
    }
    if differ(values):
        yield finding(
            "seeds",
            f"The seeds, which also order the data, differ: {by_rows(values)}.",
            "Run the study again: it trains the seeds that are missing. Until then rows are not "
            "compared seed by seed.",
            values,
        )


def _setting(trained: list[Contender], key: str) -> Iterator[Finding]:
    """One training setting; where the search chooses it, it is the search's affair."""
    fixed = [one for one in trained if f"training.{key}" not in one.searched]
    values = {contender.name: _value(contender, key) for contender in fixed}
    own = [one.name for one in fixed if key in one.described.own_training]
    if not differ(values) or (key == OWN_DEFAULT and not own):
        return
    severity: Severity = "notice"
    if key in MEMORY_ALONE:
        todo = "It changes memory and time, not the gradient: do not compare peak memory."
    elif key == OWN_DEFAULT:
        given = f"{listed([shown(one) for one in own])} {'has' if len(own) == 1 else 'have'}"
        todo = f"{given} a value of its own in the study; a search would find it for every row."
    elif _swept(fixed, key):
        todo = "The study sweeps over it: compare only rows that share a value."
    else:
        severity = "warning"
        todo = (
            f"Give every row the same {shown(key)} under training:, or tell readers why they "
            "differ."
        )
    name = NAMES.get(key, shown(key).replace("_", " ").capitalize())
    says = f"{name} differs: {by_rows(values)}."
    yield finding(f"training.{key}", says, todo, values, severity=severity)


def _rates(evidence: Evidence, trained: list[Contender]) -> Iterator[Finding]:
    """Rows that learned nothing to speak of at a rate that nobody chose."""
    if (evidence.study.settings.get("training") or {}).get(OWN_DEFAULT) is not None:
        return
    values = {
        one.name: one.learning_rate
        for one in trained
        if OWN_DEFAULT not in one.described.own_training
        and f"training.{OWN_DEFAULT}" not in one.searched
        and one.learned_nothing
    }
    if values:
        yield finding(
            "default_rate",
            "At the default learning rate of the method a training fell into one answer for all, "
            f"or its loss did not fall: {by_rows(values)}.",
            "Such a row may say more about the rate than about the method. Let each find its own, "
            "with learning_rate: auto.",
            values,
        )


def _value(contender: Contender, key: str) -> Any:
    value = contender.training.get(key)
    if value is None and key in OF_TASK:
        return contender.centre.settings.task.get(key)
    return value


def _swept(fixed: list[Contender], key: str) -> bool:
    """Whether every method was tried at all the same values, so that none is favored."""
    tried: dict[tuple[str, str | None], set[str]] = {}
    for contender in fixed:
        place = (contender.method, contender.model)
        tried.setdefault(place, set()).add(repr(_value(contender, key)))
    first, *others = tried.values()
    return len(first) > 1 and all(one == first for one in others)


def _steps(trained: list[Contender]) -> Iterator[Finding]:
    """Steps that differ although nothing that was set explains it; the first such group."""
    asked: dict[str, list[Contender]] = {}
    for contender in trained:
        has_length = contender.training.get("epochs") != "auto"
        if has_length and contender.training.get("patience") is None and contender.finished:
            shape = repr([contender.training.get(key) for key in ("epochs", "batch_size")])
            asked.setdefault(shape, []).append(contender)
    for group in asked.values():
        steps: dict[str, Any] = {
            one.name: sorted({trial.record.result.steps for trial in one.finished} - {None})
            for one in group
        }
        if differ(steps):
            yield finding(
                "steps",
                f"Rows with the same epochs and batch size took different steps: {by_rows(steps)}.",
                "Something cut a trial short; look at its log before comparing.",
                steps,
            )
            return
