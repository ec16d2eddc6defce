"""Taking contenders away: each form loads where it should and answers the same."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
import typer
from huggingface_hub import ModelCard
from peft import AutoPeftModelForSequenceClassification
from tests.cli.test_predict import stored
from tests.proofs import proven_here, run_card
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tunewise.backbones.transformers_logging import quiet
from tunewise.cli import export
from tunewise.cli.export import As, command
from tunewise.core.errors import InputError
from tunewise.data.examples import Example
from tunewise.export.artifact import write_artifact
from tunewise.training.finished import load_exported

# PEFT still asks transformers by a name that is deprecated there.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
LABELS = {0: "no", 1: "yes"}


def answered(model: Any, folder: Path, finished: Path) -> list[list[float]]:
    """The probabilities that a loaded model gives for the test split."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = pq.read_table(finished / "data" / "test.parquet")["text"].to_pylist()
    with torch.inference_mode():
        inputs = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        found: list[list[float]] = model.eval()(**inputs).logits.softmax(-1).tolist()
    return found


def agree(found: list[list[float]], finished: Path, name: str) -> None:
    expected = [row["probabilities"] for row in stored(finished, name)]
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), rtol=0, atol=1e-5)


def is_proven(folder: Path, loaded_with: str) -> dict[str, Any]:
    proof: dict[str, Any] = json.loads((folder / "proof.json").read_text())
    assert proof["passed"]
    assert proof["examples"] == 32
    assert proof["loaded_with"] == loaded_with
    assert proof["difference"] <= proof["tolerance"]
    card = (folder / "README.md").read_text()
    assert "Passed: in a process of its own" in card
    assert "## Licence" in card
    assert {path.suffix for path in folder.iterdir()} <= {".json", ".safetensors", ".md"}
    return proof


@pytest.mark.parametrize("name", ["full", "head"])
def test_a_model_of_a_known_kind_loads_with_transformers(
    finished: Path, tmp_path: Path, name: str
) -> None:
    to = tmp_path / name
    with nullcontext() if name == "full" else proven_here():
        command(finished, to, contender=name)
    proof = is_proven(to, "transformers")
    assert (proof["compared"], proof["dtype"]) == ("logits", "float32")
    with quiet():
        model = AutoModelForSequenceClassification.from_pretrained(to)
    assert model.config.id2label == LABELS
    agree(answered(model, to, finished), finished, name)


@proven_here()
def test_the_hub_reads_the_results_off_the_card(finished: Path, tmp_path: Path) -> None:
    command(finished, tmp_path / "full", contender="full")
    card: Any = ModelCard((tmp_path / "full" / "README.md").read_text())
    found = {(one.dataset_split, one.metric_type): one for one in card.data.eval_results or []}
    rows = json.loads((finished / "report" / "evaluation_results.json").read_text())["contenders"]
    (scores,) = [row["test"] for row in rows if row["name"] == "full"]
    accuracy = found["test", "accuracy"]
    assert accuracy.metric_value == pytest.approx(scores["accuracy"]["mean"])
    low, high = scores["accuracy"]["interval"]
    assert accuracy.metric_args["low"] == pytest.approx(low)
    assert accuracy.metric_args["high"] == pytest.approx(high)
    assert card.data.pipeline_tag == "text-classification"
    for heading in ("Comparison", "Limits", "Training it again", "Loading it", "Data"):
        assert f"## {heading}\n" in card.text
    assert "tunewise run study.yaml" in card.text


@proven_here()
def test_an_adapter_loads_with_peft_by_the_lines_of_its_card(
    finished: Path, tmp_path: Path
) -> None:
    to = tmp_path / "adapter"
    command(finished, to, contender="lora")
    is_proven(to, "peft and transformers")
    assert not (to / "model.safetensors").exists()
    with quiet():
        model = AutoPeftModelForSequenceClassification.from_pretrained(to, id2label=LABELS)
    agree(answered(model, to, finished), finished, "lora")
    assert run_card(to).strip() in LABELS.values()


@proven_here()
def test_a_merged_adapter_is_a_plain_model_with_the_same_function(
    finished: Path, tmp_path: Path
) -> None:
    to = tmp_path / "merged"
    command(finished, to, contender="lora", merge=True)
    is_proven(to, "transformers")
    assert not (to / "adapter_config.json").exists()
    with quiet():
        model = AutoModelForSequenceClassification.from_pretrained(to)
    agree(answered(model, to, finished), finished, "lora")
    texts = pq.read_table(finished / "data" / "test.parquet")["text"].to_pylist()
    ours = load_exported(to).predict([Example(str(i), (text,)) for i, text in enumerate(texts)])
    agree([list(answer.probabilities) for answer in ours], finished, "lora")


