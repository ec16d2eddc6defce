"""No setting that a study may have is without effect; the settings are those of the schema.

A setting that is added is tested here without being named, unless its value must be a certain
word: then `VALUES` needs a line for it.
"""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import nn

import tunewise
from tunewise.core.errors import InputError
from tunewise.data.settings import DataSettings, SplitRule
from tunewise.data.sources import read_data
from tunewise.methods.base import METHODS
from tunewise.store.identity import seeds_of, trial_id
from tunewise.store.records import ModelRecord, StudyRecord
from tunewise.studies.prepare import prepare
from tunewise.studyfile.contender_records import Facts, contender_records
from tunewise.studyfile.expand import expand
from tunewise.studyfile.limits import Limits
from tunewise.studyfile.schema import PATH
from tunewise.studyfile.settings import StudyOptions, StudySettings
from tunewise.studyfile.studyfile import read_study
from tunewise.studyfile.unread import moot
from tunewise.studyfile.values import name_of, types_of
from tunewise.tasks.base import TASKS
from tunewise.training.optimizer import learning_rate_at, make_optimizer
from tunewise.training.settings import SOLVER, OptimizerName, TrainingSettings

SCHEMA = json.loads(PATH.read_text(encoding="utf-8"))
TOP = SCHEMA["properties"]
TRAINING = SCHEMA["$defs"]["training"]["properties"]
PARTS = ("task", "data", "models", "methods", "training", "search")

CLASSIFY = {"kind": "classification", "text": "text", "label": "label"}
ANSWER = {"kind": "question-answering"}
LOOK = {
    "kind": "visual-question-answering",
    "image": "image",
    "question": "question",
    "answer": "answer",
}
CONVERSE = {"kind": "chat"}
PAIRED = {"kind": "chat", "prompt": "asked", "completion": "said"}
TASK_OF = {"classification": CLASSIFY, "question-answering": ANSWER, "chat": CONVERSE}
TASK_OF |= {LOOK["kind"]: LOOK}
METHOD_OF = {"question-answering": "full", "chat": "full", "visual-question-answering": "fusion"}

# A study in which a setting can matter, where the plain one is not it.
BESIDE: dict[str, dict[str, Any]] = {
    "training.accumulate": {"training": {"batch_size": 8}},
    "training.devices": {"training": {"batch_size": 8}},
    "training.shard": {"training": {"devices": 2}},
    "training.loss_on": {"task": ANSWER, "methods": ["full"]},
    "training.packing": {"task": ANSWER, "methods": ["full"]},
    "training.patience": {"training": {"epochs": 9}},
    "task.question-answering.samples": {"task": {**ANSWER, "decoding": ["top-k 5"]}},
    "task.chat.samples": {"task": {**CONVERSE, "decoding": ["top-k 5"]}},
    "task.chat.prompt": {"task": PAIRED},
    "task.chat.input": {"task": PAIRED},
    "task.chat.completion": {"task": PAIRED},
    "methods.few-shot.shots": {"task": CONVERSE},
    "methods.prompt.shots": {"methods": [{"prompt": {"style": "few-shot"}}]},
    "methods.prompt.examples": {"methods": [{"prompt": {"style": "few-shot"}}]},
    "methods.prompt.example": {"methods": [{"prompt": {"style": "few-shot"}}]},
    "methods.prompt.max_new_tokens": {"methods": [{"prompt": {"scoring": "text"}}]},
    "methods.peft.peft_type": {"methods": [{"peft": {"peft_type": "LORA"}}]},
}
# Where a value has to be one of certain words, or shaped in a way that the schema leaves open.
VALUES: dict[str, list[Any]] = {
    "task.classification.metrics": [["accuracy", "f1_micro"]],
    "task.question-answering.metrics": [["exact_match"]],
    "task.question-answering.prompt": ["{question} of {context}:"],
    "task.question-answering.decoding": ["beam 2"],
    "task.question-answering.max_length": [99],
    "task.chat.metrics": [["exact_match"]],
    "task.chat.decoding": ["beam 2"],
    "task.chat.max_length": [199],
    "task.chat.json_schema": [{"type": "object"}],
    "task.visual-question-answering.metrics": [["accuracy", "f1_micro"]],
    "task.visual-question-answering.question_types": ["tdiuc"],
    "training.max_length": [99],
    "methods.lora.layers": [[0, 1]],
    "methods.lora.ranks": [{"query": 2}],
    "methods.lora.alphas": [{"query": 2.0}],
    "methods.prompt.template": ["Is {text} good?"],
    "methods.prompt.examples": [[["a text", "good"]]],
    "methods.prompt.example": ["{text} is {label}"],
    "methods.prompt.labels": [["bad", "good"]],
    "methods.peft.peft_type": ["IA3"],
    "methods.tfidf.ngrams": [[1, 3]],
}


