"""Scripts of torch, transformers and PEFT give the losses and answers of the trials they stand for.

Every trained method on every task, and the methods without steps, in float32 with dropout 0.
"""

from __future__ import annotations

import ast
import csv
import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image
from scipy.stats import ttest_ind
from tests.chats import CHATML, LLAMA, THINKING, llama, save_chat_writer, tokenizer
from tests.conftest import OPTIONS
from tests.tasks.conftest import COLOURS, questions, save_image_encoder, save_writer

from tunewise.backbones.sources import resolve
from tunewise.core.canonical import settings_of
from tunewise.core.errors import InputError
from tunewise.data.prepared import IMAGES, write_prepared
from tunewise.export.script.write import plan_of, write_script
from tunewise.methods.base import METHODS, Adaptation
from tunewise.runner import run_job
from tunewise.store.records import TrialSettings
from tunewise.store.study import StudyFolder
from tunewise.store.trial_records import Job, TrialResult
from tunewise.tasks.base import TASKS
from tunewise.tasks.chat import METRICS
from tunewise.training.assembly import Parts
from tunewise.training.settings import TrainingSettings

pytestmark = pytest.mark.filterwarnings("ignore")  # PEFT, called by the script, warns freely
Way = tuple[str, dict[str, Any]]
SIZES = {"train": 100, "validation": 24, "test": 8}
STEPS = 50  # two epochs of batches of four
EQUAL = 1e-5  # nats
RULES = ("--select", "E,F,W,I,B,UP,SIM,C4,RUF", "--line-length", "100")
CHOOSING = {"kind": "classification", "text": ["text"], "label": "label", "labels": list(OPTIONS)}
WRITING = {
    "kind": "question-answering",
    "max_new_tokens": 8,
    "max_length": 112,  # some contexts do not fit
    "decoding": ["greedy", "top-k 5", "top-p 0.9, temperature 0.7"],
    "samples": 2,
}
TALKING = {
    "kind": "chat",
    "max_new_tokens": 8,
    "max_length": 176,  # some conversations do not fit whole, and one not even its last question
    "decoding": ["greedy", "top-p 0.9, temperature 0.7"],
    "json_schema": {"type": "object", "required": ["at"]},
    "pattern": r"\{.*",
    "stop": ["?", "!"],
    "metrics": [*METRICS, "f1", "well_formed"],
}
LOOKING = {
    "kind": "visual-question-answering",
    "image": "image",
    "question": "question",
    "answer": "answer",
    "labels": list(COLOURS),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`data("question-answering")`: a study's folder with the data of that task."""
    made: dict[str, Path] = {}

    def folder(kind: str) -> Path:
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp("study")
            write_prepared(
                made[kind] / "data",
                {split: ROWS[kind](split, size, made[kind]) for split, size in SIZES.items()},
            )
        return made[kind]

    return folder


def texts(split: str, size: int, folder: Path) -> list[dict[str, Any]]:
    """Three to nine words, and sometimes far more; the label is the place of the first opinion."""
    random = Random(split)
    made = []
    for number in range(size):
        words = [
            random.choice(["good", "bad", "fine", "room", "bed", "warm"])
            for _ in range(60 if number % 40 == 0 else random.randint(3, 9))
        ]
        found = [OPTIONS.index(word) for word in words if word in OPTIONS]
        text = " ".join(words) if number % 20 else f"[SEP] {' '.join(words)} [PAD]"  # no tokens
        made.append({"id": f"{split}-{number}", "text": text, "label": [*found, 1][0]})
    return made


def answers(split: str, size: int, folder: Path) -> list[dict[str, Any]]:
    rows = questions(size, len(split))
    for row in rows[::5]:
        row["context"] = f"{row['context']} {'The rest of it is long. ' * 6}".strip()
    rows[3]["answers"] = {"text": [], "answer_start": []}
    rows[4]["question"] = "Where is it?<|im_end|>"  # text, not a special token
    return [{name: row[name] for name in ("id", "context", "question", "answers")} for row in rows]


def pictures(split: str, size: int, folder: Path) -> list[dict[str, Any]]:
    place = folder / "data" / IMAGES
    place.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(size):
        answer = number // 2 % 3
        name = f"{split}{number // 2}.png"
        colour = tuple(min(255, part + number % 20) for part in list(COLOURS.values())[answer])
        Image.new("RGB", (20, 12), colour).save(place / name)
        question = ("the room is", "a warm bed")[number % 2]
        row: dict[str, Any] = {"id": f"{split}-{number}", "image": name, "question": question}
        made.append(row | {"answer": answer})
    return made


def talks(split: str, size: int, folder: Path) -> list[dict[str, Any]]:
    """Two questions with their answers, now and then behind a system's turn or a long one."""
    made = []
    for number in range(size):
        said = [
            ("user", f"{split} {number * 7}"),
            ("assistant", "yes<|im_end|>" if number % 9 == 0 else "yes"),
            ("user", f"and {number}?{' Say more.' * (8 if number % 5 == 0 else 0)}"),
            ("assistant", f'{{"at": {number % 3}}}'),
        ]
        if number == 7 and split == "train":
            said[2] = ("user", "long " * 60)
        if number % 4 == 0:
            said.insert(0, ("system", "Be brief."))
        turns = [{"role": role, "content": content} for role, content in said]
        text = "\n".join(f"{role}: {content}" for role, content in said[:-1])
        row = {"id": f"{split}-{number}", "conversation": text, "answer": said[-1][1]}
        made.append(row | {"turns": turns})
    return made


ROWS = {
    "chat": talks,
    "classification": texts,
    "question-answering": answers,
    "visual-question-answering": pictures,
}


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("writer")
    save_writer(folder, resid_pdrop=0.0, n_positions=160)
    return folder


@pytest.fixture(scope="module")
def talker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("talker")
    save_chat_writer(folder)
    return folder


@pytest.fixture(scope="module")
def image_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("image-encoder")
    save_image_encoder(folder)
    return folder


@pytest.fixture
def source(
    checkpoint: Callable[[str], Path], writer: Path, talker: Path, image_encoder: Path
) -> Callable[[str, str], str]:
    """`source("chat", "llama")`: where a model for that task lies."""

    def found(kind: str, family: str) -> str:
        if kind == "question-answering":
            return str(writer)
        if kind == "chat":
            return str(writer if family == "gpt2" else talker)
        if kind == "visual-question-answering":
            return f"{image_encoder} + {checkpoint(family)}"
        return str(checkpoint(family))

    return found


@pytest.fixture
def trial(
    data: Callable[[str], Path],
    source: Callable[[str, str], str],
    request: pytest.FixtureRequest,
) -> Callable[..., Parts]:
    """`trial(task, way)`: a trial that was run, as its parts."""

    def run(
        task: dict[str, Any],
        way: Way,
        *,
        family: str = "bert",
        seed: int = 3,
        id: str = "",
        **training: Any,
    ) -> Parts:
        name, chosen = way
        part, method = METHODS.get(name), METHODS.build(name, chosen)
        loop: dict[str, Any] = {"epochs": 2, "batch_size": 4, "learning_rate": 1e-3, "dropout": 0.0}
        settings = {
            "task": task,
            "data": {"hash": "0" * 16},
            "model": resolve(source(task["kind"], family)) if part.uses_model else None,
            "method": {"name": name, "version": method.version, "settings": chosen},
            "training": settings_of(TrainingSettings(**(loop | training)))
            if issubclass(part, Adaptation)
            else {},
            "seed": seed,
        }
        study = data(task["kind"])
        id = id or request.node.name[:80]
        job = Job.from_json({"kind": "trial", "id": id, "settings": settings})
        run_job(job, study, lambda: False)
        return Parts.of(TrialSettings.from_json(settings), study)

    return run


def scripted(parts: Parts, id: str, to: Path) -> Path:
    """The folder of the script of a trial that was run."""
    record = StudyFolder(parts.study_folder).record(id[:80])
    assert record is not None and record.result.status == "done", record and record.result.error
    name = parts.method.name
    return write_script(parts, record.result, to, contender=name, tests={}, copy_models=False)


def run_script(script: Path, *words: str) -> Path:
    """Run a script in this process, and return the folder of what it wrote."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(script), *words])
        runpy.run_path(str(script), run_name="__main__")
    return script.parent / "output"


def same(parts: Parts, id: str, to: Path, *, steps: int = STEPS, equal: float = EQUAL) -> None:
    """The script gives the trial's losses, step for step, and its answers."""
    close = max(1e-4, equal)  # probabilities and scores
    output = run_script(scripted(parts, id, to))
    folder = parts.study_folder / "trials" / id[:80]
    log = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    losses = {line["step"]: line["loss"] for line in log if "loss" in line}
    if losses:
        with (output / "training_log.csv").open() as file:
            found = {int(row["step"]): float(row["loss"]) for row in csv.DictReader(file)}
        known = {step: found[step] for step in losses}  # of a long trial some are logged
        assert known == pytest.approx(losses, abs=equal, rel=0)
        assert len(found) == json.loads((folder / "result.json").read_text())["steps"] >= steps
    ours = pq.read_table(folder / "predictions" / "validation.parquet").to_pylist()
    theirs = [
        json.loads(line)
        for line in (output / "predictions_validation.jsonl").read_text().splitlines()
    ]
    if parts.task.writing:
        first = {row["id"]: row["answer"] for row in reversed(ours)}
        assert {row["id"]: row["prediction"] for row in theirs} == first
        assert any(first.values())
    else:
        assert [row["prediction"] for row in theirs] == [parts.options[r["choice"]] for r in ours]
        for one, other in zip(ours, theirs, strict=True):
            assert other["probabilities"] == pytest.approx(one["probabilities"], abs=close)
    scores = json.loads((folder / "result.json").read_text())["metrics"]["validation"]
    written = json.loads((output / "evaluation_results.json").read_text())["validation"]
    assert written == pytest.approx(scores, abs=close)


LORA_OF_LLAMA: Way = ("lora", {"rank": 2, "targets": ["attention"]})
IA3: Way = ("peft", {"peft_type": "IA3"})
LORA: Way = ("lora", {"rank": 2, "ranks": {"query": 3}, "alphas": {"value": 8.0}, "ratio": 4.0})


@pytest.mark.parametrize(
    "way",
    [
        ("full", {}),
        ("head", {}),
        ("last-layers", {"count": 1}),
        ("bitfit", {}),
        LORA,
        ("prefix", {"length": 4}),
        IA3,
        ("majority", {}),
        ("tfidf", {"min_count": 2}),
        ("nearest-neighbour", {"count": 3}),
    ],
    ids=lambda way: way[0],
)
def test_a_script_chooses_as_its_trial_does(
    trial: Callable[..., Parts], way: Way, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    same(trial(CHOOSING, way), request.node.name, tmp_path)


@pytest.mark.parametrize(
    "way",
    [
        LORA,
        *(
            pytest.param(way, marks=pytest.mark.faults)
            for way in (
                ("untuned", {}),
                ("full", {}),
                ("last-layers", {"count": 1}),
                ("bitfit", {}),
                ("prefix", {"length": 4, "start": "noise"}),
                IA3,
            )
        ),
    ],
    ids=lambda way: way[0],
)
def test_a_script_writes_as_its_trial_does(
    trial: Callable[..., Parts], way: Way, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    same(trial(WRITING, way, learning_rate=5e-3), request.node.name, tmp_path)


TALKED: tuple[tuple[Way, dict[str, Any]], ...] = (
    (("untuned", {}), {"system": "Be kind."}),
    (("full", {}), {}),
    (("full", {}), {"loss_on": "last"}),
    (LORA_OF_LLAMA, {"loss_on": "all", "chat": "never"}),
    (LORA_OF_LLAMA, {"metrics": ["exact_match"], "stop": [], "json_schema": {}}),
    (("last-layers", {"count": 1}), {"metrics": ["answer_characters"]}),
    (("bitfit", {}), {}),
    (("prefix", {"length": 4}), {}),
    (IA3, {}),
)


@pytest.mark.parametrize(
    ("way", "more"),
    [
        (LORA_OF_LLAMA, {}),
        (("few-shot", {"shots": 2}), {"system": "Be kind."}),
        *(pytest.param(*case, marks=pytest.mark.faults) for case in TALKED),
    ],
    ids=lambda part: part[0] if isinstance(part, tuple) else ",".join(part) or "plain",
)
def test_a_script_talks_as_its_trial_does(
    trial: Callable[..., Parts],
    way: Way,
    more: dict[str, Any],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    family = "gpt2" if way[0] == "bitfit" else "llama"  # which has no biases
    parts = trial(TALKING | more, way, family=family, learning_rate=5e-3)
    same(parts, request.node.name, tmp_path)


@pytest.mark.parametrize(
    "way",
    [
        ("fusion", {"width": 16}),
        *(
            pytest.param(way, marks=pytest.mark.faults)
            for way in (
                ("fusion", {"inputs": "question"}),
                ("head", {}),
                ("full", {}),
                ("last-layers", {"count": 1}),
                ("bitfit", {}),
                ("lora", {"rank": 2, "targets": ["text.query"]}),
                ("majority", {}),
                ("tfidf", {}),
            )
        ),
    ],
    ids=lambda way: way[0],
)
def test_a_script_looks_as_its_trial_does(
    trial: Callable[..., Parts], way: Way, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    same(trial(LOOKING, way), request.node.name, tmp_path)


OTHERWISE: dict[str, tuple[dict[str, Any], Way, dict[str, Any]]] = {
    "solved": (CHOOSING, ("head", {}), {"optimizer": "lbfgs"}),
    "solved on directions": (
        CHOOSING | {"pooling": "normalized_mean"},
        ("head", {}),
        {"optimizer": "lbfgs"},
    ),
}
RARE: dict[str, tuple[dict[str, Any], Way, dict[str, Any]]] = {
    "of open length": (
        CHOOSING | {"pooling": "mean"},
        ("full", {}),
        {"epochs": "auto", "learning_rate": 2e-4},
    ),
    "in parts": (CHOOSING, ("full", {}), {"accumulate": 3, "schedule": "cosine"}),
    "adalora": (
        CHOOSING,
        ("peft", {"peft_type": "ADALORA", "tinit": 5, "tfinal": 5, "deltaT": 2}),
        {},
    ),
    "prefix tuning, pooled": (
        CHOOSING | {"pooling": "weightedmean"},
        ("peft", {"peft_type": "PREFIX_TUNING", "num_virtual_tokens": 3}),
        {},
    ),
    "pooled and normalized": (
        CHOOSING | {"pooling": "normalized_mean"},
        ("lora", {"rank": 2}),
        {},
    ),
    "prefix of gpt2": (CHOOSING, ("prefix", {"length": 3}), {"family": "gpt2"}),
    "lora of roberta": (CHOOSING, ("lora", {"rank": 2}), {"family": "roberta"}),
    "rank-stabilized": (CHOOSING, ("lora", {"rank": 4, "scaling": "root", "layers": (1, 1)}), {}),
    "until patience ends": (CHOOSING, ("full", {}), {"epochs": 9, "patience": 2}),
    "the last epoch": (CHOOSING, ("full", {}), {"choose": "last", "schedule": "constant"}),
    "open, the last epoch": (
        CHOOSING,
        ("full", {}),
        {"epochs": "auto", "choose": "last", "learning_rate": 2e-4},
    ),
    "own adam": (CHOOSING, ("full", {}), {"optimizer": "own-adam"}),
    "adafactor": (CHOOSING, ("full", {}), {"optimizer": "adafactor"}),
    "sgd": (CHOOSING, ("full", {}), {"optimizer": "sgd", "learning_rate": 0.1}),
    "recomputed": (CHOOSING, ("full", {}), {"gradient_checkpointing": True}),
    "loss on the prompt": (WRITING, ("lora", {"rank": 2}), {"loss_on": "all"}),
    "written in bfloat16": (WRITING, ("lora", {"rank": 2}), {"precision": "bfloat16"}),
    "sharing rows": (WRITING, ("lora", {"rank": 2}), {"packing": True}),
    "in bfloat16": (CHOOSING, ("lora", {"rank": 2}), {"precision": "bfloat16"}),
}
IN_HALF = 1e-2  # nats, where numbers have eight bits


@pytest.mark.parametrize(
    "way",
    [*OTHERWISE, *(pytest.param(way, marks=pytest.mark.faults) for way in RARE)],
)
def test_a_script_trains_as_the_settings_say(
    trial: Callable[..., Parts], way: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    task, method, more = (OTHERWISE | RARE)[way]
    equal = IN_HALF if more.get("precision") == "bfloat16" else EQUAL
    same(trial(task, method, **more), request.node.name, tmp_path, equal=equal)


@pytest.mark.faults
def test_with_dropout_a_script_differs_by_no_more_than_its_seed(
    trial: Callable[..., Parts], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Masks are drawn in other ways; over five seeds the validation losses are the same."""
    losses: dict[str, list[float]] = {"trial": [], "script": []}
    for seed in range(5):
        parts = trial(CHOOSING, ("full", {}), seed=seed, dropout=0.3, id=f"dropout-{seed}")
        output = run_script(scripted(parts, f"dropout-{seed}", tmp_path / str(seed)))
        found = StudyFolder(parts.study_folder).record(f"dropout-{seed}")
        assert found is not None
        losses["trial"].append(found.result.metrics["validation"]["loss"] or 0.0)
        written = json.loads((output / "evaluation_results.json").read_text())
        losses["script"].append(written["validation"]["loss"])
    assert losses["trial"] != losses["script"]
    assert ttest_ind(losses["trial"], losses["script"], equal_var=False).pvalue > 0.05, losses


def test_a_script_is_plain_python_of_the_usual_libraries(
    trial: Callable[..., Parts], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    parts = trial(CHOOSING, ("tfidf", {}))
    hostile = 'x"""\nimport os\n\\'
    record = StudyFolder(parts.study_folder).record(request.node.name[:80])
    assert record is not None
    script = write_script(
        parts, record.result, tmp_path, contender=hostile, tests=None, copy_models=False
    )
    text = script.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert "os" not in {
        n.name for node in tree.body if isinstance(node, ast.Import) for n in node.names
    }
    assert "tunewise" not in text
    assert not (tmp_path / "data" / "test.jsonl").exists()  # it was not opened for the trial
    assert "peft" not in (tmp_path / "requirements.txt").read_text()


def test_a_script_says_what_it_takes(
    trial: Callable[..., Parts],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    script = scripted(trial(CHOOSING, ("head", {})), request.node.name, tmp_path)
    with pytest.raises(SystemExit):
        run_script(script, "--help")
    said = capsys.readouterr().out
    assert all(f"--{name}" in said for name in ("model", "epochs", "learning-rate", "seed", "data"))
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", *RULES, str(script)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


def test_what_no_script_can_do_is_refused(
    trial: Callable[..., Parts], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    beams = WRITING | {"decoding": ["beam 2"]}
    with pytest.raises(InputError, match="no script is written for beam search"):
        scripted(trial(beams, ("untuned", {})), request.node.name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


TASKS_OF = {task["kind"]: task for task in (CHOOSING, WRITING, TALKING, LOOKING)}
WITHOUT = {  # a script, each with what its refusal offers instead
    ("classification", "prompt"): "prompt.json",
    ("visual-question-answering", "prompt"): "prompt.json",
    ("visual-question-answering", "nearest-neighbour"): "fusion and head",
}


@pytest.mark.parametrize("kind", TASKS.classes)
def test_every_method_has_a_script_for_every_task_or_says_what_there_is_instead(
    data: Callable[[str], Path], source: Callable[[str, str], str], kind: str
) -> None:
    task, refused = TASKS_OF[kind], set()
    form = "choose" if kind in ("classification", "visual-question-answering") else "write"
    for name, part in METHODS.classes.items():
        chosen = {"peft_type": "IA3"} if name == "peft" else {}
        loop = settings_of(TrainingSettings(epochs=1)) if issubclass(part, Adaptation) else {}
        family = {"bitfit": "gpt2", "fusion": "bert"}.get(name, "llama")
        where = source("chat" if part.asks_writer else kind, family if form == "write" else "bert")
        settings = {
            "task": task,
            "data": {"hash": "0" * 16},
            "model": resolve(where) if part.uses_model else None,
            "method": {"name": name, "version": 1, "settings": chosen},
            "training": loop,
            "seed": 0,
        }
        parts = Parts.of(TrialSettings.from_json(settings), data(kind))
        if form in part.cannot or kind in part.cannot:
            continue
        if kind == "classification" and name == "fusion":
            continue  # which is for two encoders, as two others are for one
        if kind == "visual-question-answering" and name in ("peft", "prefix"):
            continue
        try:
            plan_of(parts, TrialResult("a"))
        except InputError as error:
            refused.add((kind, name))
            assert WITHOUT[kind, name] in str(error)
    assert refused == {pair for pair in WITHOUT if pair[0] == kind}


def test_four_bits_are_refused_and_not_left_out(
    data: Callable[[str], Path], source: Callable[[str, str], str]
) -> None:
    settings = {
        "task": TALKING,
        "data": {"hash": "0" * 16},
        "model": resolve(source("chat", "llama")),
        "method": {"name": "lora", "version": 1, "settings": {}},
        "training": settings_of(TrainingSettings(epochs=1, quantize="nf4")),
        "seed": 0,
    }
    pytest.importorskip("bitsandbytes")
    parts = Parts.of(TrialSettings.from_json(settings), data("chat"))
    with pytest.raises(InputError, match="quantize: nf4"):
        plan_of(parts, TrialResult("a"))


SPECIAL = "<|im_start|>{context}<|im_end|>{question}\nAnswer:"  # of its own, without a chat


@pytest.mark.parametrize(
    ("template", "prompt"),
    [(CHATML, None), (LLAMA, None), (THINKING, None), (None, None), (None, SPECIAL)],
)
def test_a_script_asks_and_teaches_in_the_same_tokens(
    data: Callable[[str], Path], template: str | None, prompt: str | None, tmp_path: Path
) -> None:
    processor = tokenizer(template)
    llama(len(processor)).save_pretrained(tmp_path / "model")
    processor.save_pretrained(tmp_path / "model")
    settings = {
        "task": WRITING | {"max_length": 176} | ({} if prompt is None else {"prompt": prompt}),
        "data": {"hash": "0" * 16},
        "model": resolve(str(tmp_path / "model")),
        "method": {"name": "untuned", "version": 1, "settings": {}},
        "seed": 3,
    }
    parts = Parts.of(TrialSettings.from_json(settings), data("question-answering"))
    script = write_script(
        parts, TrialResult("a"), tmp_path / "script", contender="a", tests=None, copy_models=False
    )
    made = runpy.run_path(str(script))
    for split in ("train", "validation"):
        lines = (tmp_path / "script" / "data" / f"{split}.jsonl").read_text().splitlines()
        rows, learning = [json.loads(line) for line in lines], split == "train"
        features = made["preprocess_function"](rows, processor, learning=learning)
        encoded = parts.task.encode(
            parts.examples(split), processor, max_length=176, learning=learning
        )
        expected = [(e.id, e.inputs["input_ids"], e.prompt, e.full_length) for e in encoded]
        names = ("id", "input_ids", "prompt_length", "full_length")
        assert [tuple(feature[name] for name in names) for feature in features] == expected
    assert any(len(feature["input_ids"]) > 160 for feature in features)  # some were shortened


@pytest.mark.parametrize("template", [CHATML, LLAMA, THINKING, None])
@pytest.mark.parametrize("loss_on", ["answer", "last", "all"])
def test_a_script_learns_the_same_tokens_of_a_conversation(
    tmp_path: Path, template: str | None, loss_on: str
) -> None:
    processor = tokenizer(template)
    llama(len(processor)).save_pretrained(tmp_path / "model")
    processor.save_pretrained(tmp_path / "model")
    rows = talks("train", 12, tmp_path)
    if template == LLAMA:  # which takes no turn of the system
        rows = [row for row in rows if row["turns"][0]["role"] != "system"]
    write_prepared(tmp_path / "data", dict.fromkeys(SIZES, rows))
    settings = {
        "task": TALKING | {"loss_on": loss_on},
        "data": {"hash": "0" * 16},
        "model": resolve(str(tmp_path / "model")),
        "method": {"name": "untuned", "version": 1, "settings": {}},
        "seed": 3,
    }
    parts = Parts.of(TrialSettings.from_json(settings), tmp_path)
    script = write_script(
        parts, TrialResult("a"), tmp_path / "script", contender="a", tests=None, copy_models=False
    )
    made = runpy.run_path(str(script))
    lines = (tmp_path / "script" / "data" / "train.jsonl").read_text().splitlines()
    for learning in (True, False):
        features = made["preprocess_function"](
            list(map(json.loads, lines)), processor, learning=learning
        )
        encoded = parts.task.encode(
            parts.examples("train"), processor, max_length=176, learning=learning
        )
        assert [
            (f["id"], f["input_ids"], tuple(f["learned"]), f["full_length"]) for f in features
        ] == [(e.id, e.inputs["input_ids"], e.learned or ((0, 0),), e.full_length) for e in encoded]
    assert len({feature["full_length"] > 176 for feature in features}) == 2
