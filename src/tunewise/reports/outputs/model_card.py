"""The model card of an exported contender, as the hub reads it: Markdown under a YAML header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tunewise.analysis.costs import has_costs
from tunewise.analysis.evidence import Evidence
from tunewise.analysis.results import Results, Row
from tunewise.analysis.setting_differences import command
from tunewise.analysis.verdict.verdict import Verdict
from tunewise.analysis.wording import metric_name
from tunewise.core.format import count, score
from tunewise.core.sanitize import shown
from tunewise.reports.document.markdown import markdown_table, plain
from tunewise.reports.document.model import Column, Table
from tunewise.reports.sections.cells import ends, texts
from tunewise.reports.sections.results import how_to_read, table_of
from tunewise.store.places import Places
from tunewise.store.records import TrialSettings

TRANSFORMERS = """\
from transformers import AutoModelForSequenceClassification, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(".")
model = AutoModelForSequenceClassification.from_pretrained(".")
inputs = tokenizer({texts}, truncation={truncation}, max_length={length}, return_tensors="pt")
print(model.config.id2label[int(model(**inputs).logits.argmax())])"""

PEFT = """\
import peft, transformers
tokenizer, labels = transformers.AutoTokenizer.from_pretrained("."), {labels}
model = peft.AutoPeftModelForSequenceClassification.from_pretrained(
    ".", id2label=labels, pad_token_id={pad}, dtype="float32").eval()
