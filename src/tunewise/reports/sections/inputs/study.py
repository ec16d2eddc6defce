"""The study file, the environment, and how to run it all again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from tunewise.core.canonical import JSONObject
from tunewise.core.format import duration, listed
from tunewise.core.sanitize import shown
from tunewise.reports.document.model import (
    NOTHING,
    PAGE,
    PAPER,
    PRINT,
    Code,
    Column,
    Details,
    Noted,
    Pairs,
    Paragraph,
    Section,
    Table,
)
from tunewise.reports.facts.evidence import Evidence
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.results import Row
from tunewise.reports.facts.setting_differences import Setting, command, flat, settings_apart
from tunewise.reports.facts.wording import value_words
from tunewise.reports.sections.cells import CONTENDER, short, texts
from tunewise.store.study import STUDY_FILE

LIBRARIES = ("tunewise", "python", "torch", "transformers", "peft", "numpy")
AGAIN = (
    "With the study file below and the same data, this command repeats the study, and resumes it "
    "where it was interrupted:"
)
SAME = (
    "Every trial follows from its settings and its seed. Scores and predictions of the same "
    "software on the same kind of machine come out the same; times and memory do not."
)
EACH = (
    "Each takes the study file with everything but one row overridden; its trials have the ids "
    "they have here."
)


def section(facts: Facts) -> Section | None:
    study = facts.evidence.study
    text = _study_file(facts.evidence)
    resolved = json.dumps(study.settings, indent=2, ensure_ascii=False)
    return Section.of(
        "study",
        "Study, environment, reproduction",
        [
            Paragraph(_in_paper(facts), outputs=PAPER),
            _pooling(facts),
            _batch_sizes(facts),
            Paragraph(AGAIN, outputs=PAGE),
            Code(_command(facts.evidence)),
            *_settings(facts),
            _each_row(facts),
            Paragraph(SAME, outputs=PAGE),
            Details("Study file", (Code(text),), open=True) if text else None,
            Details("Resolved settings", (Code(resolved),)),
            Details("Trials of each row", (_trials(facts),)),
            Details("Environment", (_pairs(study.environment),)),
            Details("Content hashes", (_pairs(_hashes(facts.evidence)),)),
        ],
    )


def _command(evidence: Evidence) -> str:
    """The command that repeats the study."""
    folder = shown(evidence.path.resolve().name)
    return f"tunewise run study.yaml --out {shlex.quote(folder)}"


def _study_file(evidence: Evidence) -> str:
    file = evidence.path / STUDY_FILE
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    return evidence.places.study_file(text) if text else ""


def _hashes(evidence: Evidence) -> JSONObject:
    models = {name: model.as_json() for name, model in evidence.study.models.items()}
    return {"data": evidence.data.hash or NOTHING, **flat(models)}


def _pairs(values: Mapping[str, object]) -> Pairs:
    return Pairs(tuple((key, value_words(value)) for key, value in flat(dict(values)).items()))


def _in_paper(facts: Facts) -> str:
    evidence, versions = facts.evidence, facts.evidence.study.environment
    text = (
        f"The command {_command(evidence)} runs the study again and resumes it after interruptions."
    )
    trials = [trial for one in evidence.contenders for trial in one.trials]
    seconds = [trial.record.costs.total_seconds for trial in trials]
    known = [one for one in seconds if one is not None]
    if known:
        text += f" Its {len(trials)} trials took {duration(sum(known))} of computing."
    named_versions = [f"{name} {versions[name]}" for name in LIBRARIES if versions.get(name)]
    if named_versions:
        text += f" It ran with {', '.join(named_versions)}."
    hashes = [
        short(f"{name.removesuffix('.hash')} with the hash {value}", 80)
        for name, value in _hashes(evidence).items()
        if name.endswith(".hash")
    ]
    if hashes:
        text += f" It started from {listed(hashes)}."
    return (
        f"{text} A trial follows from its settings and its seed: weights, order of the data and "
        "draws are derived from them, so that a run that was interrupted ends like one that was "
        "not. Scores, tests, effects and costs stand in full in evaluation_results.json and in the "
        "CSV files of the folder tables, every answer in a Parquet file of its trial."
    )


def _pooling(facts: Facts) -> Paragraph | None:
    """How each model's classifier makes one vector of a text, where the study left it open."""
    message = facts.evidence.study.pooling
    if not message:
        return None
    models = [f"{short(model, 80)}: {shown(how)}" for model, how in message.items()]
    return Paragraph(f"{'; '.join(models)}.", lead="Pooling.", outputs=PRINT)


def _batch_sizes(facts: Facts) -> Paragraph | None:
    """The size that was found for each model, where the study file says `auto`."""
    found = facts.evidence.study.batch_sizes
    if not found:
        return None
    sizes = [f"{examples:,} for {short(model, 80)}" for model, examples in found.items()]
    text = f"The largest that fits, found by doubling and halving from 32: {listed(sizes, most=9)}."
    return Paragraph(text, lead="Batch size.", outputs=PRINT)


def _settings(facts: Facts) -> list[Table | Details]:
    """Settings in which contenders differ; the page marks what the search chose."""
    found = settings_apart(facts.evidence)
    if not found:
        return []
    names = [row.name for row in facts.results.rows]
    title, key = "Settings in which rows differ", "settings"
    raw = ((one.path, *(one.values[name] for name in names)) for one in found)
    rows = tuple((one.path, *(_value(one, name) for name in names)) for one in found)
    on_page = Table(key, title, tuple(texts("Setting", *map(shown, names))), rows, outputs=PAGE)
    return [Table.of_files(key, title, ("setting", *names), raw), Details(title, (on_page,))]


def _value(one: Setting, name: str) -> str | Noted:
    return Noted(one.values[name], "chosen") if one.searched[name] else one.values[name]


def _each_row(facts: Facts) -> Details:
    blocks = [
        block
        for one in facts.evidence.contenders
        for block in (Paragraph(one.name, outputs=PAGE), Code(command(facts.evidence, one)))
    ]
    about = Paragraph(EACH, style="about", outputs=PAGE)
    return Details("Commands that train each row again", (about, *blocks))


def _trials(facts: Facts) -> Table:
    def ids(row: Row) -> str:
        return " ".join(trial.record.id for trial in facts.evidence.by_name[row.name].finished)

    columns = (CONTENDER, Column("Trials, in the order of the seeds", of=ids, number=False))
    title = "Trials of each row"
    return Table.about("trials-of-rows", title, columns, facts.results.rows, outputs=PAGE)