KINDS: dict[str, list[Any]] = {
    "integer": [1, 2, 3, 7],
    "number": [0.5, 0.05, 2.0],
    "boolean": [True, False],
    "string": ["other"],
}


def others(schema: dict[str, Any]) -> Iterator[Any]:
    """Values that the schema allows, a few of each kind, other than the default."""
    for way in schema.get("anyOf", [schema]):
        if "anyOf" in way:
            yield from others(way)
        elif "enum" in way:
            yield from way["enum"]
        elif "const" in way:
            yield way["const"]
        else:
            yield from KINDS.get(way.get("type", ""), [])


def settings_of_methods() -> Iterator[tuple[str, dict[str, Any]]]:
    _, several = TOP["methods"]["anyOf"]
    for entry in several["items"]["oneOf"][1:]:
        (name,) = entry["required"]
        for key, schema in entry["properties"][name]["properties"].items():
            if key not in ("name", "training", "model"):
                yield f"methods.{name}.{key}", schema


def settings_of_trials() -> dict[str, dict[str, Any]]:
    """Every setting that makes another training or another question, by its path."""
    found = {f"training.{name}": schema for name, schema in TRAINING.items()}
    found |= dict(settings_of_methods())
    for task in TOP["task"]["oneOf"]:
        kind = task["properties"]["kind"]["const"]
        for name, schema in task["properties"].items():
            if name != "kind":
                found[f"task.{kind}.{name}"] = schema
    return found


TRIALS = settings_of_trials()


def study_for(path: str) -> dict[str, Any]:
    """A study, as a mapping, in which the setting can matter."""
    section, _, rest = path.partition(".")
    owner = rest.rpartition(".")[0]
    study: dict[str, Any] = {"name": "toy", "data": {"source": "reviews.csv"}, "models": ["bert"]}
    study |= {"task": CLASSIFY, "methods": ["full"], "training": {}}
    if section == "task":
        study |= {"task": TASK_OF[owner], "methods": [METHOD_OF.get(owner, "full")]}
    if section == "methods":
        study["methods"] = [owner]
        study["models"] = ["bert"] if METHODS.get(owner).uses_model else []
    return copy.deepcopy({**study, **BESIDE.get(path, {})})


def changed(path: str, value: Any) -> dict[str, Any]:
    section, *owner, name = path.split(".")
    study = study_for(path)
    if section == "methods":
        (entry,) = study["methods"]
        given = entry[owner[0]] if isinstance(entry, dict) else {}
        study["methods"] = [{owner[0]: {**given, name: value}}]
    else:
        study[section] = {**study[section], name: value}
    return study


def trials(study: StudySettings) -> set[str]:
    """The ids of all trials the study may come to; data and models are made up."""
    models = {str(model): ModelRecord("m", None, "m") for model in study.models}
    rows = contender_records(study, expand(study), Facts("d", {}, models))
    return {
        trial_id(point.identity, seed)
        for row in rows
        for point in row.points
        for seed in seeds_of(StudyRecord(seeds=tuple(study.seeds)), row)
    }


@pytest.mark.parametrize("path", TRIALS)
def test_every_setting_of_a_trial_makes_another_trial(path: str) -> None:
    before = trials(read_study(study_for(path)))
    for value in [*VALUES.get(path, []), *others(TRIALS[path])]:
        try:
            study = read_study(changed(path, value))
        except InputError:
            continue
        if trials(study) != before and not moot(study):
            return
    pytest.fail(f"no value of {path} makes another trial: refuse it, or give VALUES one")


# Of the data, what counts is the rows that come out.

