"""A commented study file from a look at data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap

from tunewise.core.balance import uneven
from tunewise.data.cleaning.rules import CleanRules
from tunewise.data.first_look.first_budget import USUAL_FLOPS, first_budget
from tunewise.data.inspect import Guess
from tunewise.data.readers.files import ENDINGS, PERHAPS
from tunewise.data.settings import DataSettings

_PLAIN = re.compile(r"(\.{0,2}/)*[A-Za-z][\w./-]*(:[\w./-]+)?", re.ASCII)
_WORDS_OF_YAML = {"yes", "no", "true", "false", "null", "on", "off", "y", "n"}
_MANY = 5000  # rows of train from which on a limit is suggested for a first look


def study_name(source: str) -> str:
    """A name for a study of this source, which also serves as a folder's name.

    >>> study_name("../data/my reviews (1).csv"), study_name("SetFit/sst5"), study_name("..")
    ('my-reviews-1', 'sst5', 'study')
    """
    last = Path(source.rpartition(":")[2])
    stem = last.stem if last.suffix in (*ENDINGS, PERHAPS) else last.name
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:80] or "study"


def write_study(
    guess: Guess,
    name: str | None = None,
    *,
    models: Sequence[str] = (),
    others: Sequence[str] = (),
    flops_per_second: float = USUAL_FLOPS,
) -> str:
    """The study file as text. What was guessed stands beside its reason.

    Args:
        guess: what the data holds.
        name: of the study.
        models: to adapt; the embedded one if none is named.
        others: comments on models that could stand in its place.
        flops_per_second: of the cores that trials run on, which sets the budget.
    """
    name = name or study_name(guess.settings.source or "")
    return "\n".join(
        [
            *_remark(
                "A study drafted by `tunewise init`. Check what it says about your data, then: "
                f"`tunewise validate {name}.yaml` shows what would run, and `tunewise run "
                f"{name}.yaml` runs it and ends with a verdict."
            ),
            f"name: {quoted(name)}",
            "",
            *_task_lines(guess),
            "",
            *_data_lines(guess),
            "",
            *_model_lines(guess.kind, models, others),
            "",
            *_WAYS[guess.kind],
            "",
            *_budget_lines(guess, name, models, flops_per_second),
            "",
        ]
    )


def _task_lines(guess: Guess) -> list[str]:
    if guess.kind == "question-answering":
        return [
            *_remark("What is asked: answers to questions about a context, written by the model."),
            *(line for reason in guess.reasons for line in _remark(reason)),
            "task:",
            "  kind: question-answering",
            "  max_new_tokens: 24",
            "  # decoding: [greedy, top-k 10, top-p 0.9]    # further ways, compared",
            "  # samples: 5                                 # answers of each way that draws",
        ]
    if guess.kind == "chat":
        columns = [f"  {name}: {quoted(column)}" for name, column in guess.task.items()]
        return [
            *_remark(
                "What is asked: the assistant's next turn. Learned are the turns of the assistant, "
                "each with its end; `tunewise validate` shows which tokens these are."
            ),
            *(line for reason in guess.reasons for line in _remark(reason)),
            "task:",
            "  kind: chat",
            *columns,
            "  max_new_tokens: 128",
            "  # json_schema: {type: object}    # are answers well formed? likewise pattern",
        ]
    text = _value(guess.texts if len(guess.texts) > 1 else guess.texts[0])
    task = {"kind": "classification", "text": text, "label": quoted(guess.label)}
    if guess.names:
        task["labels"] = _value(guess.names)
    task["metrics"] = "[accuracy, f1_macro]"
    remarks = []
    if uneven(guess.profile.classes.values()):
        task["metrics"] = "[accuracy, f1_macro, balanced_accuracy]"
        remarks = _remark(
            "The classes are uneven. The first metric chooses and ranks: with f1_macro or "
            "balanced_accuracy first, each class counts alike."
        )
    shown = ", ".join(map(quoted, guess.options[:10]))
    more = f" and {len(guess.options) - 10} more" if len(guess.options) > 10 else ""
    return [
        *_remark(f"What is asked: one of {len(guess.options)} classes ({shown}{more})."),
        *(line for reason in guess.reasons for line in _remark(reason)),
        *remarks,
        f"task: {_flow(task)}",
    ]


def _data_lines(guess: Guess) -> list[str]:
    sizes = ", ".join(f"{name} {count:,}" for name, count in guess.rows.items())
    unit = "row" if len(guess.texts) == 1 else "pair"
    lines = _remark(f"Rows: {sizes}; {guess.words:.0f} words a {unit}, on average.")
    for warning in guess.warnings:
        lines += _remark(f"Noticed: {warning}")
    for problem in guess.problems:
        lines += _remark(f"TO SETTLE before it runs: {problem}")
    lines += ["data:", *(f"  {line}" for line in _settings(guess.settings))]
    if guess.rows["train"] > _MANY:
        lines += [
            "  # limit: {train: 2000}      # for a first look, with the fractions of the labels"
        ]
    if guess.problems:
        lines += ["# accept_leakage: why it does no harm that splits share texts"]
    return lines


def _settings(settings: DataSettings) -> list[str]:
    lines = [f"source: {quoted(settings.source or '')}"]
    if settings.files:
        lines.append(f"files: {_flow({key: quoted(file) for key, file in settings.files.items()})}")
    if settings.split:
        rule = settings.split
        parts = {} if rule.from_ == "train" else {"from": rule.from_}
        given = {name: getattr(rule, name) for name in ("train", "validation", "test")}
        parts |= {name: str(size) for name, size in given.items() if size is not None}
        parts["seed"] = str(rule.seed)
        if rule.group:
            parts["group"] = quoted(rule.group)
        lines.append(f"split: {_flow(parts)}  # the same rows every time")
    if settings.sheet:
        lines.append(f"sheet: {quoted(settings.sheet)}")
    if settings.combine:
        made = {name: _value(fields) for name, fields in settings.combine.items()}
        lines.append(f"combine: {_flow(made)}")
    if settings.on_unseen_label == "drop":
        lines.append("on_unseen_label: drop    # rows of a class that train lacks")
    if settings.clean:
        lines += ["clean:", *(f"  {line}" for line in _cleaning(settings.clean))]
    return lines


def _cleaning(rules: CleanRules) -> list[str]:
    """The steps that are taken, each with what it means."""
    lines = []
    if rules.markup == "strip":
        lines.append("markup: strip             # HTML out of texts, also when it predicts")
    if rules.labels:
        lines.append("labels:                   # spellings of a class; null: no label")
        lines += [
            f"  {quoted(found)}: {'null' if meant is None else quoted(meant)}"
            for found, meant in rules.labels.items()
        ]
    if rules.empty == "drop":
        lines.append("empty: drop               # rows without a text or a label")
    if rules.duplicates == "drop":
        lines.append("duplicates: drop          # one row of each text stays")
    if rules.near_duplicates != "keep":
        lines.append(f"{f'near_duplicates: {rules.near_duplicates}':<26}# never in two splits")
    if rules.min_examples > 1:
        lines.append(f"{f'min_examples: {rules.min_examples}':<26}# smaller classes are left out")
    return lines


_EMBEDDED = {
    "classification": "embedded:encoder",
    "question-answering": "embedded:decoder",
    "chat": "embedded:decoder",
}


def _model_lines(kind: str, models: Sequence[str], others: Sequence[str]) -> list[str]:
    if models:
        return ["# The models to adapt.", f"models: {_value(models)}"]
    remark = (
        f"The models to adapt. {_EMBEDDED[kind]} comes with Tunewise, needs no network and is "
        "tiny. It knows nothing but its own invented world: it shows the way, not what a real "
        "model can do. With a network, put a real one in its place; several may stand there, also "
        "folders."
    )
    return [*_remark(remark), f"models: [{_EMBEDDED[kind]}]", *others]


_METHODS = (
    "# The ways to adapt them; each makes a row of the verdict.",
    "methods:",
    "  - majority                      # always the most frequent class: the least to beat",
    "  - tfidf                         # counted words, without a model: often hard to beat",
    "  - head                          # only a new last layer learns; quick",
    "  - lora: {rank: 8}               # small corrections on frozen weights",
    "  - full                          # every weight learns",
    "# Each method gets the learning rate and the epochs that it needs, measured on validation.",
)
_FEW_SHOT = "  - few-shot: {shots: 4}                   # as it comes, shown some answers first"
_WRITING = (
    "# The ways to adapt them; each makes a row of the verdict.",
    "methods:",
    "  - untuned                                # the model as it comes: the least to beat",
    "  - lora: {rank: 8, targets: attention}    # small corrections beside frozen weights",
    "  - full                                   # every weight learns",
    "# Each method gets the learning rate that it needs, measured on validation.",
    "training: {epochs: 3, batch_size: 16, max_length: 512}",
)
_CONVERSING = (*_WRITING[:3], _FEW_SHOT, *_WRITING[3:])
_WAYS = {"classification": _METHODS, "question-answering": _WRITING, "chat": _CONVERSING}


def _budget_lines(
    guess: Guess, name: str, models: Sequence[str], flops_per_second: float
) -> list[str]:
    if any(not model.startswith("embedded:") for model in models):  # how long is for `plan` to say
        return [
            "seeds: [0, 1, 2]                  # fewer are quicker, and say less about the method",
            *_remark(f"`tunewise plan {name}.yaml` says how long that takes, and within a budget:"),
            "# budget: 30 min                  # adds seeds only where they can change the verdict",
        ]
    budget = first_budget(guess.kind, guess.rows, guess.bytes, flops_per_second=flops_per_second)
    return [
        *_remark(
            f"What it may take. {budget} holds the search of every method and a verdict; what is "
            "left goes to further seeds where they can change it, and so does more time: "
            f"`tunewise run {name}.yaml --budget +5min`. A real model takes longer: `tunewise plan "
            f"{name}.yaml` says how long."
        ),
        f"budget: {budget}",
        "# seeds: [0, 1, 2]                # without a budget: every method gets each of them",
    ]


def quoted(text: str) -> str:
    r"""A text as YAML writes it: bare where that is safe, else between double quotes.

    >>> quoted("text"), quoted("no"), quoted('my "best" label'), quoted("1")
    ('text', '"no"', '"my \\"best\\" label"', '"1"')
    """
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(sign: str) -> str:
    if sign in '"\\':
        return "\\" + sign
    if sign.isprintable():
        return sign
    code = ord(sign)
    if code < 0x10000:
        return f"\\u{code:04x}"
    return f"\\U{code:08x}"


def _value(texts: str | Sequence[str]) -> str:
    return quoted(texts) if isinstance(texts, str) else f"[{', '.join(map(quoted, texts))}]"


def _flow(values: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in values.items()) + "}"


def _remark(text: str) -> list[str]:
    """Comment lines. Names from the data may hold anything, so nothing unprintable gets through."""
    safe = "".join(sign if sign.isprintable() else " " for sign in text)
    return [f"# {line}" for line in wrap(safe, 96, break_long_words=False, break_on_hyphens=False)]