def test_what_has_no_model_stays_in_our_form(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "words"
    command(finished, to, contender="tfidf")
    proof = is_proven(to, "tunewise")
    assert proof["difference"] == 0
    assert capsys.readouterr().out.strip() == str(to)
    assert "'no', 1: 'yes'" in (to / "README.md").read_text()


@proven_here()
def test_an_export_takes_the_place_of_another_by_force_alone(
    finished: Path, tmp_path: Path
) -> None:
    to = tmp_path / "words"
    command(finished, to, contender="tfidf")
    with pytest.raises(InputError, match="holds an export already; --force replaces it"):
        command(finished, to, contender="majority")
    command(finished, to, contender="majority", force=True)
    is_proven(to, "tunewise")
    assert (to / "majority.json").is_file()
    assert not (to / "tfidf.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["words"]
    assert "'no', 1: 'yes'" in (to / "README.md").read_text()


def test_what_cannot_be_merged_is_refused_and_leaves_nothing(
    finished: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="'tfidf' trains no model that could be merged"):
        command(finished, tmp_path / "out", contender="tfidf", merge=True)
    assert list(tmp_path.iterdir()) == []


def test_other_folders_are_never_replaced(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other things than an export"):
        command(finished, tmp_path, contender="tfidf", force=True)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


@proven_here()
def test_a_folder_that_answers_otherwise_is_marked_as_unproven(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(parts: Any, predictor: Any, folder: Path, **settings: Any) -> str:
        form = write_artifact(parts, predictor, folder, **settings)
        stored = json.loads((folder / "majority.json").read_text())
        stored["counts"] = [1000, 1]
        (folder / "majority.json").write_text(json.dumps(stored))
        return form

    monkeypatch.setattr(export, "write_artifact", spoilt)
    to = tmp_path / "spoilt"
    with pytest.raises(typer.Exit) as ended:
        command(finished, to, contender="majority")
    assert ended.value.exit_code == 1
    assert json.loads((to / "proof.json").read_text())["passed"] is False
    assert "Unproven: do not use" in (to / "README.md").read_text()


def test_a_contender_is_taken_away_as_a_script(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "script"
    command(finished, to, form=As.script, contender="lora")
    script = to / "lora_classification_finetuning.py"
    assert capsys.readouterr().out.strip() == str(script)
    compile(script.read_text(), script.name, "exec")
    rows = [json.loads(line) for line in (to / "data" / "test.jsonl").read_text().splitlines()]
    assert len(rows) == 60 and set(rows[0]) == {"id", "text", "label"}
    assert json.loads((to / "script.json").read_text())["script"] == script.name
    with pytest.raises(InputError, match="holds an export already; --force replaces it"):
        command(finished, to, form=As.script, contender="majority")
    command(finished, to, form=As.script, contender="majority", force=True)
    assert {path.name for path in to.iterdir()} == {
        "majority_classification.py",
        "requirements.txt",
        "script.json",
        "data",
    }


def test_a_script_is_not_merged(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--merge is of --as folder"):
        command(finished, tmp_path / "out", form=As.script, contender="lora", merge=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", [As.onnx, As.int8])
def test_a_classifier_answers_in_onnxruntime_as_it_did(
    finished: Path, tmp_path: Path, form: As
) -> None:
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    to = tmp_path / "converted"
    command(finished, to, form=form, contender="full", margin=100.0)
    found = json.loads((to / "conversion.json").read_text())
    assert found["split"] == "test" and found["examples"] == len(stored(finished, "full"))
    assert found["largest"] < (1e-5 if form == As.onnx else 0.1)
    if form == As.onnx:
        assert (found["difference"], found["same_answers"]) == (0, 1)
    assert 0 < found["at_one"]["median_seconds"] <= found["at_one"]["p95_seconds"]
    assert found["bytes"] == (to / "model.onnx").stat().st_size
    assert run_card(to).strip() in LABELS.values()
    with pytest.raises(InputError, match="--force replaces it"):
        command(finished, to, form=form, contender="full")


def test_what_cannot_be_converted_is_refused_in_words(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"convert_hf_to_gguf\.py"):
        command(finished, tmp_path / "a", form=As.gguf, contender="full")
    with pytest.raises(InputError, match="this contender has no model"):
        command(finished, tmp_path / "a", form=As.onnx, contender="tfidf")
    assert list(tmp_path.iterdir()) == []
