"""Prompting: what is asked, how labels are weighed, and what is kept."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tasks.conftest import byte_tokenizer, save_writer
from transformers import AutoModelForCausalLM, BertConfig, BertLMHeadModel, GPT2Config

from tunewise.api import Study
from tunewise.backbones.builder import Builder
from tunewise.backbones.causal import check_causal
from tunewise.backbones.model import Model
from tunewise.backbones.sources import resolve
from tunewise.backbones.transformers_logging import quiet
from tunewise.core.errors import InputError
from tunewise.data.examples import Example
from tunewise.methods.base import METHODS
from tunewise.methods.prompt_asked import Prompted, label_tokens
from tunewise.methods.prompt_script import Script, drawn, named
from tunewise.statistics.replies import options_named
from tunewise.store.records import ModelRecord
from tunewise.studies.contenders import models
from tunewise.studies.contenders.models import Inspector
from tunewise.studies.prepare import prepare
from tunewise.studyfile.studyfile import read_study
from tunewise.tasks.classification import Classification

OPTIONS = ("false", "true")
TRAIN = [Example(str(n), (f"Claim {n} holds.",), n % 2) for n in range(10)]
TEXTS = ("Bats are blind.", "Iron is a metal, and so is gold.", "No.", "{labels} {text} {0}")
ASKED = [Example(f"a{n}", (text,), n % 2) for n, text in enumerate(TEXTS)]


@pytest.fixture(scope="module")
def model() -> Model:
    """A GPT-2 of random numbers that reads bytes."""
    sizes = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 256, "vocab_size": 257}
    torch.manual_seed(0)
    with quiet():
        config = GPT2Config(**sizes, initializer_range=0.5, bos_token_id=256, eos_token_id=256)
        module = AutoModelForCausalLM.from_config(config).eval()
    processor = byte_tokenizer()
    processor.pad_token = processor.eos_token
    return Model(module, processor, {"text": "transformer"}, [], 256, "a byte reader")


def prompted(model: Model, seed: int = 0, **settings: Any) -> Prompted:
    method: Any = METHODS.build("prompt", settings).for_columns(["statement"])
    method.check(model, OPTIONS)
    found: Prompted = method.fit(TRAIN, OPTIONS, model=model, seed=seed)
    return found


def weight(model: Model, prompt: str, label: str) -> float:
    """The log-probability of a label's bytes after a prompt, one byte at a time."""
    ids, total = model.processor(prompt)["input_ids"], 0.0
    for token in model.processor(label)["input_ids"]:
        with torch.no_grad():
            logits = model.module(input_ids=torch.tensor([ids])).logits[0, -1]
        total += float(logits.double().log_softmax(-1)[token])
        ids = [*ids, token]
    return total


QUESTION = "Is this statement true or false? "


def test_probabilities_are_the_softmax_of_the_labels_log_probabilities(model: Model) -> None:
    found = prompted(model).predict(ASKED)
    for example, prediction in zip(ASKED, found, strict=True):
        weights = [weight(model, QUESTION + example.texts[0], f" {word}") for word in OPTIONS]
        expected = torch.tensor(weights).softmax(0).tolist()
        assert prediction.probabilities == pytest.approx(expected, abs=1e-4)
        assert prediction.choice == expected.index(max(expected))
        assert prediction.loss == pytest.approx(-math.log(expected[example.label or 0]), abs=1e-3)


def test_per_token_divides_by_the_labels_length(model: Model) -> None:
    (prediction,) = prompted(model, per_token=True).predict(ASKED[:1])
    weights = [weight(model, QUESTION + TEXTS[0], f" {word}") for word in OPTIONS]
    per_token = torch.tensor([weights[0] / len(" false"), weights[1] / len(" true")])
    assert prediction.probabilities == pytest.approx(per_token.softmax(0).tolist(), abs=1e-4)


def test_calibration_subtracts_what_a_prompt_without_content_says(model: Model) -> None:
    (prediction,) = prompted(model, calibrate=True).predict(ASKED[:1])
    ratio = [
        math.exp(weight(model, QUESTION + TEXTS[0], word) - weight(model, QUESTION + "N/A", word))
        for word in (" false", " true")
    ]
    expected = [part / sum(ratio) for part in ratio]
    assert prediction.probabilities == pytest.approx(expected, abs=1e-4)
    nothing = [Example("n", ("N/A",))]
    (even,) = prompted(model, calibrate=True).predict(nothing)
    assert even.probabilities == pytest.approx((0.5, 0.5), abs=1e-6)


def test_other_examples_in_a_batch_change_nothing(model: Model) -> None:
    asked = prompted(model, style="expert", scoring="text", max_new_tokens=5)
    together = asked.predict(ASKED)
    alone = [asked.predict([example])[0] for example in ASKED]
    for a, b in zip(together, alone, strict=True):
        assert a.probabilities == pytest.approx(b.probabilities, abs=1e-5)
        assert (a.choice, a.reply) == (b.choice, b.reply)


