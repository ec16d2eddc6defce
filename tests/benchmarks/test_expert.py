"""The expert's reference on a few invented rows: measured, recorded once, compared."""

from __future__ import annotations

import importlib
import io
import json
import os
import runpy
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "expert.py"
TEXTS = {0: "the soup is cold and the bread is hard", 1: "the soup is warm and the bread is soft"}
ROWS = 16
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


@dataclass(frozen=True)
class Ran:
    """The exit code of a call, and the lines that it printed."""

    code: int
    lines: list[str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few invented rows under the name of one of the data sets; the others are absent."""
    place = tmp_path_factory.mktemp("expert")
    data = place / "data" / "sst5"
    data.mkdir(parents=True)
    for split in ("train", "validation", "test"):
        rows = [{"text": f"{split} {n}: {TEXTS[n % 2]}", "label": n % 2} for n in range(2 * ROWS)]
        (data / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return place


@pytest.fixture(scope="module")
def measured(place: Path) -> Path:
    """The place, with both sides measured; four steps are enough for what is asked here."""
    sides = ["expert-sklearn", "expert-trainer", "tunewise"]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPT.parent))
        from_files = importlib.import_module("reference.contenders")
        says_nothing = from_files.study_of

        def short(*given: Any) -> dict[str, Any]:
            training = {"epochs": 4, "learning_rate": 3e-4, "optimizer": "auto"}
            return {**says_nothing(*given), "training": training}

        patch.setattr(from_files, "study_of", short)
        ran = expert(place, "--measure", *sides, "--methods", "majority", "head", "lora")
    assert ran.code == 0
    return place


def test_our_study_names_no_training(place: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPT.parent))
        cases = importlib.import_module("reference.cases")
        case = cases.Case("sst5", ROWS, "embedded-encoder")
        study = cases.study_of(case, place / "data", ["head", "lora"], [0])
    assert {*study} == {"name", "task", "data", "models", "methods", "seeds"}


def expert(place: Path, *options: str) -> Ran:
    """Call the benchmark in this process, as its own would be."""
    command = ["expert.py", *options, "--model", "embedded-encoder"]
    command += ["--datasets", "sst5", "tweeteval-hate", "--rows", str(ROWS)]
    command += ["--rates", "3e-4", "--epochs", "1", "--seeds", "0", "1", "--workers", "1"]
    for folder in ("data", "results", "runs"):
        command += [f"--{folder}", str(place / folder)]
    command += ["--out", str(place / "comparison.json")]
    printed, threads = io.StringIO(), torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        patch.setattr(sys, "argv", command)
        patch.setattr(os, "environ", os.environ.copy())
        patch.syspath_prepend(str(SCRIPT.parent))
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(SCRIPT), run_name="__main__")
        torch.set_num_threads(threads)
    return Ran(int(ended.value.code or 0), printed.getvalue().splitlines())


def records(place: Path) -> dict[str, dict[str, Any]]:
    folder = place / "results" / "embedded-encoder" / f"sst5-{ROWS}"
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}


def test_each_result_is_a_file_with_the_command_that_makes_it_again(measured: Path) -> None:
    found = records(measured)
    rate = "lora-rate-3.00e-04-seed"
    assert {*found} == {"embeddings", "tfidf", f"{rate}-0", f"{rate}-1"}
    for record in found.values():
        right = [int(letter) == n % 2 for n, letter in enumerate(record["answers"])]
        assert record["accuracy"]["test"] == sum(right) / (2 * ROWS)  # the whole test split
        command = record["made_by"]["command"]
        assert f"--datasets sst5 --rows {ROWS} --model embedded-encoder" in command


def test_differences_are_ours_minus_the_experts_at_the_mean_over_seeds(measured: Path) -> None:
    ran = expert(measured, "--compare")
    message = json.loads((measured / "comparison.json").read_text())
    assert message["notes"] == {
        f"sst5-{ROWS}": ["the expert's lora has 1 of 9 rates so far"],
        f"tweeteval-hate-{ROWS}": ["Tunewise has not run it"],
    }
    missed = any(c["median"] < c["bound"] or c["far_below"] for c in message["contenders"])
    assert ran.code == missed
    assert max(map(len, ran.lines)) <= 80
    found = {(case["contender"], case["counterpart"]): case for case in message["cases"]}
    assert {*found} == {("head", "embeddings"), ("lora", "lora")}

    ours = accuracies(measured / "runs" / "embedded-encoder" / f"sst5-{ROWS}")
    theirs = records(measured)
    seeds = [record["accuracy"]["test"] for name, record in theirs.items() if "lora" in name]
    expected = {"head": theirs["embeddings"]["accuracy"]["test"], "lora": sum(seeds) / 2}
    for (name, _), case in found.items():
        assert case["ours"] == pytest.approx(ours[name])
        assert case["expert"] == pytest.approx(expected[name])
        assert case["difference"] == pytest.approx(ours[name] - expected[name])
        low, high = case["interval"]
        assert low <= case["difference"] <= high


def accuracies(study: Path) -> dict[str, float]:
    """The mean test accuracy of each method, counted in the stored predictions."""
    scores: dict[str, list[float]] = {}
    for path in study.glob("tests/*/predictions/test.parquet"):
        trial = json.loads((study / "trials" / path.parts[-3] / "result.json").read_text())
        table = pq.read_table(path, columns=["label", "choice"]).to_pylist()
        right = sum(row["label"] == row["choice"] for row in table) / len(table)
        scores.setdefault(trial["settings"]["method"]["name"], []).append(right)
    return {name: sum(several) / len(several) for name, several in scores.items()}


def test_a_second_measurement_makes_nothing_anew_and_says_what_is_absent(measured: Path) -> None:
    before = records(measured)
    ran = expert(measured, "--measure", "expert-sklearn", "expert-trainer", "--methods", "lora")
    assert f"expert-sklearn sst5-{ROWS}: recorded before" in ran.lines
    assert sum(
        "tweeteval-hate" in line and "skipped, because no data" in line for line in ran.lines
    )
    assert records(measured) == before
