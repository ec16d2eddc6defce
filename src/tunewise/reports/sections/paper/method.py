"""The contenders, how they were trained and chosen, and how they are compared."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from tunewise.analysis.evidence import Contender, Evidence
from tunewise.analysis.facts import Facts
from tunewise.analysis.references import References
from tunewise.analysis.results import Results
from tunewise.analysis.wording import metric_words, setting_words
from tunewise.core.canonical import Settings
from tunewise.core.format import count, listed
from tunewise.reports.document import model as doc
from tunewise.reports.sections.cells import from_to, named, short

_EQUATION = re.compile(r"\{equation ([a-z-]+)\}")
SHARED = {  # settings of training that are named where all contenders have the same
    "schedule": "schedule",
    "warmup": "fraction of warm-up",
    "weight_decay": "weight decay",
    "clip_norm": "clipping norm",
}
_BRACED = re.compile(r"( ?)\{([a-z0-9-]+)\}")


@doc.titled("method", "Method and reasons")
def section(facts: Facts) -> doc.Blocks:
    evidence, results, refs = facts.evidence, facts.results, facts.references
    described = evidence.study.descriptions
    # What a task's description leaves to the study.
    task = evidence.study.task
    columns = evidence.study.texts or task.get("text") or ()
    named = [columns] if isinstance(columns, str) else list(columns)
    yield from _described(
        described.task,
        refs,
        {
            "columns": listed([f"“{short(str(name), 40)}”" for name in named or ("text",)]),
            "labels": f"{len(evidence.labels):,}",
            "prompt": short(str(task.get("prompt") or "{context} {question}"), 200),
            "limit": str(task.get("max_new_tokens", "some")),
        },
        lead="Task.",
    )
    for name in dict.fromkeys(contender.method for contender in evidence.contenders):
        yield from _described(described.methods.get(name, ""), refs, {})
    caption, contenders = "Contenders, with the settings that were chosen", evidence.contenders
    yield doc.Table.about("contenders", caption, COLUMNS, contenders, outputs=doc.PAPER)
    yield doc.Paragraph(_training(evidence, refs), lead="Training.", outputs=doc.PAPER)
    yield doc.Paragraph(_choosing(evidence, results), lead="Choosing.", outputs=doc.PAPER)
    yield doc.Paragraph(_statistics(results, refs), lead="Uncertainty.", outputs=doc.PAPER)


def _described(
    text: str, refs: References, values: Mapping[str, str], *, lead: str = ""
) -> doc.Blocks:
    """What a class of ours, or of somebody else, says of itself: paragraphs and equations.

    ``{equation name}`` alone is an equation, ``{name}`` a value of the study or a source; a name
    that nobody knows, as another version may have written it, is left out.
    """

    def known(match: re.Match[str]) -> str:
        space, name = match.groups()
        sentence = values.get(name) or (refs(name) if name in refs else "")
        return f"{space}{sentence}" if sentence else ""

    for paragraph in text.split("\n\n"):
        if equation := _EQUATION.fullmatch(paragraph):
            yield doc.Equation(equation.group(1))
        else:
            yield doc.Paragraph(_BRACED.sub(known, paragraph), lead=lead, outputs=doc.PAPER)


def _rate(contender: Contender) -> str | None:
    rate = _trained_with(contender).get("learning_rate")
    return f"{rate:g}" if isinstance(rate, int | float) else None


def _epochs(contender: Contender) -> str | None:
    """As named; of an open length those that were taken, by seed."""
    epochs = _trained_with(contender).get("epochs")
    if epochs != "auto":
        return None if epochs is None else str(epochs)
    return from_to(*(len(trial.record.result.epochs) for trial in contender.finished))


def _trained_with(contender: Contender) -> Settings:
    """The training settings of the chosen trials; empty for what takes no steps."""
    if not contender.finished or not contender.described.trained:
        return {}
    return contender.finished[0].record.result.settings.training or {}


def _brief(settings: Settings) -> str:
    """Settings in one line; what is not set is left out."""
    parts = []
    for key, value in settings.items():
        if value is None or isinstance(value, dict):
            continue
        words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        parts.append(f"{key} {words}".replace('"', ""))
    return ", ".join(parts) or doc.NOTHING


COLUMNS = (
    doc.Column("Contender", of=named, number=False),
    doc.Column("Settings", None, _brief, "settings", number=False, wraps=True),
    doc.Column("Trainable", None, count, "parameters.trainable"),
    doc.Column("Learning rate", of=_rate),
    doc.Column("Epochs", of=_epochs),
    doc.Column("Batch", of=lambda one: _trained_with(one).get("batch_size")),
)


def _training(evidence: Evidence, refs: References) -> str:
    used = list(filter(None, (_trained_with(one) for one in evidence.contenders if one.model)))
    versions = evidence.study.environment
    libraries = " and ".join(
        f"{name} {versions[key]} {refs(key)}"
        for name, key in (("PyTorch", "torch"), ("transformers", "transformers"))
        if versions.get(key)
    )
    if not used:
        trains = any(c.parameters and c.parameters.trainable for c in evidence.contenders)
        return "No training has ended yet." if trains else "No contender trains a network."
    alike = {str(training.get("optimizer")) for training in used} == {"adamw"}
    optimizer = f" with AdamW {refs('adamw')}" if alike else ""
    shared = ", ".join(
        f"{name} {used[0][key]}"
        for key, name in SHARED.items()
        if used[0].get(key) is not None and len({str(training.get(key)) for training in used}) == 1
    )
    settings, on = f" ({shared})" if shared else "", f", on {libraries}" if libraries else ""
    return (
        f"Networks are trained{optimizer}{settings}{on}. The loss is divided by the targets of a "
        "whole step."
    )


def _choosing(evidence: Evidence, results: Results) -> str:
    metric = metric_words(results.metric)
    searched = evidence.searched
    if searched:
        number = from_to(*(len(one.points) for one in searched))
        names = sorted({setting_words(name) for one in searched for name in one.searched})
        sentence = (
            f"Each searched contender has {number} points over {listed(names)}, tried with the "
            f"first seed; the one with the best validation {metric} counts, and is trained with "
            "the other seeds."
        )
    else:
        sentence = "Nothing was searched: every contender runs with the settings of the study file."
    if evidence.data.has_test:
        sentence += (
            " The test split stays sealed until all choosing is done; then each chosen trial is "
            "scored on it once."
        )
    else:
        sentence += " There is no test split, so results rest on the split used for choosing."
    return sentence


def _statistics(results: Results, refs: References) -> str:
    pairs = results.pairs_counted
    sentence = (
        "Two kinds of chance are kept apart. Over examples, fractions of right answers have "
        f"Wilson intervals {refs('wilson')}, other metrics and differences BCa bootstrap "
        f"intervals {refs('bca')}; pairs are tested by exact sign flips of examples, which with "
        f"single runs are McNemar’s test {refs('mcnemar')}, or by approximate randomization "
        f"{refs('randomization')}."
    )
    if len(results.seeds_planned) > 1:
        sentence += (
            " Over seeds, t on paired seeds is joined with the variance over examples after "
            f"Satterthwaite {refs('satterthwaite')}; the variance over seeds is moderated by that "
            f"of the other contenders {refs('moderated')}, and few seeds allow no bootstrap."
        )
    if pairs > 1:
        sentence += (
            f" The p values are corrected by Holm’s method {refs('holm')} over all {pairs} pairs, "
            "because the best is picked by the same scores."
        )
    return sentence
