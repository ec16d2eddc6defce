"""A study of conversations through the command line, on a model made on the spot."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.chats import llama, save_chat_writer, tokenizer
from tests.commands import Run
from tests.export.test_script import run_script
from tests.gguf_files import write_gguf
from tests.proofs import proven_here
from tests.tasks.conftest import write_rows
from transformers import AutoModelForCausalLM

from tunewise.cli.convert import described
from tunewise.cli.export import command
from tunewise.cli.measure import measure
from tunewise.cli.scripts import write_script_of
from tunewise.core.errors import InputError
from tunewise.data.examples import Example, Prediction, Written
from tunewise.export.runtime.gguf_file import writer_of
from tunewise.reports.outputs.submission import write_submission
from tunewise.results import StudyResults
from tunewise.statistics.conversed import Format
from tunewise.studies.prepare import prepare
from tunewise.studyfile.studyfile import read_study
from tunewise.tasks.chat import METRICS, Conversations
from tunewise.trained import choose
from tunewise.training.assembly import Parts
from tunewise.training.finished import load_whole

STUDY = """
name: talk
task: {{kind: chat, max_new_tokens: 8, json_schema: {{}}}}
data: {{source: data}}
models: ["{model}"]
methods:
  - untuned
  - few-shot: {{shots: 2}}
  - lora: {{rank: 2, targets: attention}}
training: {{epochs: 2, batch_size: 8, learning_rate: 1e-2, max_length: 300}}
seeds: [0]
"""


def talks(rows: int, name: str) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{name}-{at}",
            "messages": [
                {"role": "user", "content": f"{name} {at * 7}"},
                {"role": "assistant", "content": "yes"},
                {"role": "user", "content": f"{name} and {at}?"},
                {"role": "assistant", "content": f'{{"at": {at % 3}}}'},
            ],
        }
        for at in range(rows)
    ]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, data and a study file."""
    found = tmp_path_factory.mktemp("talk")
    save_chat_writer(found / "model")
    (found / "data").mkdir()
    for split, rows in {"train": 40, "validation": 12, "test": 12}.items():
        write_rows(found / "data" / f"{split}.jsonl", talks(rows, split))
    (found / "study.yaml").write_text(STUDY.format(model=found / "model"))
    return found


@pytest.fixture(scope="module")
def finished(place: Path, tunewise: Run) -> Path:
    """The folder of the study that has run."""
    ran = tunewise("run", "study.yaml", cwd=place)
    assert ran.returncode == 0, ran.stderr
    return place / "runs" / "talk"


def test_all_contenders_stand_in_one_table_by_bits_per_byte(finished: Path) -> None:
    content = json.loads((finished / "report" / "evaluation_results.json").read_text())
    rows = {row["name"]: row for row in content["contenders"]}
    assert set(rows) == {"untuned", "few-shot", "lora"}
    assert content["metric"] == "bits_per_byte"
    for row in rows.values():
        assert set(row["test"]) == {*METRICS, "well_formed", "loss"}
    means = {name: row["test"]["bits_per_byte"]["mean"] for name, row in rows.items()}
    assert means["lora"] < means["untuned"]
    page = (finished / "report" / "index.html").read_text()
    assert "bits per byte" in page


def test_bits_per_byte_are_those_of_the_stored_rows(finished: Path) -> None:
    path = next(finished.glob("tests/*/predictions/test.parquet"))
    rows = pq.read_table(path).to_pylist()
    bits = sum(row["loss"] for row in rows) / math.log(2)
    text = sum(len(row["references"][0].encode()) for row in rows)
    record = json.loads((path.parent.parent / "result.json").read_text())["metrics"]["test"]
    assert record["bits_per_byte"] == pytest.approx(bits / text)
    assert all(row["bytes"] == len(row["references"][0].encode()) for row in rows)


def test_nothing_is_generated_to_choose_an_epoch(finished: Path) -> None:
    opened = StudyResults(finished)
    epochs = choose(opened, "lora").record.result.epochs
    assert epochs is not None
    for epoch in epochs:
        assert epoch.validation["bits_per_byte"] is not None
        assert epoch.validation["exact_match"] is None


