"""What other programs write: whose it is, what is read of it, and what is said where it does not
fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import chi2_contingency
from statsmodels.stats.multitest import multipletests

from tunewise.core.errors import InputError
from tunewise.judging.asked import Asked
from tunewise.judging.grouping import grouped
from tunewise.judging.judge import Judgment, judge_files
from tunewise.judging.runs import Run
from tunewise.judging.sources.peft import EXAMPLES
from tunewise.statistics.intervals import wilson

PEFT = Path(__file__).parent / "data" / "peft"
LORA = "lora--llama-3.2-3B-rank32.json"
Change = Callable[[dict[str, Any]], object]


def write(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def judged(*paths: Path, **asked: Any) -> Judgment:
    return judge_files(paths, Asked(**asked))


def told(*paths: Path, **asked: Any) -> str:
    with pytest.raises(InputError) as caught:
        judged(*paths, **asked)
    return str(caught.value)


# Names and seeds


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["lora-seed0.csv", "lora-seed1.csv"], {"lora": [0, 1]}),
        (["runs/lora/seed_3/test.csv", "runs/full/seed_3/test.csv"], {"lora": [3], "full": [3]}),
        (["a/lora-r8_s2.csv", "a/lora-r16_s2.csv"], {"lora-r8": [2], "lora-r16": [2]}),
        (["lora-8.csv", "lora-16.csv"], {"lora-8": [0], "lora-16": [0]}),
        (["x/run1/preds.jsonl", "x/run2/preds.jsonl"], {"preds": [1, 2]}),
    ],
)
def test_names_and_seeds_are_seen_in_paths(
    paths: list[str], expected: dict[str, list[int]]
) -> None:
    entries, _ = grouped([Run(path, path) for path in paths])
    assert {entry.name: list(entry.runs) for entry in entries} == expected


def test_a_bare_number_may_be_a_seed_and_the_way_to_say_so_is_named() -> None:
    runs = [Run(path, path) for path in ("lora-1.csv", "lora-2.csv")]
    entries, assumed = grouped(runs)
    assert len(entries) == 2 and "--pattern '{name}-{seed}'" in assumed[1]
    entries, _ = grouped(runs, pattern="{name}-{seed}")
    assert {entry.name: list(entry.runs) for entry in entries} == {"lora": [1, 2]}


def test_a_table_says_whose_files_they_are(tmp_path: Path) -> None:
    table = write(tmp_path / "runs.csv", "file,name,seed\na.csv,lora,5\nb.csv,lora,6\n")
    runs = [Run(str(tmp_path / name), "") for name in ("a.csv", "b.csv")]
    entries, _ = grouped(runs, table=table)
    assert {entry.name: list(entry.runs) for entry in entries} == {"lora": [5, 6]}
    with pytest.raises(InputError, match="is no file in"):
        grouped([*runs, Run("c.csv", "")], table=table)


def test_one_seed_twice_is_named() -> None:
    runs = [Run(path, path) for path in ("x/lora-seed1.csv", "x/lora_seed1.csv")]
    with pytest.raises(InputError, match="'lora' has seed 1 more than once"):
        grouped(runs)
    with pytest.raises(InputError, match="does not fit --pattern"):
        grouped(runs, pattern="{name}/{seed}")


@pytest.mark.parametrize("column", ["run", "trial", "Repeat"])
def test_a_column_of_run_numbers_is_taken_for_the_seed(tmp_path: Path, column: str) -> None:
    lines = [f"{name},{run},0.{run}" for name in ("lora", "full") for run in (3, 5)]
    found = judged(write(tmp_path / "s.csv", "\n".join([f"model,{column},accuracy", *lines])))
    assert {row.name: row.seeds for row in found.results.rows} == {"lora": (3, 5), "full": (3, 5)}
    assert any(f"'{column}' is taken for the seed" in text for text in found.assumed)


def test_answers_of_several_runs_in_one_table_are_told_apart_by_their_numbers(
    tmp_path: Path,
) -> None:
    lines = [
        f"{model},{run},{id},a,{'ab'[id % 2]}" for model in "xy" for run in (1, 2) for id in (0, 1)
    ]
    table = write(tmp_path / "p.csv", "\n".join(["model,run,id,label,prediction", *lines]))
    found = judged(table)
    assert {row.name: row.seeds for row in found.results.rows} == {"x": (1, 2), "y": (1, 2)}
    assert any("'run' is taken for the seed" in text for text in found.assumed)


def test_names_of_runs_are_names_and_a_seed_is_a_seed(tmp_path: Path) -> None:
    table = "run,seed,accuracy\nlora,0,0.8\nlora,1,0.9\nfull,0,0.7\nfull,1,0.6"
    found = judged(write(tmp_path / "s.csv", table))
    assert {row.name: row.seeds for row in found.results.rows} == {"lora": (0, 1), "full": (0, 1)}
    assert not any("taken for the seed" in text for text in found.assumed)


@pytest.mark.parametrize("column", ["seed", "run"])
def test_a_file_of_scores_for_each_contender_is_named_by_the_file(
    tmp_path: Path, column: str
) -> None:
    paths = [
        write(tmp_path / f"{name}.csv", f"{column},accuracy\n0,{first}\n1,{second}")
        for name, first, second in (("lora", 0.8, 0.9), ("full", 0.7, 0.6))
    ]
    rows = judged(*paths).results.rows
    assert {row.name: row.test["accuracy"].values for row in rows} == {
        "lora": (0.8, 0.9),
        "full": (0.7, 0.6),
    }


def test_of_several_scores_over_seeds_one_is_named(tmp_path: Path) -> None:
    table = write(tmp_path / "s.csv", "method,seed,accuracy,f1\na,0,0.8,0.7\nb,0,0.6,0.9")
    assert "--columns score=accuracy" in told(table)
    assert "has no column of loss" in told(table, metric="loss")
    for column, best in (("accuracy", "a"), ("f1", "b")):
        assert judged(table, columns={"score": column}).results.rows[0].name == best


def test_a_column_for_each_method_is_no_table_of_scores(tmp_path: Path) -> None:
    table = write(tmp_path / "wide.csv", "seed,lora,full\n0,0.8,0.7\n1,0.9,0.6")
    assert "a row for each run, such as name,seed,accuracy" in told(table)


# lm-evaluation-harness


def sample(number: int, right: float, **more: Any) -> dict[str, Any]:
    """A line as version 0.4.9 of the harness writes it."""
    return {
        "doc_id": number,
        "doc": {"question": f"q{number}"},
        "target": "1",
        "arguments": {},
        "resps": [["1"]],
        "filtered_resps": ["1"],
        "filter": "none",
        "metrics": ["exact_match"],
        "doc_hash": f"h{number}",
        "prompt_hash": "p",
        "target_hash": "t",
        "exact_match": right,
    } | more


def samples(folder: Path, task: str, rights: list[float], **more: Any) -> Path:
    lines = [json.dumps(sample(number, right, **more)) for number, right in enumerate(rights)]
    return write(folder / f"samples_{task}_2026-11-27T01-02-03.4.jsonl", "\n".join(lines))


def test_samples_of_the_harness_are_scored_as_it_scored_them(tmp_path: Path) -> None:
    samples(tmp_path / "org__small", "toy", [1.0, 0.0, 0.0, 1.0])
    samples(tmp_path / "org__large", "toy", [1.0, 1.0, 0.0, 1.0])
    found = judged(tmp_path)
    rows = {row.name: row.test["exact_match"].mean for row in found.results.rows}
    assert rows == {"large": 0.75, "small": 0.5}


def test_of_several_tasks_filters_and_metrics_one_is_asked_for(tmp_path: Path) -> None:
    samples(tmp_path / "m", "one", [1.0, 0.0])
    samples(tmp_path / "m", "two", [1.0, 1.0], acc_norm=0.0)
    assert "several tasks: one, two. A verdict is about one: --task one" in told(tmp_path)
    assert judged(tmp_path, task="two").results.rows[0].test["exact_match"].mean == 1.0
    found = judged(tmp_path, task="two", columns={"score": "acc_norm"})
    assert found.results.rows[0].test["accuracy"].mean == 0.0
    assert "Did you mean 'two'" in told(tmp_path, task="tow")
    rows = [sample(0, 1.0, filter=name) for name in ("strict", "flexible")]
    path = write(tmp_path / "samples_x_.jsonl", "\n".join(map(json.dumps, rows)))
    assert "--filter strict" in told(path)
    assert judged(path, filter="flexible").results.items == 1


def test_the_same_numbers_of_other_documents_are_other_examples(tmp_path: Path) -> None:
    samples(tmp_path / "a", "toy", [1.0, 0.0])
    samples(tmp_path / "b", "toy", [1.0, 0.0], doc_hash="other")
    assert "These are different test sets" in told(tmp_path)


# Inspect


def log(model: str, values: list[Any], *, epochs: int = 1) -> dict[str, Any]:
    return {
        "version": 2,
        "status": "success",
        "eval": {"task": "toy", "model": model, "dataset": {}},
        "samples": [
            {"id": number, "epoch": epoch, "target": "x", "scores": {"match": {"value": value}}}
            for epoch in range(1, epochs + 1)
            for number, value in enumerate(values)
        ],
    }


def test_logs_of_inspect_have_letters_and_epochs(tmp_path: Path) -> None:
    write(tmp_path / "a.json", log("openai/a", ["C", "I", "C"], epochs=2))
    write(tmp_path / "b.json", log("openai/b", ["C", "C", "C"], epochs=2))
    found = judged(tmp_path)
    assert found.verdict.best == "openai/b"
    assert found.facts.evidence.study.seeds == (1, 2)
    assert found.results.rows[1].test["accuracy"].mean == pytest.approx(2 / 3)


def test_a_log_that_failed_is_a_failed_run(tmp_path: Path) -> None:
    write(tmp_path / "a.json", log("a", ["C", "I"]))
    write(
        tmp_path / "b.json",
        {"status": "error", "eval": {"task": "toy", "model": "b"}, "error": {"message": "no key"}},
    )
    found = judged(tmp_path)
    assert found.results.rows[1].status == "failed" and found.results.rows[1].error == "no key"
    write(tmp_path / "b.json", log("b", ["C", "maybe"]))
    assert "samples[1]: match = 'maybe'" in told(tmp_path)


# Trainer


def trained(folder: Path, predictions: list[str], *, epochs: int = 3, **adapter: Any) -> Path:
    history = [{"epoch": n, "eval_loss": 1 / n, "loss": 2 / n} for n in range(1, epochs + 1)]
    state = {"global_step": 10 * epochs, "num_train_epochs": epochs, "train_batch_size": 8}
    write(folder / "trainer_state.json", {**state, "log_history": history})
    if adapter:
        write(folder / "adapter_config.json", adapter)
    lines = [f"{n}\t{name}" for n, name in enumerate(predictions)]
    write(folder / "predict_results_toy.txt", "\n".join(["index\tprediction", *lines]))
    return folder


def test_a_folder_of_trainer_says_how_it_was_trained(tmp_path: Path) -> None:
    gold = {str(n): "x" if n % 2 else "y" for n in range(6)}
    right = [gold[str(n)] for n in range(6)]
    adapter: dict[str, Any] = {"peft_type": "LORA", "r": 8, "base_model_name_or_path": "org/model"}
    for seed in (0, 1):
        trained(tmp_path / f"lora/seed{seed}", right, **adapter)
        trained(tmp_path / f"long/seed{seed}", [*right[:5], "y"], epochs=5)
    found = judged(tmp_path, labels=gold)
    lora = found.facts.evidence.by_name["lora"]
    assert (lora.method, lora.settings, lora.model) == ("lora", {"rank": 8}, "org/model")
    assert [finding.kind for finding in found.comparability] == ["training.epochs"]
    assert "5 for long; 3 for lora" in found.comparability[0].says
    assert len(found.facts.validation_loss) == 3 + 5  # epochs of each row
    assert "--labels has no example '5'" in told(tmp_path, labels={str(n): "x" for n in range(5)})


def test_a_folder_without_predictions_has_its_score(tmp_path: Path) -> None:
    write(tmp_path / "run/trainer_state.json", {"global_step": 3, "log_history": []})
    assert "holds neither predictions" in told(tmp_path / "run")
    write(tmp_path / "run/all_results.json", {"eval_accuracy": 0.75, "eval_samples": 200})
    found = judged(tmp_path / "run")
    assert found.results.rows[0].intervals["test", "accuracy"] == wilson(150, 200)


# PEFT's method comparison


def test_pefts_published_results_get_unpaired_tests_with_holm() -> None:
    found = judged(PEFT).results
    counts = [round(row.test["accuracy"].mean * EXAMPLES) for row in found.rows]
    p = [
        chi2_contingency([[a, EXAMPLES - a], [b, EXAMPLES - b]], correction=False).pvalue
        for n, a in enumerate(counts)
        for b in counts[n + 1 :]
    ]
    adjusted = multipletests(p, method="holm")[1]
    assert found.pairs_counted == len(p) == 28
    for row, expected in zip(found.rows[1:], adjusted[:7], strict=True):
        assert row.to_best is not None
        assert row.to_best.items.p_adjusted == pytest.approx(expected)
        assert row.standing == ("behind" if expected < 0.05 else "tied")
    lora = next(row for row in found.rows if row.name == "lora/llama-3.2-3B-rank32")
    assert lora.intervals["test", "accuracy"] == wilson(636, EXAMPLES)
    assert lora.measured.peak_bytes == 22_273_851_392


def changed(tmp_path: Path, change: Change) -> Path:
    content = json.loads((PEFT / LORA).read_text())
    change(content)
    return write(tmp_path / "changed.json", content)


def test_other_conditions_are_named(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["run_info"]["experiment_name"] = "other"
        content["run_info"]["train_config"]["max_steps"] = 100

    found = judged(PEFT / LORA, changed(tmp_path, change)).comparability
    assert [one.kind for one in found] == ["training.max_steps"]


def test_several_seeds_of_an_experiment_are_one_row(tmp_path: Path) -> None:
    other = changed(tmp_path, lambda c: c["run_info"]["train_config"].update(seed=1))
    assert judged(PEFT / LORA, other).results.rows[0].seeds == (0, 1)


def test_a_failed_experiment_keeps_its_row(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["run_info"] |= {"experiment_name": "lost", "error_msg": "out of memory"}
        content["train_info"] |= {"status": "canceled", "metrics": []}

    row = judged(PEFT / LORA, changed(tmp_path, change)).results.rows[-1]
    assert (row.standing, row.error) == ("unscored", "canceled: out of memory")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda c: c.pop("run_info"), "no object 'run_info'. It has: meta_info, train_info"),
        (lambda c: c["train_info"].pop("status"), "'train_info' has no 'status'"),
        (lambda c: c["train_info"].update(metrics=[]), "no 'test accuracy' (it has: nothing)"),
        (
            lambda c: c["train_info"]["metrics"][-1].update({"test accuracy": 0.4821}),
            "no count out of 1,319 examples",
        ),
        (lambda c: c["meta_info"].pop("dataset_info"), "names no data set gsm8k"),
    ],
)
def test_another_form_is_refused_with_what_is_missing(
    tmp_path: Path, change: Change, expected: str
) -> None:
    assert expected in told(changed(tmp_path, change))


def test_all_mistakes_are_reported_together(tmp_path: Path) -> None:
    write(tmp_path / "broken.json", '{"run_info": ')
    (tmp_path / "empty").mkdir()
    text = told(tmp_path / "broken.json", tmp_path / "empty", tmp_path / "brken.json")
    assert "holds no file" in text and "Did you mean 'broken.json'" in text and "not JSON" in text
