"""A study of question answering through the command line, on a model made on the spot."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.commands import Run
from tests.proofs import proven_here, run_card_here
from tests.tasks.conftest import questions, write_rows

from tunewise.analysis.comparability.checks import fairness
from tunewise.analysis.comparisons import answered
from tunewise.analysis.gather import gather
from tunewise.analysis.results import results_of
from tunewise.analysis.slices import sliced
from tunewise.cli.export import command
from tunewise.core.errors import InputError
from tunewise.core.sanitize import visible
from tunewise.results import StudyResults
from tunewise.store.study import StudyFolder
from tunewise.studyfile.studyfile import read_study
from tunewise.trained import choose

STUDY = """
name: rooms
task: {{kind: question-answering, max_new_tokens: 8, decoding: [greedy, top-k 5], samples: 2}}
data: {{source: data}}
models: ["{model}"]
methods:
  - untuned
  - lora: {{rank: 2, targets: attention}}
  - full
  - full: {{name: prompt too, training: {{loss_on: all}}}}
training: {{epochs: 2, batch_size: 8, learning_rate: 1e-2, max_length: 160}}
seeds: [0, 1]
slices: [question_word, context_length, answers_length]
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, writer: Path, tunewise: Run) -> Path:
    """The folder of a study that has run."""
    place = tmp_path_factory.mktemp("rooms")
    (place / "data").mkdir()
    for number, (split, rows) in enumerate({"train": 40, "validation": 12, "test": 12}.items()):
        write_rows(place / "data" / f"{split}.jsonl", questions(rows, number))
    (place / "study.yaml").write_text(STUDY.format(model=writer))
    ran = tunewise("run", "study.yaml", cwd=place)
    assert ran.returncode == 0, ran.stderr
    return place / "runs" / "rooms"


def test_every_contender_is_scored_on_the_test_split(finished: Path) -> None:
    content = json.loads((finished / "report" / "evaluation_results.json").read_text())
    rows = {row["name"]: row for row in content["contenders"]}
    assert set(rows) == {"untuned", "lora", "full", "prompt too"}
    assert all(row["status"] == "done" for row in rows.values())
    assert all(set(row["test"]) == {"f1", "exact_match", "loss"} for row in rows.values())
    assert rows["untuned"]["parameters"]["trainable"] == 0
    assert rows["untuned"]["seeds"] == [0]
    assert rows["full"]["test"]["loss"]["mean"] < rows["untuned"]["test"]["loss"]["mean"]
    assert content["metric"] == "f1"


def test_a_row_that_learns_the_prompt_too_stands_beside_the_others_and_the_lint_names_it(
    finished: Path,
) -> None:
    evidence = gather(StudyFolder.open(finished))
    finding = next(one for one in fairness(evidence) if one.kind == "training.loss_on")
    assert finding.severity == "warning"
    assert finding.says == (
        "What is learned of prompt and answer differs: answer for lora and full; all for prompt "
        "too."
    )
    rows = {row.name: row for row in answered(evidence.contenders, "test")}
    assert list(rows["full"].ids) == list(rows["prompt too"].ids)  # so they are paired
    tables = {
        row.name: pq.read_table(row.finished[0].predictions("test")).to_pylist()
        for row in evidence.contenders
    }
    targets = [[one["targets"] for one in table] for table in tables.values()]
    assert targets.count(targets[0]) == len(targets)  # the loss is the answer's for all of them
    losses = [tables[name][0]["loss"] for name in ("full", "prompt too")]
    assert losses[0] != losses[1]


def test_scores_are_reported_by_question_word_context_length_and_answer_length(
    finished: Path,
) -> None:
    evidence = gather(StudyFolder.open(finished))
    found = sliced(evidence, results_of(evidence))
    assert found is not None
    assert found.metric == "f1"
    for slices in found.columns.values():
        assert sum(one.items for one in slices) == 12
    rows = pq.read_table(finished / "data" / "test.parquet").to_pylist()
    answers = [len(row["answers"]["text"][0]) for row in rows]
    assert found.columns["answers_length"][0].value.startswith(str(min(answers)))
    (where,) = found.columns["question_word"]
    best = next(one for one in results_of(evidence).rows if one.name == found.best)
    score = where.score(best.name)
    content = json.loads((finished / "report" / "evaluation_results.json").read_text())
    message = next(row for row in content["contenders"] if row["name"] == found.best)
    assert score is not None and score.mean == pytest.approx(message["test"]["f1"]["mean"])


def test_prepared_rows_say_the_question_word(finished: Path) -> None:
    rows = pq.read_table(finished / "data" / "test.parquet").to_pylist()
    assert {row["question_word"] for row in rows} == {"where"}


def test_every_way_of_decoding_is_stored_with_the_one_that_counts_first(finished: Path) -> None:
    path = next(finished.glob("tests/*/predictions/test.parquet"))
    rows = pq.read_table(path).to_pylist()
    assert [(row["strategy"], row["sample"]) for row in rows[:3]] == [
        ("greedy", 0),
        ("top-k 5", 0),
        ("top-k 5", 1),
    ]
    assert len(rows) == 12 * 3
    assert all(row["references"] and row["tokens"] <= 8 for row in rows)


def test_the_report_shows_questions_and_answers(finished: Path) -> None:
    page = (finished / "report" / "index.html").read_text()
    assert "Where is the" in page
    assert "Quality and diversity" in page
    assert "Wrong answers" in page
    assert "top-k 5" in page