def test_a_conversation_is_answered_whole_or_as_a_text(finished: Path, tunewise: Run) -> None:
    where = finished.parent.parent
    write_rows(where / "new.jsonl", [{"messages": talks(1, "new")[0]["messages"][:3]}])
    ran = tunewise("predict", str(finished), "--input", "new.jsonl", cwd=where)
    assert ran.returncode == 0, ran.stderr
    assert set(json.loads(ran.stdout)) == {"id", "answer", "stopped"}
    best = StudyResults(finished).best
    one, other = best.predict(["new and 0?", {"messages": talks(1, "new")[0]["messages"]}])
    assert isinstance(one, str)
    assert other == json.loads(ran.stdout)["answer"]


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
@pytest.mark.parametrize(
    ("name", "loaded_with", "compared"),
    [
        ("lora", "peft and transformers", "logits after the prompts"),
        ("few-shot", "tunewise", "losses of the right answers"),
    ],
)
def test_a_contender_is_taken_away_with_proof(
    finished: Path, tmp_path: Path, name: str, loaded_with: str, compared: str
) -> None:
    to = tmp_path / "away"
    with proven_here():
        command(finished, to, contender=name)
    proof = json.loads((to / "proof.json").read_text())
    assert (proof["passed"], proof["loaded_with"]) == (True, loaded_with)
    assert proof["compared"] == compared
    if name == "lora":
        assert "apply_chat_template(" in (to / "README.md").read_text()


@pytest.mark.filterwarnings("ignore")  # PEFT, called by the script, warns freely
def test_what_is_handed_in_gives_the_figures_it_reports(finished: Path, tmp_path: Path) -> None:
    pytest.importorskip("typst")
    study = StudyResults(finished)
    out = write_submission(
        study.folder,
        tmp_path / "out",
        script=lambda to: write_script_of(study, "lora", to, copy_models=True)[0],
    ).rename(tmp_path / "elsewhere")
    output = run_script(out / "lora_chat_finetuning.py")
    written = json.loads((output / "evaluation_results.json").read_text())["test"]
    reported = json.loads((out / "results" / "evaluation_results.json").read_text())
    (row,) = (one for one in reported["contenders"] if one["name"] == "lora")
    assert set(written) == {*METRICS, "well_formed", "loss"}
    for metric, value in written.items():
        assert value == pytest.approx(row["test"][metric]["values"][0], abs=1e-4), metric
    assert (output / "model" / "adapter_model.safetensors").is_file()


@pytest.fixture(scope="module")
def tuned(finished: Path) -> Any:
    """LoRA's model with what was trained folded into it."""
    chosen = choose(StudyResults(finished), "lora")
    predictor = load_whole(Parts.of(chosen.settings, finished), chosen.weights)
    return writer_of(predictor)[1]


@pytest.mark.parametrize(("kind", "near"), [("F32", 1e-6), ("F16", 1e-2)])
def test_a_gguf_file_answers_as_the_contender_did(
    finished: Path, tuned: Any, tmp_path: Path, kind: str, near: float
) -> None:
    pytest.importorskip("gguf")
    write_gguf(tuned, tmp_path / "tuned.gguf", kind)
    name, found = measure(StudyResults(finished), "lora", tmp_path / "tuned.gguf")
    assert (name, found.metric, found.split, found.examples) == (
        "lora",
        "bits_per_byte",
        "test",
        12,
    )
    assert found.difference == pytest.approx(0, abs=near)
    assert found.interval is not None
    assert found.same_answers == 1 if kind == "F32" else found.same_answers > 0.5
    said = described(found)
    assert "llama.cpp" in said[-1]
    assert found.bytes == (tmp_path / "tuned.gguf").stat().st_size
    assert not any("Batch" in line for line in said)  # it is not llama.cpp that would be timed


def test_a_gguf_file_of_other_weights_is_seen_and_one_of_another_model_refused(
    finished: Path, place: Path, tmp_path: Path
) -> None:
    pytest.importorskip("gguf")
    write_gguf(AutoModelForCausalLM.from_pretrained(place / "model"), tmp_path / "base.gguf")
    _, found = measure(StudyResults(finished), "lora", tmp_path / "base.gguf")
    assert found.difference is not None and found.difference > 0.05  # untuned is worse
    assert found.worse_by() > 0
    write_gguf(llama(300), tmp_path / "other.gguf")
    with pytest.raises(InputError, match=r"embed_tokens.weight is 300 x 16, the contender's 259"):
        measure(StudyResults(finished), "lora", tmp_path / "other.gguf")
    write_gguf(llama(259), tmp_path / "part.gguf", leave_out=["model.norm.weight"])
    with pytest.raises(InputError, match=r"no weights that are model\.norm\.weight"):
        measure(StudyResults(finished), "lora", tmp_path / "part.gguf")
    (tmp_path / "broken.gguf").write_bytes(b"GGUF and no more")
    with pytest.raises(InputError, match="transformers does not read it"):
        measure(StudyResults(finished), "lora", tmp_path / "broken.gguf")