inputs = tokenizer({texts}, truncation={truncation}, max_length={length}, return_tensors="pt")
print(labels[int(model(**inputs).logits.argmax())])"""

TUNEWISE = """\
from tunewise.data.examples import Example
from tunewise.training.finished import load_exported
(answer,) = load_exported(".").predict([Example("1", ({texts},))])
print({labels}[answer.choice], answer.probabilities)"""

WRITER = """\
{classes}
tokenizer = AutoTokenizer.from_pretrained(".")
model = {model}.eval()
inputs = {inputs}
written = model.generate(**inputs, max_new_tokens={tokens}, do_sample=False, pad_token_id={pad})
answer = tokenizer.decode(written[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True)
print({line})"""
WRITER_CLASSES = {
    "transformers": (
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        'AutoModelForCausalLM.from_pretrained(".")',
    ),
    "peft": (
        "from peft import AutoPeftModelForCausalLM\nfrom transformers import AutoTokenizer",
        'AutoPeftModelForCausalLM.from_pretrained(".", dtype="float32")',
    ),
}
OWN_WRITER = """\
from tunewise.data.examples import Example
from tunewise.training.finished import load_exported
(answer,) = load_exported(".").predict([Example("1", ("A question?", "Its context."))])
print(answer.answer)"""

ASKED_PLAINLY = 'tokenizer({prompt}, return_tensors="pt")'
ASKED_IN_CHAT = """\
tokenizer.apply_chat_template(
    {turns}, add_generation_prompt=True, return_dict=True, return_tensors="pt")"""
OWN_CHATTER = """\
from tunewise.data.examples import Example
from tunewise.training.finished import load_exported
(answer,) = load_exported(".").predict([Example("1", ("What the user says.",))])
print(answer.answer)"""

LOADING = {"transformers": TRANSFORMERS, "peft": PEFT, "tunewise": TUNEWISE}
WRITING = {"transformers": WRITER, "peft": WRITER, "tunewise": OWN_WRITER}
NEEDS = {
    "transformers": "It is a folder of transformers and needs nothing else.",
    "peft": "It is an adapter of PEFT{head}. The base model is loaded from {base}; a base "
    "in a folder must be taken along, or the contender exported again with `--merge`.",
    "tunewise": "It needs Tunewise (`pip install tunewise`): neither transformers nor PEFT has "
    "this kind of model, and neither should run foreign code to get it. "
    "`tunewise predict . --text ...` answers from the command line.",
}
UNPROVEN = (
    "> **Unproven: do not use.** This folder did not answer as the contender that was trained."
)


@dataclass(frozen=True)
class Exported:
    """What the card says of the folder itself. `proof` holds the values of ``proof.json``."""

    form: str
    merged: bool
    trial: str
    settings: TrialSettings
    base: str | None  # where the base model is loaded from
    max_length: int | None
    pad_token_id: int | None
    proof: Mapping[str, Any]
    prompt: str = ""  # one of the data's, where answers are written
    turns: tuple[tuple[str, str], ...] = ()  # of a conversation: role and content of each


def card(
    evidence: Evidence, results: Results, verdict: Verdict, name: str, exported: Exported
) -> str:
    """The whole card. Everything from the study is shown as text and can do nothing."""
    row = next(row for row in results.rows if row.name == name)
    places = Places([exported.settings.as_json(), exported.base])
    base = None if exported.base is None else places.public(exported.base)
    settings, proof = places.record(exported.settings), places.public(exported.proof)
    exported = replace(exported, settings=settings, base=base, proof=proof)
    head = "" if exported.prompt else " with its head"
    needs = NEEDS[exported.form].format(base=plain(str(exported.base)), head=head)
    # What else was measured on the same data, and how sure the order is.
    costs = has_costs(evidence, results)
    compared = markdown_table(table_of(results, finished=verdict.finished, costs=costs))
    certainty = " ".join(plain(text) for text in (verdict.headline, *verdict.certainty))
    parts = [
        _header(evidence, row, exported),
        f"# {plain(evidence.name)}: {plain(name)}",
        *([] if exported.proof["passed"] else [UNPROVEN]),
        _what(evidence, row, exported),
        f"## Loading it\n\nRun inside this folder, or put its path in place of `.`:\n\n"
        f"```python\n{_snippet(evidence, exported)}\n```\n\n{needs}",
        f"## Results\n\n{_results(row, results)}",
        f"## Comparison\n\n{compared}\n\n{how_to_read(results)}\n\n{certainty}",
        f"## Limits\n\n{_limits(row, verdict)}",
        "## Training it again\n\nWith the study's file and its data; the trial above is the one of "
        "the first seed, and gives the same weights on the same kind of machine:\n\n"
        f"```sh\n{command(evidence, evidence.by_name[name])}\n```",
        f"## Data\n\n{_data(evidence)}",
        f"## Settings\n\n{_fenced(_settings(exported))}",
        f"## Proof\n\n{_proof(exported)}",
        "## Licence\n\nNo licence has been chosen. It depends on those of the base model and of "
        "the data; add it to the header of this file as `license:`.",
    ]
    return "\n\n".join(parts) + "\n"


def _header(evidence: Evidence, row: Row, exported: Exported) -> str:
    values: dict[str, Any] = {
        "library_name": exported.form,
        "pipeline_tag": "text-generation" if exported.prompt else "text-classification",
        "tags": ["tunewise", row.method],
    }
    model = exported.settings.model
    if model and model.revision:  # on the hub, not a folder of somebody's machine
        values["base_model"] = model.source
    if hub := evidence.data.source.get("hub"):
        values["datasets"] = [hub]
    if measured := _model_index(evidence, row, values["pipeline_tag"]):
        values["model-index"] = [{"name": shown(row.name), "results": measured}]
    lines = [f"{key}: {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(["---", *lines, "---"])


def _model_index(evidence: Evidence, row: Row, task: str) -> list[dict[str, Any]]:
    """A result a split, as the hub reads them, its metrics with their intervals.

    Values are means over seeds as fractions, or nats; intervals are over examples, in the
    arguments of a metric, for which the hub has no field.
    """
    found = []
    for split in ("validation", "test"):
        metrics = [
            {
                "type": metric,
                "name": metric_name(metric),
                "value": spread.mean,
                "args": {
                    "seeds": list(row.seeds),
                    "sd": spread.sd,
                    **_interval(row, split, metric),
                },
            }
            for metric, spread in row.scores(split).items()
        ]
        data = {
            "name": shown(evidence.name),
            "type": str(evidence.data.source.get("hub") or "local"),
            "split": split,
            "args": {"hash": evidence.data.hash},
        }
        if metrics:
            found.append({"task": {"type": task}, "dataset": data, "metrics": metrics})
    return found


def _interval(row: Row, split: str, metric: str) -> dict[str, float]:
    interval = row.intervals.get((split, metric))
    return {} if interval is None else {"low": interval.low, "high": interval.high, "level": 0.95}


def _what(evidence: Evidence, row: Row, exported: Exported) -> str:
    base = f" on {plain(row.model)}" if row.model else ""
    folded = ", merged into its layers" if exported.merged else ""
    how = f"`{row.method}`{base}{folded}."
    if row.parameters:
        total = count(row.parameters.total)
        how += f" {row.parameters.trainable:,} of its {total} parameters were trained."
    if exported.prompt:
        asked = "to questions about a context" if _asks_pairs(evidence) else "in conversations"
        return f"Writes answers {asked}: {how}"
    named = " and ".join(plain(column) for column in evidence.text_columns)
    columns = (Column("Id"), *texts("Label"))
    labels = markdown_table(Table("labels", "", columns, tuple(enumerate(evidence.labels))))
    return f"Chooses one of {len(evidence.labels)} labels for {named}: {how}\n\n{labels}"


def _asks_pairs(evidence: Evidence) -> bool:
    return len(evidence.text_columns) == 2


def _snippet(evidence: Evidence, exported: Exported) -> str:
    """Loading and answering; a text is written by greedy search after a prompt of the data's."""
    pair = _asks_pairs(evidence)
    classes, model = WRITER_CLASSES.get(exported.form, ("", ""))
    snippets = WRITING if exported.prompt else LOADING
    snippet = snippets[exported.form]
    turns = [{"role": role, "content": content} for role, content in exported.turns]
    asked = ASKED_IN_CHAT.format(turns=json.dumps(turns)) if turns else ASKED_PLAINLY
    if turns and not pair and exported.form == "tunewise":
        snippet = OWN_CHATTER
    return snippet.format(
        texts='"A text.", "Its second part."' if pair else '"A text."',
        truncation='"only_second"' if pair else "True",
        length=exported.max_length,
        labels=dict(enumerate(evidence.labels)),
        pad=exported.pad_token_id,
        classes=classes,
        model=model,
        inputs=asked.replace("{prompt}", json.dumps(exported.prompt)),
        line="answer" if turns and not pair else 'answer.split("\\n")[0].strip()',
        tokens=exported.settings.task.get("max_new_tokens"),
    )


def _results(row: Row, results: Results) -> str:
    """Mean and spread over seeds, interval over examples, and this artifact's own value."""
    columns = (
        *texts("Split", "Metric"),
        *map(Column, ("This one", "Mean over seeds", "SD", "95 % over examples")),
    )
    rows = tuple(
        (
            split,
            metric_name(metric),
            *(score(metric, value) for value in (spread.values[0], spread.mean, spread.sd)),
            ends(metric, row.intervals.get((split, metric)), " to "),
        )
        for split in ("validation", "test")
        for metric, spread in row.scores(split).items()
    )
    seeds = ", ".join(map(str, row.seeds))
    note = (
        f"Fractions in percent, loss in nats. Seeds: {seeds}; this is the one with seed "
        f"{row.seeds[0]}. The validation split chose the settings and flatters them; the verdict "
        f"rests on {results.items:,} examples of the {results.split} split."
    )
    return f"{markdown_table(Table('results', '', columns, rows))}\n\n{note}"


def _limits(row: Row, verdict: Verdict) -> str:
    """What these figures do not say."""
    limits = [
        "It was measured on one data set; on other texts it may be better or worse.",
        "One seed: nothing is known of what another training would give."
        if len(row.seeds) == 1
        else f"This is one of {len(row.seeds)} trainings, and the others scored otherwise.",
        "Groups of people or kinds of text have no figures of their own here.",
        *verdict.notes,
    ]
    if not row.test:
        limits.append("There was no test split: the scores are those that chose the settings.")
    return "\n".join(f"- {plain(text)}" for text in limits)


def _data(evidence: Evidence) -> str:
    data = evidence.data
    rows = ", ".join(f"{number:,} {split}" for split, number in data.rows.items())
    lines = [f"Rows: {rows}. Hash of the content: `{data.hash}`."]
    if data.accept_leakage:
        lines.append(
            f"The splits share texts, which the study accepts: “{plain(data.accept_leakage)}”."
        )
    lines += [f"- {plain(warning)}" for warning in data.audit.warnings]
    return "\n\n".join([*lines, _fenced(data.source)])


def _settings(exported: Exported) -> dict[str, Any]:
    settings = exported.settings
    return {
        "trial": exported.trial,
        "task": settings.task,
        "model": settings.model and settings.model.as_json(),
        "method": settings.method.as_json(),
        "training": settings.training,
        "seed": settings.seed,
    }


def _proof(exported: Exported) -> str:
    proof = exported.proof
    versions = ", ".join(f"{name} {version}" for name, version in proof["versions"].items())
    if proof["difference"] is None:
        return f"**Failed**: {plain(proof['detail'])}."
    judged = "Passed" if proof["passed"] else "**Failed**"
    detail = f" {plain(proof['detail'])}." if proof["detail"] else ""
    if generated := proof.get("generated"):
        detail += f" What it writes is the same after {generated[0]} of {generated[1]} prompts."
    if words := proof.get("answers_in_words"):
        detail += f" {plain(words)}."
    return (
        f"{judged}: in a process of its own the folder was loaded with {proof['loaded_with']} "
        f"({versions}) and answered {proof['examples']} validation examples. Its "
        f"{proof['compared']} differ from those of the trained contender by "
        f"{proof['difference']:.1e} at most; allowed for {proof['dtype']} are "
        f"{proof['tolerance']:.1e}.{detail}"
    )


def _fenced(value: Any) -> str:
    """JSON in ASCII, in which no line can close the fence."""
    return f"```json\n{json.dumps(value, indent=2)}\n```"
