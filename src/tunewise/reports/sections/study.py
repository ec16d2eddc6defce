"""The study file, the environment, and how to run it all again."""

from __future__ import annotations

from tunewise.core.format import duration, listed
from tunewise.core.sanitize import shortened, shown
from tunewise.reports.document.model import (
    FILES,
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
from tunewise.reports.facts.facts import Facts
from tunewise.reports.facts.setting_differences import Setting, commands
from tunewise.reports.sections.cells import CONTENDER, named

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
    about = facts.overview
    study_file = Details("Study file", (Code(about.study_file or ""),), open=True)
    return Section.of(
        "study",
        "Study, environment, reproduction",
        [
            Paragraph(_in_paper(facts), outputs=PAPER),
            _pooling(facts),
            Paragraph(AGAIN, outputs=PAGE),
            Code(about.command),
            *_settings(facts),
            _each_row(facts),
            Paragraph(SAME, outputs=PAGE),
            study_file if about.study_file else None,
            Details("Resolved settings", (Code(about.resolved),)),
            Details("Trials of each row", (_trials(facts),)),
            Details("Environment", (Pairs(about.environment),)),
            Details("Content hashes", (Pairs(about.hashes),)),
        ],
    )


def _in_paper(facts: Facts) -> str:
    about, versions = facts.overview, facts.evidence.study.environment
    text = f"The command {about.command} runs the study again and resumes it after interruptions."
    trials = [trial for one in facts.evidence.contenders for trial in one.trials]
    seconds = [trial.record.costs.seconds.get("total") for trial in trials]
    known = [one for one in seconds if one is not None]
    if known:
        text += f" Its {len(trials)} trials took {duration(sum(known))} of computing."
    named_versions = [f"{name} {versions[name]}" for name in LIBRARIES if versions.get(name)]
    if named_versions:
        text += f" It ran with {', '.join(named_versions)}."
    hashes = [
        shortened(shown(f"{name.removesuffix('.hash')} with the hash {value}"), 80)
        for name, value in about.hashes
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
    told = facts.evidence.study.pooling
    if not told:
        return None
    models = [f"{shortened(shown(model), 80)}: {shown(how)}" for model, how in told.items()]
    return Paragraph(f"{'; '.join(models)}.", lead="Pooling.", outputs=PRINT)


def _settings(facts: Facts) -> list[Table | Details]:
    """Settings in which contenders differ; the page marks what the search chose."""
    if not facts.setting_differences:
        return []
    names = [row.name for row in facts.results.rows]
    title, key = "Settings in which rows differ", "settings"
    raw = tuple((one.path, *(one.values[n] for n in names)) for one in facts.setting_differences)
    in_files = Table(
        key, title, (Column("", "setting"), *(Column("", n) for n in names)), raw, outputs=FILES
    )
    columns = (Column("Setting", number=False), *(Column(shown(n), number=False) for n in names))
    rows = tuple(
        (one.path, *(_value(one, name) for name in names)) for one in facts.setting_differences
    )
    on_page = Table(key, title, columns, rows, outputs=PAGE)
    return [in_files, Details(title, (on_page,))]


def _value(one: Setting, name: str) -> str | Noted:
    return Noted(one.values[name], "chosen") if one.searched[name] else one.values[name]


def _each_row(facts: Facts) -> Details:
    blocks = [
        block
        for command in commands(facts.evidence)
        for block in (Paragraph(command.name, outputs=PAGE), Code(command.text))
    ]
    about = Paragraph(EACH, style="about", outputs=PAGE)
    return Details("Commands that train each row again", (about, *blocks))


def _trials(facts: Facts) -> Table:
    rows = tuple((named(row), " ".join(ids)) for row, ids in facts.overview.trials)
    columns = (CONTENDER, Column("Trials, in the order of the seeds", number=False))
    return Table("trials-of-rows", "Trials of each row", columns, rows, outputs=PAGE)