def test_answers_written_elsewhere_are_scored_by_what_a_text_tells(
    finished: Path, tmp_path: Path
) -> None:
    path = next(finished.glob("tests/*/predictions/test.parquet"))
    ids = [row["id"] for row in pq.read_table(path).to_pylist()]
    write_rows(tmp_path / "given.jsonl", [{"id": id, "prediction": "{}"} for id in ids])
    _, found = measure(StudyResults(finished), "untuned", tmp_path / "given.jsonl")
    assert (found.metric, found.converted) == ("exact_match", 0.0)


def test_validate_shows_what_is_learned(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepared = prepare(read_study(place / "study.yaml"))
    assert len(prepared.learned) == 3
    learned = [part.text for part in prepared.learned[0] if part.learned]
    assert learned == ["yes<|im_end|>", '{"at": 0}<|im_end|>']


def test_a_template_that_cannot_be_proven_stops_the_study_with_its_rows(
    place: Path, tmp_path: Path
) -> None:
    save_chat_writer(tmp_path / "model")
    template = tmp_path / "model" / "chat_template.jinja"
    template.write_text(template.read_text().replace("in messages", "in messages[-2:]"))
    (place / "tampered.yaml").write_text(STUDY.format(model=tmp_path / "model"))
    with pytest.raises(InputError, match="leaves out or changes what the user says") as caught:
        prepare(read_study(place / "tampered.yaml"))
    assert "So in 40 rows (train-0, train-1" in str(caught.value)
    assert len(caught.value.problems) == 3  # one a split


def test_conversations_without_room_for_an_answer_are_refused_or_left_out_for_everybody(
    place: Path, tmp_path: Path
) -> None:
    for split, rows in {"train": 20, "validation": 12, "test": 12}.items():
        written = talks(rows, split)
        for at in (3, 5):
            written[at]["messages"][2]["content"] += " and so on" * 50
        write_rows(tmp_path / f"{split}.jsonl", written)
    text = STUDY.format(model=place / "model").replace("source: data", "source: .")
    (tmp_path / "study.yaml").write_text(text)
    with pytest.raises(InputError, match=r"say data\.on_too_long: drop") as caught:
        prepare(read_study(tmp_path / "study.yaml"))
    assert [str(one).split(" cannot")[0] for one in caught.value.problems] == [
        "models[0]: validation: 2 rows (validation-3, validation-5)",
        "models[0]: test: 2 rows (test-3, test-5)",
    ]
    (tmp_path / "study.yaml").write_text(text.replace("source: .", "source: ., on_too_long: drop"))
    prepared = prepare(read_study(tmp_path / "study.yaml"))
    for split in ("validation", "test"):
        ids = {row["id"] for row in prepared.splits[split]}
        assert ids == {f"{split}-{at}" for at in range(12)} - {f"{split}-3", f"{split}-5"}
        assert prepared.study.data.rows[split] == 10
        (note,) = (note for note in prepared.notes if note.startswith(f"{split}: 2 rows left out"))
        assert f"({split}-3, {split}-5)" in note
    assert len(prepared.splits["train"]) == 20  # of these the trial itself leaves out two


TASK = Conversations(max_new_tokens=8)
TALK = Example(
    "a",
    ("and?",),
    references=("Three.",),
    turns=(("user", "One"), ("assistant", "Two"), ("user", "and?")),
)


@pytest.mark.parametrize(
    ("loss_on", "learned"),
    [
        ("answer", ["Two<|im_end|>", "Three.<|im_end|>"]),
        ("last", ["Three.<|im_end|>"]),
    ],
)
def test_the_loss_is_over_all_answers_or_the_last(loss_on: Any, learned: list[str]) -> None:
    processor = tokenizer()
    (one,) = Conversations(loss_on=loss_on).encode([TALK], processor, max_length=300, learning=True)
    ids = one.inputs["input_ids"]
    assert [processor.decode(ids[begin:end]) for begin, end in one.learned] == learned


def test_evaluation_asks_the_last_turn_with_all_before_it() -> None:
    processor = tokenizer()
    (one,) = TASK.encode([TALK], processor, max_length=300)
    ids = one.inputs["input_ids"]
    assert processor.decode(ids[: one.prompt]).endswith("and?<|im_end|>\n<|im_start|>assistant\n")
    assert processor.decode(ids[one.prompt :]) == "Three.<|im_end|>"


def test_of_what_is_too_long_the_oldest_turns_are_left_out() -> None:
    processor = tokenizer()
    (whole,) = TASK.encode([TALK], processor, max_length=300)
    most = whole.prompt + TASK.max_new_tokens - 1
    (one,) = TASK.encode([TALK], processor, max_length=most)
    text = processor.decode(one.inputs["input_ids"])
    assert "Two" not in text
    assert text.endswith("and?<|im_end|>\n<|im_start|>assistant\nThree.<|im_end|>")
    assert one.full_length > most
    (none,) = TASK.encode([TALK], processor, max_length=20)
    assert not none.fits


def test_shown_conversations_stand_before_and_behind_the_system() -> None:
    processor = tokenizer()
    shown = Example("b", ("x",), references=("y",), turns=(("system", "No."), ("user", "x")))
    asked = Conversations(max_new_tokens=8, system="Be brief.").showing([shown])
    (one,) = asked.encode([TALK], processor, max_length=400)
    text = processor.decode(one.inputs["input_ids"])
    order = ["Be brief.", "x<", "y<", "One", "Two", "and?", "Three."]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "No." not in text


def test_scores_worked_out_by_hand() -> None:
    """Eight nats for six bytes; the answer is right but for its full stop."""
    way = Written("greedy", 0, "three", 2, "end")
    prediction = Prediction("a", loss=8.0, written=(way,), targets=4)
    scores = TASK.score([prediction], [TALK])
    assert scores["bits_per_byte"] == pytest.approx(8.0 / math.log(2) / 6)
    assert scores["exact_match"] == 0.0
    assert scores["normalized_match"] == 1.0
    assert scores["ended_itself"] == 1.0
    assert scores["answer_characters"] == 5.0
    assert scores["loss"] == 2.0
    endless = prediction._replace(written=(way._replace(stopped="length"),))
    assert TASK.score([endless], [TALK])["ended_itself"] == 0.0


@pytest.mark.parametrize(
    ("answer", "fits"),
    [
        ('{"at": 1}', True),
        (' {"at": 1}\n', True),
        ('{"at": "1"}', False),
        ("{}", False),
        ('{"at": 1} and more', False),
        ('{"at": NaN}', False),
        ("[" * 100_000, False),
    ],
)
def test_answers_are_held_against_a_schema(answer: str, fits: bool) -> None:
    schema = {"required": ["at"], "properties": {"at": {"type": "integer"}}}
    assert Format.of(schema, None).fits(answer) is fits


def test_answers_are_held_against_a_whole_expression() -> None:
    form = Format.of(None, r"\d+ pounds")
    assert form.fits("30 pounds")
    assert not form.fits("30 pounds a month")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"json_schema": {"type": "objekt"}}, "no JSON Schema"),
        ({"pattern": "("}, "no regular expression"),
        ({"prompt": "a"}, "goes with completion"),
        ({"metrics": ["well_formed"]}, "json_schema or pattern"),
        ({"metrics": ["accuracy"]}, "unknown metric 'accuracy'"),
    ],
)
def test_mistakes_in_the_task_are_told(settings: dict[str, Any], said: str) -> None:
    study = {
        "name": "x",
        "task": {"kind": "chat", **settings},
        "data": {"source": "x.jsonl"},
        "models": ["m"],
        "methods": ["full"],
    }
    with pytest.raises(InputError, match=said):
        read_study(study)


def test_few_shot_is_for_conversations() -> None:
    study = {
        "name": "x",
        "task": {"kind": "question-answering"},
        "data": {"source": "x.jsonl"},
        "models": ["m"],
        "methods": ["few-shot"],
    }
    with pytest.raises(InputError, match="task chat has these"):
        read_study(study)