def test_the_few_shot_prompt_in_full(model: Model) -> None:
    pairs = (("The moon is made of cheese.", "false"), ("Paris is in France.", "True"))
    asked = prompted(model, style="few-shot", examples=pairs, labels=("False", "True"))
    assert asked.script.filled(["Bats are blind."]) == (
        'Statement: "The moon is made of cheese."\nAnswer: False\n'
        'Statement: "Paris is in France."\nAnswer: True\n'
        'Statement: "Bats are blind."\nAnswer:'
    )


def test_what_a_text_holds_is_no_place() -> None:
    script = Script("{text} {labels}:", ("no", "yes"))
    assert script.filled(["{labels} {text}"]) == "{labels} {text} no, yes:"


@pytest.mark.parametrize("shots", [1, 2, 4, 5, 40])
def test_examples_are_drawn_by_seed_and_balanced(shots: int) -> None:
    shown = drawn(TRAIN, OPTIONS, shots, seed=3)
    assert shown == drawn(TRAIN, OPTIONS, shots, seed=3)
    assert len(set(shown)) == min(shots, len(TRAIN))
    counts = Counter(word for _, word in shown)
    assert abs(counts["false"] - counts["true"]) <= 1
    right = {e.texts: OPTIONS[e.label or 0] for e in TRAIN}
    assert all(right[texts] == word for texts, word in shown)


def test_other_seeds_draw_others_and_only_then_it_is_seeded() -> None:
    assert len({drawn(TRAIN, OPTIONS, 4, seed) for seed in range(5)}) > 1
    given = (("a", "true"),)
    assert METHODS.build("prompt", {"style": "few-shot"}).seeded
    assert not METHODS.build("prompt", {"style": "few-shot", "examples": given}).seeded
    assert not METHODS.build("prompt", {"style": "expert"}).seeded


@pytest.mark.parametrize(
    ("text", "option"),
    [("It is TRUE.", 1), ("untrue", None), ("false, not true", 0), ("", None), ("truefalse", None)],
)
def test_the_first_label_in_a_text_is_its_answer(text: str, option: int | None) -> None:
    assert named(text, OPTIONS) == option


def test_a_text_that_names_no_label_is_answered_by_likelihood_and_reported(model: Model) -> None:
    words = ("Zebra", "Quagga")
    read = prompted(model, labels=words, scoring="text", max_new_tokens=4).predict(ASKED)
    weighed = prompted(model, labels=words).predict(ASKED)
    assert [p.reply.understood for p in read if p.reply] == [False] * len(ASKED)
    assert [p.choice for p in read] == [p.choice for p in weighed]
    assert all(p.reply and p.reply.text for p in read)


def test_a_text_that_is_too_long_loses_its_end_and_is_marked(model: Model) -> None:
    long = Example("l", ("word " * 200,), 0)
    asked = prompted(model)
    encoded = asked.encoded(long.texts)
    assert encoded.cut
    room = 256 - len(" false")
    assert room - len(" word") < len(encoded.ids) <= room
    (prediction,) = asked.predict([long])
    assert prediction.reply
    assert prediction.reply.cut


