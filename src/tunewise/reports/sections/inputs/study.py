"""The study file, the environment, and how to run it all again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from tunewise.analysis.evidence import Evidence
from tunewise.analysis.facts import Facts
from tunewise.analysis.setting_differences import command, flat, settings_apart
from tunewise.analysis.wording import value_words
from tunewise.core.canonical import JSONObject
from tunewise.core.format import duration, listed
from tunewise.core.sanitize import shown
from tunewise.reports.document import model as doc
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


@doc.titled("study", "Study, environment, reproduction")
def section(facts: Facts) -> doc.Blocks:
    study, text = facts.evidence.study, _study_file(facts.evidence)
    resolved = json.dumps(study.settings, indent=2, ensure_ascii=False)
    yield doc.Paragraph(_in_paper(facts), outputs=doc.PAPER)
    if study.pooling:  # how a model's classifier makes one vector of a text, where it was left open
        models = [f"{short(model, 80)}: {shown(how)}" for model, how in study.pooling.items()]
        yield doc.Paragraph(f"{'; '.join(models)}.", lead="Pooling.", outputs=doc.PRINT)
    if study.batch_sizes:  # those that were found, where the study file says `auto`
        sizes = [f"{n:,} for {short(model, 80)}" for model, n in study.batch_sizes.items()]
        how = "The largest that fits, found by doubling and halving from 32"
        text_of = f"{how}: {listed(sizes, most=9)}."
        yield doc.Paragraph(text_of, lead="Batch size.", outputs=doc.PRINT)
    if study.precision:
        text_of = f"{study.precision}, the faster one where the study was begun."
        yield doc.Paragraph(text_of, lead="Precision (auto).", outputs=doc.PRINT)
    yield doc.Paragraph(AGAIN, outputs=doc.PAGE)
    yield doc.Code(_command(facts.evidence))
    yield from _settings(facts)
    blocks: list[doc.Block] = [doc.Paragraph(EACH, style="about", outputs=doc.PAGE)]
    for one in facts.evidence.contenders:
        blocks.append(doc.Paragraph(one.name, outputs=doc.PAGE))
        blocks.append(doc.Code(command(facts.evidence, one)))
    yield doc.Details("Commands that train each row again", tuple(blocks))
    ids = doc.Column(
        "Trials, in the order of the seeds",
        of=lambda row: " ".join(t.record.id for t in facts.evidence.by_name[row.name].finished),
        number=False,
    )
    trials = doc.Table.about(
        "trials-of-rows",
        "Trials of each row",
        (CONTENDER, ids),
        facts.results.rows,
        outputs=doc.PAGE,
    )
    yield doc.Paragraph(SAME, outputs=doc.PAGE)
    if text:
        yield doc.Details("Study file", (doc.Code(text),), open=True)
    yield doc.Details("Resolved settings", (doc.Code(resolved),))
    yield doc.Details("Trials of each row", (trials,))
    yield doc.Details("Environment", (_pairs(study.environment),))
    yield doc.Details("Content hashes", (_pairs(_hashes(facts.evidence)),))


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
    return {"data": evidence.data.hash or doc.NOTHING, **flat(models)}


def _pairs(values: Mapping[str, object]) -> doc.Pairs:
    return doc.Pairs(tuple((key, value_words(value)) for key, value in flat(dict(values)).items()))


def _in_paper(facts: Facts) -> str:
    evidence, versions = facts.evidence, facts.evidence.study.environment
    text = (
        f"The command {_command(evidence)} runs the study again and resumes it after interruptions."
    )
    trials = [trial for one in evidence.contenders for trial in one.trials]
    seconds = [trial.record.costs.total_seconds for trial in trials]
    if known := [one for one in seconds if one is not None]:
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


def _settings(facts: Facts) -> doc.Blocks:
    """Settings in which contenders differ; the page marks what the search chose."""
    found = settings_apart(facts.evidence)
    if not found:
        return
    names = [row.name for row in facts.results.rows]
    title, key = "Settings in which rows differ", "settings"
    raw = ((one.path, *(one.values[name] for name in names)) for one in found)
    rows = tuple(
        (
            one.path,
            *(
                doc.Noted(one.values[name], "chosen") if one.searched[name] else one.values[name]
                for name in names
            ),
        )
        for one in found
    )
    columns = tuple(texts("Setting", *map(shown, names)))
    yield doc.Table.of_files(key, title, ("setting", *names), raw)
    yield doc.Details(title, (doc.Table(key, title, columns, rows, outputs=doc.PAGE),))
