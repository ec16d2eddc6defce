from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields
from typing import Any

import jsonschema
import pytest

from tunewise.core.canonical import OPEN
from tunewise.core.settings import MEANING
from tunewise.data.settings import DataSettings, SplitRule
from tunewise.methods.base import METHODS
from tunewise.studyfile.expand import expand
from tunewise.studyfile.limits import Limits
from tunewise.studyfile.reading import read_text
from tunewise.studyfile.schema import DIALECT, PATH, text
from tunewise.studyfile.settings import StudyOptions
from tunewise.studyfile.studyfile import settings_of_document
from tunewise.tasks.base import TASKS
from tunewise.training.settings import TrainingSettings

SHIPPED = json.loads(PATH.read_text(encoding="utf-8"))

# Each is also read for real, so that schema and reader agree on what is sound.
SOUND = {
    "the example of the handbook": """
name: sst5
task: {kind: classification, text: text, label: label, metrics: [accuracy, f1_macro]}
data: {source: SetFit/sst5}
models: [bert-base-uncased]
methods:
  - majority
  - tfidf
  - full
  - head
  - prefix: {length: 128}
  - lora: {rank: [1, 16, 256], alpha: 32, dropout: 0.4, targets: [query, value]}
training: {epochs: 20, batch_size: 32}
search: {learning_rate: [1e-4, 5e-4, 1e-3]}
seeds: [0, 1, 2]
""",
    "pairs, files, a split and a reason": """
name: boolq
task: {kind: classification, text: [question, passage], label: answer, labels: ["no", "yes"]}
data:
  files: {train: a.jsonl, test: c.parquet}
  split: {from: train, train: 8000, validation: rest, seed: 0, group: passage}
  limit: {train: 100}
  columns: {answer: label}
  on_missing_label: drop
models: [embedded:encoder, "bert-base-uncased@v1.0"]
methods: [full]
accept_leakage: two sentences of the source stand in both
equivalence_margin: 0.01
keep: none
""",
    "sweeps, names and values by method": """
name: sweeps
task: {kind: classification, text: text, label: label}
data: {source: reviews.csv}
models: bert-base-uncased
methods:
  - lora:
  - lora: {targets: [[query], [query, value]], name: places, training: {epochs: [1, 2]}}
  - full: {}
  - tfidf: {ngrams: [[1, 1], [1, 2]]}
training:
search: {learning_rate: {full: [1e-5], lora: [1e-4]}, lora.dropout: [0.1], warmup: [0, 0.1]}
seeds: 3
""",
    "a search left to itself": """
name: auto
task: {kind: classification, text: text, label: label}
data: {source: reviews.csv}
models: [./model]
methods: full
search: {learning_rate: auto}
""",
}

WRONG = {
    "an unknown key": ("keep: all", "kep: all"),
    "an unknown method": ("- full", "- ful"),
    "an unknown setting": ("rank: 8", "rnk: 8"),
    "another type": ("epochs: 3", "epochs: three"),
    "another choice": ("keep: all", "keep: some"),
}
PLAIN = """
name: plain
task: {kind: classification, text: text, label: label}
data: {source: reviews.csv}
models: [bert]
methods:
  - full
  - lora: {rank: 8}
training: {epochs: 3}
keep: all
"""


def values(study: str) -> Any:
    return read_text(study, name="study.yaml").values


def test_the_shipped_schema_is_the_one_the_code_makes() -> None:
    made = text()
    assert PATH.read_text(encoding="utf-8") == made, "run: python -m tunewise.studyfile.schema"


def test_the_schema_is_sound_itself() -> None:
    assert SHIPPED["$schema"] == DIALECT
    jsonschema.Draft202012Validator.check_schema(SHIPPED)


@pytest.mark.parametrize("name", SOUND)
def test_sound_studies_pass_the_schema_and_the_reader(name: str) -> None:
    document = read_text(SOUND[name], name="study.yaml")
    jsonschema.validate(document.values, SHIPPED)
    assert expand(settings_of_document(document)).contenders


@pytest.mark.parametrize("name", WRONG)
def test_broken_studies_do_not_pass(name: str) -> None:
    old, new = WRONG[name]
    jsonschema.validate(values(PLAIN), SHIPPED)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values(PLAIN.replace(old, new)), SHIPPED)


def test_settings_are_described() -> None:
    warmup = SHIPPED["$defs"]["training"]["properties"]["warmup"]
    assert warmup["description"] == "Fraction of all steps in which the learning rate rises."
    assert warmup["default"] == 0.06


PUBLISHED = [
    TrainingSettings,
    DataSettings,
    SplitRule,
    StudyOptions,
    Limits,
    *METHODS.classes.values(),
    *TASKS.classes.values(),
]


@pytest.mark.parametrize("part", PUBLISHED, ids=lambda part: part.__name__)
def test_every_setting_says_what_it_means_in_a_sentence(part: Any) -> None:
    for field in fields(part):
        if not field.metadata.get(OPEN):  # which holds settings of a library's own
            meaning = field.metadata[MEANING]
            assert meaning[0].isupper() or meaning[0] == "`", (field.name, meaning)
            assert meaning.endswith("."), (field.name, meaning)


def test_the_shipped_schema_is_found_without_torch() -> None:
    code = (
        "import sys, importlib.resources as r;"
        "r.files('tunewise.studyfile').joinpath('study.schema.json').read_text();"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