DATA: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "source": ({"source": "all.csv"}, {"source": "other.csv"}),
    "files": ({"source": "folder"}, {"files": {"train": "../other.csv"}}),
    "limit": ({}, {"limit": 4}),
    "columns": ({}, {"columns": {"text": "label", "label": "text"}}),
    "sheet": ({}, {"sheet": "other"}),
    "combine": ({}, {"combine": {"made": ["text", "label"]}}),
    "clean.markup": ({"source": "repeated.csv"}, {"clean": {"markup": "strip"}}),
    "clean.labels": ({}, {"clean": {"labels": {"b": "a"}}}),
    "clean.empty": ({"source": "folder"}, {"clean": {"empty": "drop"}}),
    "clean.duplicates": ({"source": "repeated.csv"}, {"clean": {"duplicates": "drop"}}),
    "clean.near_duplicates": ({"source": "repeated.csv"}, {"clean": {"near_duplicates": "drop"}}),
    "clean.min_examples": ({}, {"clean": {"min_examples": 9}}),
    "on_missing_label": ({}, {"on_missing_label": "drop"}),
    "on_unseen_label": ({}, {"on_unseen_label": "drop"}),
    "config": ({}, {"config": "other"}),
    "revision": ({}, {"revision": "other"}),
    "split.from": ({}, {"split": {"from": "test", "train": 4}}),
    "split.train": ({}, {"split": {"train": 10, "validation": 4}}),
    "split.validation": ({}, {"split": {"validation": 5}}),
    "split.test": ({}, {"split": {"validation": 4, "test": 4}}),
    "split.seed": ({}, {"split": {"validation": 4, "seed": 1}}),
    "split.group": ({}, {"split": {"validation": 4, "group": "group"}}),
    "split.stratify": (
        {"split": {"validation": 8}},
        {"split": {"validation": 8, "stratify": False}},
    ),
}


MORE = [f"<b>text</b> {n},{'ab'[n % 3 == 0]}" for n in range(24)]  # for `repeated.csv`


def settings_of_data() -> Iterator[str]:
    for name, schema in TOP["data"]["properties"].items():
        nested = [way for way in schema.get("anyOf", []) if "properties" in way]
        yield from (f"{name}.{inner}" for inner in nested[0]["properties"]) if nested else [name]


def rows_of(folder: Path, data: dict[str, Any]) -> str:
    """What is read with these settings, or why nothing is."""
    settings = read_study({**study_for("training.epochs"), "data": data}).data
    try:
        found = read_data(settings, ("text", "label"), folder, label="label")
    except InputError as error:
        return str(error)
    return repr((found.splits, found.facts.get("dropped_unseen_label")))


BY_MODELS = ("on_too_long",)  # read once they are known; tests/tasks/test_chat_study.py


@pytest.mark.parametrize("path", [path for path in settings_of_data() if path not in BY_MODELS])
def test_every_setting_of_the_data_makes_other_rows(path: str, tmp_path: Path) -> None:
    lines = [f"text {n},{'ab'[n % 3 == 0]},{n // 4}" for n in range(24)]
    (tmp_path / "all.csv").write_text("\n".join(["text,label,group", *lines]))
    (tmp_path / "other.csv").write_text("\n".join(["text,label,group", *lines[4:]]))
    (tmp_path / "repeated.csv").write_text("\n".join(["text,label", *["same,a"] * 2, *MORE]))
    folder = tmp_path / "folder"
    folder.mkdir()
    missing = "a text without," if path == "on_missing_label" else "a text,c"
    (folder / "train.csv").write_text("\n".join(["text,label", *(x[:-2] for x in lines), "x,"]))
    (folder / "validation.csv").write_text(f"text,label\n{missing}\nanother,a\n")
    before, after = DATA[path]
    plain = {"source": "all.csv", "split": {"validation": 4}}
    if path.startswith("on_") or before.get("source") == "folder":
        plain = {"source": "folder"}
    assert rows_of(tmp_path, {**plain, **before}) != rows_of(tmp_path, {**plain, **before, **after})


# At the top of a study, what counts is what is stored for the report and the workers.

OPTIONS: dict[str, Any] = {
    "name": "other",
    "budget": "5 min",
    "seeds": [4],
    "accept_leakage": "a reason",
    "equivalence_margin": 0.02,
    "memory_limit": "9 GB",
    "require": {"accuracy": 0.5},
    "slices": ["length"],
}
BY_THE_LAUNCHER = ("trackers",)  # api.launch reads it from the settings; tests/trackers


@pytest.mark.parametrize("name", [key for key in TOP if key not in (*PARTS, *BY_THE_LAUNCHER)])
def test_every_option_of_a_study_is_stored_for_what_reads_it(name: str, tmp_path: Path) -> None:
    plain = small_study(tmp_path)
    value = OPTIONS.get(name) or next(v for v in others(TOP[name]) if v != TOP[name]["default"])
    assert stored(plain) != stored({**plain, name: value})


def small_study(folder: Path) -> dict[str, Any]:
    lines = [f"text {n},{'ab'[n % 2]}" for n in range(8)]
    (folder / "all.csv").write_text("\n".join(["text,label", *lines]))
    data = {"source": str(folder / "all.csv"), "split": {"validation": 4}}
    return {"name": "toy", "task": CLASSIFY, "data": data, "methods": ["majority"]}