@pytest.mark.parametrize("settings", [{}, {"calibrate": True}, {"style": "few-shot", "shots": 3}])
def test_what_is_saved_comes_back(model: Model, tmp_path: Path, settings: dict[str, Any]) -> None:
    method: Any = METHODS.build("prompt", settings)
    asked = method.fit(TRAIN, OPTIONS, model=model, seed=7)
    asked.save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json"}
    again = method.load(tmp_path, model=model)
    assert again.predict(ASKED) == asked.predict(ASKED)
    assert again.script == asked.script


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"template": "Hello"}, "must hold {text}"),
        ({"template": "{labels}?"}, "must hold {text}"),
        ({"style": "few-shot", "template": "{text}"}, "needs a place {examples}"),
        ({"template": "{examples} {text}"}, "of style few-shot alone"),
        ({"examples": (("a", "true"),)}, "shown by style few-shot alone"),
        ({"style": "few-shot", "examples": ()}, "at least one"),
        ({"shots": 0}, "from 1 up"),
        ({"max_new_tokens": 0}, "from 1 up"),
        ({"labels": ("a", " ")}, "every label needs a word"),
    ],
)
def test_settings_that_make_no_prompt_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        METHODS.build("prompt", settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"template": "{statment}?"}, "Did you mean 'statement'"),
        ({"labels": ("yes",)}, "1 words for the 2 options false, true"),
        ({"labels": ("yes", "yes")}, "nothing of its own"),
        ({"style": "few-shot", "examples": (("a", "ture"),)}, "Did you mean 'true'"),
        ({"template": "long " * 60 + "{text}"}, "already fills the 250 tokens"),
    ],
)
def test_what_does_not_fit_the_study_is_refused(
    model: Model, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        prompted(model, **settings)


def test_labels_are_tokenised_as_they_stand_behind_the_prompt(model: Model) -> None:
    for template, before in (("{text}:", ":"), ("{text}:\n", ":\n")):
        script = Script(template, OPTIONS)
        for word, ids in zip(OPTIONS, label_tokens(model.processor, script), strict=True):
            assert model.processor.decode(ids) == script.continuation(word)
            whole = model.processor(f"A{before}{script.continuation(word)}")["input_ids"]
            assert whole[-len(ids) :] == ids


def test_a_model_that_looks_ahead_is_refused(model: Model) -> None:
    check_causal(model)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    with quiet():
        config = BertConfig(**sizes, intermediate_size=16, vocab_size=20, initializer_range=0.5)
        module = BertLMHeadModel(config).eval()
    with pytest.raises(InputError, match="Choose a causal language model"):
        check_causal(Model(module, None, {}))


def test_examples_of_a_study_are_pairs_and_no_sweep() -> None:
    study = {
        "name": "x",
        "task": {"kind": "classification", "text": "text", "label": "label"},
        "data": {"source": "x.csv"},
        "models": ["m"],
        "methods": [{"prompt": {"style": "few-shot", "examples": [["a", "yes"], ["b", "no"]]}}],
    }
    (entry,) = read_study(study).methods
    assert entry.settings["examples"] == ((("a", "yes"), ("b", "no")),)


def test_prompting_does_not_write_answers() -> None:
    study = {
        "name": "x",
        "task": {"kind": "question-answering"},
        "data": {"source": "x.jsonl"},
        "models": ["m"],
        "methods": ["prompt"],
    }
    with pytest.raises(InputError, match="'prompt' does not fit the task 'question-answering'"):
        read_study(study)


STUDY = """
name: facts
task: {{kind: classification, text: statement, label: label, labels: ["false", "true"]}}
data: {{source: data}}
models: ["{model}"]
methods:
  - prompt: {{style: expert, scoring: text, max_new_tokens: 6}}
  - prompt: {{name: shown, style: few-shot}}
seeds: [0, 1]
"""


def test_a_whole_study_of_prompts(tmp_path: Path) -> None:
    save_writer(tmp_path / "writer")
    (tmp_path / "data").mkdir()
    for split, rows in {"train": 12, "validation": 6, "test": 8}.items():
        lines = [f"{split} {n} is so.,{OPTIONS[n % 2]}" for n in range(rows)]
        text = "\n".join(["statement,label", *lines])
        (tmp_path / "data" / f"{split}.csv").write_text(f"{text}\n")
    (tmp_path / "study.yaml").write_text(STUDY.format(model=tmp_path / "writer"))
    Study.read(tmp_path / "study.yaml").run(tmp_path / "out", workers=1)
    content = json.loads((tmp_path / "out" / "report" / "evaluation_results.json").read_text())
    rows_ = {row["name"]: row for row in content["contenders"]}
    assert {row["status"] for row in rows_.values()} == {"done"}
    assert [row["parameters"]["trainable"] for row in rows_.values()] == [0, 0]
    assert {name: row["seeds"] for name, row in rows_.items()} == {"prompt": [0], "shown": [0, 1]}
    with (tmp_path / "out" / "report" / "tables" / "prompting.csv").open() as file:
        table = list(csv.DictReader(file))
    assert len(table) == 8
    assert table[0]["statement"] == "test 0 is so."
    assert all(row["prompt: text"] for row in table)
    assert {row["shown: answer"] for row in table} <= set(OPTIONS)


def test_a_model_that_cannot_write_is_refused_before_anything_runs(tmp_path: Path) -> None:
    study = {
        "name": "x",
        "task": {"kind": "classification", "text": "text", "label": "label"},
        "data": {"source": "embedded:reviews", "limit": {"train": 50, "validation": 50}},
        "models": ["embedded:encoder"],
        "methods": [{"prompt": {"name": "asked"}}],
    }
    with pytest.raises(InputError, match=r"asked on embedded:encoder.*causal language model"):
        prepare(read_study(study))


def test_a_model_that_is_only_asked_is_loaded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_writer(tmp_path / "writer")
    task = Classification(("statement",), "label", OPTIONS)
    loaded = "loaded as a classifier too"
    monkeypatch.setattr(Builder, "build", lambda *_, **__: pytest.fail(loaded))
    inspector = Inspector(
        ModelRecord.from_json(resolve(str(tmp_path / "writer"))), task, OPTIONS, only_asked=True
    )
    monkeypatch.setattr(models, "build_writer", lambda *_, **__: pytest.fail("loaded again"))
    method: Any = METHODS.build("prompt", {})
    counts = inspector.ask(method)
    assert counts.trainable == 0 < counts.total


@pytest.mark.parametrize("text", ["It is TRUE, not false.", "untrue", "false true", "", "no"])
def test_the_report_finds_the_same_first_option_in_a_text(text: str) -> None:
    found = options_named(text, OPTIONS)
    assert (found[0] if found else None) == named(text, OPTIONS)
