"""Files that the other programs themselves wrote; `data/SOURCE.md` says how."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tunewise.core.errors import InputError
from tunewise.judging.asked import Asked
from tunewise.judging.judge import Judgment, judge_files
from tunewise.judging.reading import read_labels

DATA = Path(__file__).parent / "data"
HARNESS, INSPECT, TRAINER = DATA / "harness", DATA / "inspect", DATA / "trainer"


def judged(*paths: Path, **asked: Any) -> Judgment:
    return judge_files(paths, Asked(**asked))


def told(*paths: Path, **asked: Any) -> str:
    with pytest.raises(InputError) as caught:
        judged(*paths, **asked)
    return str(caught.value)


def means(found: Judgment) -> dict[str, float | None]:
    return {row.name: row.test[found.results.metric].mean for row in found.results.rows}


def reported(task: str, key: str) -> dict[str, float]:
    """What the harness itself says that each model scores."""
    found = {}
    for path in HARNESS.glob("*/results_*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        found[content["model_name"].rpartition("/")[2]] = content["results"][task][key]
    assert len(found) == 2
    return found


@pytest.mark.parametrize(
    ("task", "filter_", "score", "key"),
    [
        ("tiny_choice", None, None, "acc,none"),
        ("tiny_choice", None, "acc_norm", "acc_norm,none"),
        ("tiny_text", "flexible-extract", None, "exact_match,flexible-extract"),
        ("tiny_text", "strict-match", "exact_match", "exact_match,strict-match"),
    ],
)
def test_samples_score_as_the_harness_reports(
    task: str, filter_: str | None, score: str | None, key: str
) -> None:
    columns = {"score": score} if score else {}
    found = judged(HARNESS, task=task, filter=filter_, columns=columns)
    assert means(found) == pytest.approx(reported(task, key))


def test_samples_name_what_has_to_be_chosen() -> None:
    assert "several tasks: tiny_choice, tiny_text" in told(HARNESS)
    text = told(HARNESS, task="tiny_text")
    assert "several filters: strict-match, flexible-extract" in text and "\n" not in text
    chosen = {"task": "tiny_text", "filter": "strict-match", "columns": {"score": "bleu"}}
    assert "bleu has no number for each example" in told(HARNESS, **chosen)


def test_a_model_evaluated_again_is_no_other_seed(tmp_path: Path) -> None:
    for path in HARNESS.glob("*/samples_tiny_choice_*"):
        folder = tmp_path / path.parent.name
        folder.mkdir()
        (folder / path.name).write_bytes(path.read_bytes())
        (folder / "samples_tiny_choice_2020-01-01T00-00-00.0.jsonl").write_bytes(path.read_bytes())
    found = judged(tmp_path)
    assert [row.seeds for row in found.results.rows] == [(0,), (0,)]
    assert sum("2 evaluations of tiny_choice; the last counts" in one for one in found.assumed) == 2


@pytest.mark.parametrize("form", ["json", "eval"])
def test_both_forms_of_inspects_logs_say_the_same(form: str) -> None:
    found = judged(*INSPECT.glob(f"*.{form}"), columns={"score": "match"})
    assert means(found) == {"mockllm/good": 1.0, "mockllm/poor": 0.5}
    assert found.facts.evidence.study.seeds == (1, 2)
    assert any("Epochs of a log are answers drawn anew" in text for text in found.assumed)
    several = told(*INSPECT.glob(f"*.{form}"))
    assert "several scorers: match, includes" in several and "--columns score=match" in several


def test_archives_of_older_versions_are_read_too(tmp_path: Path) -> None:
    """They are compressed with Deflate."""
    for path in INSPECT.glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        samples = content.pop("samples")
        with zipfile.ZipFile(tmp_path / f"{path.stem}.eval", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("header.json", json.dumps(content))
            archive.writestr("summaries.json", json.dumps(samples))
    found = judged(tmp_path, columns={"score": "match"})
    assert means(found) == {"mockllm/good": 1.0, "mockllm/poor": 0.5}


def test_a_damaged_or_unfinished_archive_is_named(tmp_path: Path) -> None:
    whole = next(INSPECT.glob("*.eval")).read_bytes()
    damaged = tmp_path / "a.eval"
    damaged.write_bytes(whole[: len(whole) // 2])
    assert "a.eval: is damaged, or no log of Inspect" in told(damaged)
    with zipfile.ZipFile(next(INSPECT.glob("*.eval"))) as archive:
        at = archive.getinfo("summaries.json").header_offset + 120
    damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
    assert "a.eval: is damaged" in told(damaged)
    with zipfile.ZipFile(damaged, "w") as archive:
        archive.writestr("_journal/start.json", "{}")
    assert "its evaluation did not end" in told(damaged)


def test_folders_of_trainer_have_seeds_settings_and_answers() -> None:
    labels = read_labels(TRAINER / "test.jsonl", {})
    found = judged(TRAINER / "lora", TRAINER / "full", labels=labels)
    for row in found.results.rows:
        for seed, score in zip(row.seeds, row.test["accuracy"].values, strict=True):
            text = (TRAINER / row.name / f"seed{seed}" / "predict_results.txt").read_text()
            lines = [line.split("\t") for line in text.splitlines()[1:]]
            assert score == sum(labels[n] == int(one) for n, one in lines) / len(lines)
    lora = found.facts.evidence.by_name["lora"]
    assert (lora.method, lora.settings["rank"], lora.settings["alpha"]) == ("lora", 4, 8)
    first = lora.points[0].trials[0].record.result
    assert first is not None and first.steps == 4 and len(first.epochs) == 2
    assert not found.comparability


def test_without_answers_what_trainer_scored_counts(tmp_path: Path) -> None:
    for path in TRAINER.glob("*/seed*/*.json"):
        copied = tmp_path / path.relative_to(TRAINER)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(path.read_bytes())
    found = judged(tmp_path)
    assert found.results.metric == "accuracy" and found.results.items == 24
    assert {row.seeds for row in found.results.rows} == {(1, 2)}


def test_other_settings_of_trainer_are_named(tmp_path: Path) -> None:
    for path in TRAINER.glob("*/seed*/*"):
        copied = tmp_path / path.relative_to(TRAINER)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(path.read_bytes())
    for path in tmp_path.glob("full/*/trainer_state.json"):
        state = json.loads(path.read_text())
        path.write_text(json.dumps({**state, "num_train_epochs": 5, "train_batch_size": 32}))
    found = judged(tmp_path, labels=read_labels(TRAINER / "test.jsonl", {}))
    assert {one.kind for one in found.comparability} == {"training.epochs", "training.batch_size"}