def stored(study: dict[str, Any]) -> str:
    found = prepare(read_study(study)).study.as_json()
    return json.dumps({key: found[key] for key in found if key not in ("settings", "environment")})


# What no id shows: that something reads the setting.


@cache
def words_read() -> set[str]:
    """Attributes that are read, and keys that are asked for, outside a class's own checks."""
    found: set[str] = set()
    for path in Path(tunewise.__file__).parent.rglob("*.py"):
        for node in code_of(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                found.add(node.attr)
            elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
                found.add(str(node.slice.value))
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get":
                found |= {str(one.value) for one in node.args if isinstance(one, ast.Constant)}
    return found


def code_of(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef) and node.name in ("__post_init__", "unread"):
            continue
        yield node
        yield from code_of(node)


def declared() -> Iterator[tuple[type, str]]:
    parts = [StudyOptions, TrainingSettings, DataSettings, SplitRule]
    for part in [*parts, *TASKS.classes.values(), *METHODS.classes.values()]:
        for field in fields(part):
            yield part, field.name


@pytest.mark.parametrize(("part", "field"), [*declared()])
def test_something_reads_every_setting(part: type, field: str) -> None:
    assert field in words_read()


def test_every_limit_is_read_by_its_name() -> None:
    schema = TOP["require"]["anyOf"][0]["properties"]
    assert list(schema) == list(types_of(Limits))
    for name in schema:
        given: Any = (
            "1 GB"
            if name in ("memory", "artefact")
            else "1 s"
            if name in ("time", "latency")
            else 1
        )
        assert list(Limits(**{name: given}).given()) == [name]


@pytest.mark.parametrize("name", sorted({*get_args(OptimizerName)} - {SOLVER}))
def test_every_optimizer_takes_weight_decay(name: str) -> None:
    def weights(decay: float) -> torch.Tensor:
        layer = nn.Linear(2, 2, bias=False)
        layer.weight.data.fill_(1.0)
        layer.weight.grad = torch.tensor([[0.1, 0.2], [0.3, 0.4]])
        settings = TrainingSettings(optimizer=name, weight_decay=decay)  # type: ignore[arg-type]  # parametrized
        optimizer = make_optimizer(layer, [{"params": ["weight"]}], settings)
        for group in optimizer.param_groups:
            group["lr"] = 0.1
        for _ in range(2):
            optimizer.step()
        return layer.weight.detach()

    assert not torch.equal(weights(0.0), weights(0.5))


@pytest.mark.parametrize("name", TRAINING["schedule"]["anyOf"][0]["enum"])
def test_every_schedule_has_a_warm_up(name: str) -> None:
    settings = TrainingSettings(schedule=name, warmup=0.5)  # type: ignore[arg-type]  # parametrized
    assert learning_rate_at(1, 8, settings, 1.0) == 0.25


# Two values for one thing.


def searchable() -> Iterator[tuple[str, str]]:
    for path in TRIALS:
        section, *_, name = path.split(".")
        if section != "task" and (name in TOP["search"]["properties"] or section == "training"):
            yield path, name


@pytest.mark.parametrize(("path", "name"), [*searchable()])
def test_a_value_beside_its_search_is_refused(path: str, name: str) -> None:
    section, *owner, _ = path.split(".")
    for value in [*VALUES.get(path, []), *others(TRIALS[path])]:
        study = changed(path, value)
        try:
            read_study(study)
        except InputError:
            continue
        key = f"{owner[0] if owner else section}.{name}"
        with pytest.raises(InputError, match=r"searched here, and given a value at .*leave out"):
            read_study({**study, "search": {key: [value]}})
        return
    pytest.fail(f"no value of {path} is sound")


@pytest.mark.parametrize("name", TRAINING)
def test_a_training_setting_that_every_method_overrides_is_refused(name: str) -> None:
    path = f"training.{name}"
    for value in [*VALUES.get(path, []), *others(TRAINING[name])]:
        study = changed(path, value)
        own = [{"full": {"training": {name: value}}}]
        try:
            read_study(study)
            read_study({**study, "methods": own, "training": study_for(path)["training"]})
        except InputError:
            continue
        with pytest.raises(InputError, match="has no effect: every trained method has its own"):
            read_study({**study, "methods": own})
        return
    pytest.fail(f"no value of {path} is sound")


# Settings that mean nothing beside others.

UNREAD: dict[str, tuple[dict[str, Any], str]] = {
    "answers drawn where nothing is drawn": (
        {"task": {**ANSWER, "samples": 3}, "methods": ["full"]},
        "task.samples: has no effect: greedy draws nothing",
    ),
    "the most frequent answers beside the answers": (
        {"task": {**LOOK, "labels": ["a", "b"], "most": 5}, "methods": ["fusion"]},
        "task.most: has no effect: labels says which answers there are",
    ),
    "missing labels where there are none": (
        {
            "task": ANSWER,
            "methods": ["full"],
            "data": {"source": "a.json", "on_missing_label": "drop"},
        },
        "data.on_missing_label: has no effect: the task question-answering has no labels",
    ),
    "rows without room where all are read as far as they fit": (
        {"methods": ["full"], "data": {"source": "a.json", "on_too_long": "drop"}},
        "data.on_too_long: has no effect: of a text that is too long the task reads what fits",
    ),
    "shares of labels where there are none": (
        {
            "task": ANSWER,
            "methods": ["full"],
            "data": {"source": "a.json", "split": {"validation": 0.1, "stratify": False}},
        },
        "data.split.stratify: has no effect: the task question-answering has no labels",
    ),
    "the length of what is not written": (
        {"methods": [{"prompt": {"max_new_tokens": 9}}]},
        "methods.prompt.max_new_tokens: has no effect: nothing is written",
    ),
    "shots beside the examples": (
        {"methods": [{"prompt": {"style": "few-shot", "examples": [["a", "b"]], "shots": 4}}]},
        "methods.prompt.shots: has no effect: examples are drawn",
    ),
    "alpha beside the alphas of all targets": (
        {
            "methods": [
                {"lora": {"alpha": 2, "targets": ["query"], "alphas": {"query": 1}}},
            ]
        },
        "methods.lora.alpha: has no effect: alphas has one for every target",
    ),
    "a search of training where nothing is trained": (
        {"methods": ["majority"], "search": {"epochs": [1, 2]}},
        "search.epochs: no method of this study is trained",
    ),
    "a search for a method whose entries all have names": (
        {
            "methods": [{"lora": {"name": "mine"}}],
            "search": {"learning_rate": {"lora": [1e-3], "mine": [1e-3]}},
        },
        "search.learning_rate.lora: every 'lora' of this study has values by its own name",
    ),
}


@pytest.mark.parametrize("case", UNREAD)
def test_a_setting_that_nothing_would_read_is_refused(case: str) -> None:
    changes, words = UNREAD[case]
    study = {**study_for("training.epochs"), **changes}
    with pytest.raises(InputError) as caught:
        read_study(study)
    (problem,) = caught.value.problems
    assert str(problem).startswith(words)


def test_a_setting_that_some_value_of_a_sweep_reads_is_taken() -> None:
    styles = {"prompt": {"style": ["direct", "few-shot"], "shots": 4}}
    read_study({**study_for("training.epochs"), "methods": [styles]})


def test_a_training_setting_that_one_method_overrides_is_taken() -> None:
    methods = ["full", {"lora": {"training": {"epochs": 9}}}]
    read_study({**study_for("training.epochs"), "methods": methods, "training": {"epochs": 2}})


MOOT: dict[str, tuple[dict[str, Any], str]] = {
    "training": (
        {"methods": ["tfidf"], "models": [], "training": {"epochs": 2}},
        "training: no method of this study reads epochs.",
    ),
    "models": ({"methods": ["tfidf"]}, "models: no method of this study uses one."),
    "seeds": (
        {"methods": ["tfidf"], "models": [], "seeds": [0, 1]},
        "seeds: every method of this study gives the same result with each seed.",
    ),
    "patience": (
        {"training": {"epochs": 3, "patience": 2}},
        "methods.full: patience 2 never ends a training of 3 epochs early.",
    ),
}


@pytest.mark.parametrize("case", MOOT)
def test_what_makes_no_difference_to_these_methods_is_reported(case: str) -> None:
    changes, note = MOOT[case]
    assert moot(read_study({**study_for("training.epochs"), **changes})) == [note]


def test_a_note_reaches_who_runs_the_study(tmp_path: Path) -> None:
    study = {**small_study(tmp_path), "training": {"epochs": 2}}
    assert MOOT["training"][1] in prepare(read_study(study)).notes


def test_the_names_of_the_schema_are_those_of_the_classes() -> None:
    """So that `declared` and `TRIALS` speak of the same settings."""
    assert {name_of(field.name) for field in fields(TrainingSettings)} == set(TRAINING)
