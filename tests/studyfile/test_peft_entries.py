"""Entries of the method `peft`: open settings, their mistakes, names, searches and folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import OPTIONS

from tunewise.backbones.sources import resolve
from tunewise.core.errors import InputError
from tunewise.methods.peft import PEFTMethod
from tunewise.store.records import ModelRecord
from tunewise.studies.contenders.models import Inspector
from tunewise.studyfile.contender_records import Facts, contender_records
from tunewise.studyfile.expand import Expansion, expand
from tunewise.studyfile.resolved import resolved
from tunewise.studyfile.studyfile import read_study
from tunewise.tasks.classification import Classification

BASE = {
    "name": "x",
    "task": {"kind": "classification", "text": "text", "label": "label"},
    "data": {"source": "embedded:reviews"},
    "models": ["embedded:encoder"],
}


def study(*entries: Any, **more: Any) -> Any:
    given = [entry if isinstance(entry, str) else {"peft": entry} for entry in entries]
    return read_study({**BASE, "methods": given, **more})


def expansion(*entries: Any, **more: Any) -> Expansion:
    return expand(study(*entries, **more))


def names(*entries: Any, **more: Any) -> list[str]:
    return [contender.name for contender in expansion(*entries, **more).contenders]


def ids(*entries: Any) -> list[Any]:
    settings = study(*entries)
    models = {"embedded:encoder": ModelRecord("s", None, "0")}
    facts = Facts("0", {"labels": list(OPTIONS)}, models)
    rows = contender_records(settings, expand(settings), facts)
    return [row.points[0].identity for row in rows]


def test_a_contender_is_called_what_people_call_its_type() -> None:
    adalora = {"peft_type": "ADALORA"}
    dora = {"peft_type": "LORA", "use_dora": True}
    assert names({"peft_type": "IA3"}, adalora, dora) == ["IA3", "AdaLoRA", "DoRA"]


def test_pefts_lora_stands_beside_ours() -> None:
    assert names({"peft_type": "LORA"}, "lora") == ["PEFT-LoRA", "lora"]


def test_entries_of_one_type_are_distinguished_by_what_differs() -> None:
    found = names({"peft_type": "LORA", "r": 4}, {"peft_type": "LORA", "lora_alpha": 32})
    assert found == ["PEFT-LoRA r=4 lora_alpha=8", "PEFT-LoRA r=8 lora_alpha=32"]


def test_a_list_in_a_scalar_setting_is_a_sweep_and_in_a_list_setting_one_value() -> None:
    swept = {"peft_type": "LORA", "r": [4, 8], "target_modules": ["query", "value"]}
    assert names(swept) == ["PEFT-LoRA r=4", "PEFT-LoRA r=8"]
    lists = {"peft_type": "IA3", "target_modules": [["key"], ["key", "value"]]}
    assert len(names(lists)) == 2
    pattern = {"peft_type": "LORA", "target_modules": ".*query"}
    method: Any = expansion(pattern).contenders[0].method
    assert method.config["target_modules"] == ".*query"  # a text is a pattern, no list of one


def test_a_value_equal_to_pefts_default_changes_no_id() -> None:
    assert ids({"peft_type": "LORA", "r": 8}) == ids({"peft_type": "LORA"})
    assert ids({"peft_type": "LORA", "r": 4}) != ids({"peft_type": "LORA"})


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"peft_type": "IA4"}, r"peft.peft_type: found 'IA4': .* Did you mean 'IA3'"),
        ({"peft_type": "ia3"}, "Did you mean 'IA3'"),
        ({}, "needs 'peft_type'"),
        ({"peft_type": "POLY"}, "it needs a task's number"),
        ({"peft_type": ["IA3", "LORA"]}, "write an entry for each"),
        ({"peft_type": "LORA", "rr": 4}, "Did you mean 'r'"),
        ({"peft_type": "LORA", "r": "four"}, "peft.r: found 'four': a whole number"),
        ({"peft_type": "LORA", "task_type": "SEQ_CLS"}, "the study's task says it"),
        ({"peft_type": "LORA", "inference_mode": True}, "not for a study to set"),
        ({"peft_type": "ADALORA", "total_step": 10}, "the steps follow from the epochs"),
        ({"peft_type": "ADALORA", "init_r": 4}, "above target_r"),
        ({"peft_type": "ADALORA", "orth_reg_weight": -1.0}, "greater than or equal to 0"),
        ({"peft_type": "PROMPT_TUNING"}, "needs num_virtual_tokens"),
        ({"folder": "nowhere"}, "it is no experiment of PEFT's"),
    ],
)
def test_mistakes_are_found_before_anything_runs(entry: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        study(entry)


def test_settings_of_peft_can_be_searched_but_not_its_type() -> None:
    found = expansion(
        {"peft_type": "LORA"},
        {"peft_type": "IA3"},
        search={"r": [4, 8], "learning_rate": [1e-4, 3e-4, 1e-3]},
    )
    assert [len(row.points) for row in found.contenders] == [6, 3]
    with pytest.raises(InputError, match="cannot be searched: each type has settings of its own"):
        study({"peft_type": "LORA"}, search={"peft_type": ["LORA", "IA3"]})


def test_measured_rates_survive_being_written_out_for_unnamed_entries() -> None:
    settings = study({"peft_type": "LORA"}, {"peft_type": "IA3"}, search={"learning_rate": "auto"})
    again = read_study(resolved(settings))
    rates = [[point.training.learning_rate for point in row.points[2:7]] for row in points(again)]
    assert rates == [[3.3e-5, 1e-4, 3e-4, 9e-4, 2.7e-3], [1e-3, 3e-3, 9e-3, 2.7e-2, 8.1e-2]]


def points(settings: Any) -> Any:
    return expand(settings).contenders


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """As in PEFT's method_comparison, shortened."""
    folder = tmp_path / "lora-rank4"
    folder.mkdir()
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": None,
        "r": 4,
        "lora_alpha": 8,
        "target_modules": ["query", "value"],
        "layers_pattern": None,
    }
    training = {
        "batch_size": 16,
        "max_steps": 5000,
        "lr_scheduler": "cosine",
        "optimizer_kwargs": {"lr": 2e-4, "fused": True},
    }
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / "training_params.json").write_text(json.dumps(training))
    return folder