def test_the_record_holds_every_way_of_decoding_and_every_kind_of_failure(finished: Path) -> None:
    content = json.loads((finished / "report" / "evaluation_results.json").read_text())
    rows = {row["name"]: row for row in content["contenders"]}
    greedy = {r["contender"]: r for r in content["decoding"] if r["strategy"] == "greedy"}
    for name, row in rows.items():
        assert greedy[name]["f1"] == pytest.approx(row["test"]["f1"]["mean"])
        assert greedy[name]["best_f1"] == greedy[name]["f1"]  # there is one sample
        wrong = content["wrong_answers"][name]
        right = row["test"]["exact_match"]["mean"] * wrong["answers"]
        assert sum(wrong["counts"].values()) == pytest.approx(wrong["answers"] - right)
        assert wrong["answers"] == 12 * len(row["seeds"])
    drawn = [row for row in content["decoding"] if row["strategy"] == "top-k 5"]
    assert all(row["samples"] == 2 and row["best_f1"] >= row["f1"] for row in drawn)
    for name in ("decoding", "wrong_answers"):
        assert len((finished / "report" / "tables" / f"{name}.csv").read_text().splitlines()) > 3


def test_the_best_contender_answers_questions_in_a_file_and_given_outright(
    finished: Path, tunewise: Run
) -> None:
    write_rows(finished.parent.parent / "new.jsonl", questions(3, 9))
    asked = tunewise("predict", str(finished), "--input", "new.jsonl", cwd=finished.parent.parent)
    assert asked.returncode == 0, asked.stderr
    answers = [json.loads(line) for line in asked.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == ["9-0", "9-1", "9-2"]
    assert all(set(answer) == {"id", "answer", "stopped"} for answer in answers)
    one = tunewise(
        *("predict", str(finished), "--contender", "untuned"),
        *("--text", "Where is the lamp?", "--text", "The lamp is in the hall."),
        *("--out", "answers.csv", "--force"),
        cwd=finished.parent.parent,
    )
    assert one.returncode == 0, one.stderr
    assert (finished.parent.parent / "answers.csv").read_text().startswith("id,answer,stopped\n")


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
@pytest.mark.parametrize(
    ("name", "merge", "loaded_with"),
    [("lora", False, "peft and transformers"), ("lora", True, "transformers")],
)
def test_a_writer_is_exported_with_proof(
    finished: Path, tmp_path: Path, name: str, merge: bool, loaded_with: str
) -> None:
    to = tmp_path / "away"
    with proven_here():  # the adapter's card is run by itself below
        command(finished, to, contender=name, merge=merge)
    proof = json.loads((to / "proof.json").read_text())
    assert (proof["passed"], proof["loaded_with"], proof["examples"]) == (True, loaded_with, 12)
    assert proof["compared"] == "logits after the prompts"
    if merge:
        assert not (to / "adapter_config.json").exists()
        return
    config = json.loads((to / "adapter_config.json").read_text())
    assert config["task_type"] == "CAUSAL_LM"
    assert run_card_here(to).strip() == first_answer(finished, name)


def first_answer(finished: Path, name: str) -> str:
    """The greedy answer to the first validation question, of the trial that is exported."""
    opened = StudyResults(finished)
    record = choose(opened, name).record
    path = finished / "trials" / record.id / "predictions" / "validation.parquet"
    return str(pq.read_table(path).to_pylist()[0]["answer"])


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("majority", "'majority' does not fit the task 'question-answering'"),
        ("tfidf", "'tfidf' does not fit the task 'question-answering'"),
        ("head", "there is no new head to train"),
    ],
)
def test_methods_that_cannot_write_are_refused_with_the_reason(
    tmp_path: Path, method: str, message: str
) -> None:
    study = {
        "name": "x",
        "task": {"kind": "question-answering"},
        "data": {"source": "x.jsonl"},
        "models": ["m"],
        "methods": [method],
    }
    with pytest.raises(InputError, match=message):
        read_study(study)


def test_untuned_has_nothing_to_choose_with() -> None:
    study = {
        "name": "x",
        "task": {"kind": "classification", "text": "text", "label": "label"},
        "data": {"source": "x.csv"},
        "models": ["m"],
        "methods": ["untuned"],
    }
    with pytest.raises(InputError, match="'untuned' does not fit the task 'classification'"):
        read_study(study)


def test_metrics_of_another_kind_of_answer_are_refused() -> None:
    task = {"kind": "question-answering", "metrics": ["accuracy"]}
    study = {
        "name": "x",
        "task": task,
        "data": {"source": "x"},
        "models": ["m"],
        "methods": ["full"],
    }
    with pytest.raises(InputError, match="unknown metric 'accuracy'"):
        read_study(study)


def test_a_trained_contender_writes_on_from_its_prompt(finished: Path, tunewise: Run) -> None:
    """`generate` folds LoRA into the model; the sealed test decoded with it beside."""
    content = json.loads((finished / "report" / "evaluation_results.json").read_text())
    name = next(row["name"] for row in content["contenders"] if "lora" in row["name"])
    tests = [pq.read_table(path).to_pylist() for path in finished.glob("tests/*/predictions/*")]
    row = questions(12, 2)[0]
    prompt = f"Context: {row['context']}\nQuestion: {row['question']}\nAnswer:"
    words = ("--contender", name, "--prompt", prompt, "--max-new-tokens", "8")
    ran = tunewise("generate", str(finished), *words, cwd=finished.parent.parent)
    assert ran.returncode == 0, ran.stderr
    sealed = {
        answer["answer"]
        for rows in tests
        for answer in rows
        if answer["id"] == row["id"] and answer["strategy"] == "greedy"
    }
    assert visible(ran.stdout).strip() in {visible(answer).strip() for answer in sealed}