def test_a_folder_of_pefts_comparison_is_a_contender(experiment: Path) -> None:
    found = expansion({"folder": str(experiment)}, training={"epochs": 2})
    (row,) = found.contenders
    assert row.method == PEFTMethod("LORA", {"r": 4, "target_modules": ("query", "value")})
    training = row.points[0].training
    assert training is not None
    assert (training.learning_rate, training.batch_size, training.schedule) == (2e-4, 16, "cosine")
    assert training.epochs == 2
    ignored = "task_type, max_steps, optimizer_kwargs.fused"
    assert any(note.endswith(f"sets it itself: {ignored}.") for note in found.notes)


def test_a_folder_is_written_out_so_that_the_study_needs_it_no_more(experiment: Path) -> None:
    settings = study({"folder": str(experiment)})
    written = resolved(settings)
    (experiment / "adapter_config.json").unlink()
    (row,), (again,) = points(settings), points(read_study(written))
    assert row.points[0].settings() == again.points[0].settings()


def test_a_folder_stands_alone(experiment: Path) -> None:
    with pytest.raises(InputError, match="used unchanged: leave out r"):
        study({"folder": str(experiment), "r": 8})


@pytest.mark.parametrize(
    ("family", "pooling", "entry", "words"),
    [
        ("gpt2", "library", {"peft_type": "LOHA"}, "LOHA: PEFT cannot do this on gpt2"),
        ("gpt2", "library", {"peft_type": "PROMPT_TUNING"}, "the padding of a batch would change"),
        ("deberta-v2", "library", {"peft_type": "PREFIX_TUNING"}, "a step of it fails"),
        ("distilbert", "mean", {"peft_type": "PREFIX_TUNING"}, "a step of it fails|take no part"),
    ],
)
def test_what_cannot_work_is_known_when_the_study_is_planned(
    checkpoint: Callable[[str], Path], family: str, pooling: Any, entry: dict[str, Any], words: str
) -> None:
    task = Classification(text=("text",), label="label", pooling=pooling)
    inspector = Inspector(ModelRecord.from_json(resolve(str(checkpoint(family)))), task, OPTIONS)
    extra = {"num_virtual_tokens": 4} if entry["peft_type"].endswith("_TUNING") else {}
    with pytest.raises(InputError, match=words):
        inspector.inspect(PEFTMethod(entry["peft_type"], extra), None, "0")


@pytest.mark.parametrize("kind", ["LOHA", "LOKR", "OFT", "PREFIX_TUNING", "LN_TUNING"])
def test_what_reads_weights_is_counted_in_a_plan(
    checkpoint: Callable[[str], Path], kind: str
) -> None:
    task = Classification(text=("text",), label="label")
    inspector = Inspector(ModelRecord.from_json(resolve(str(checkpoint("bert")))), task, OPTIONS)
    extra = {"num_virtual_tokens": 4} if kind == "PREFIX_TUNING" else {}
    extra |= {"oft_block_size": 4} if kind == "OFT" else {}
    seen = inspector.inspect(PEFTMethod(kind, extra), None, "0")
    assert seen.parameters.trainable > seen.parameters.head
    assert seen.features is None
