"""What is wrong is told in words before any training, with the place, and exit code 2."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tunewise.cli.main import main

Tell = Callable[..., str]
STUDY = """name: small
task: {{kind: classification, text: text, label: label}}
data: {{source: {data}}}
models: ["{model}"]
methods: [majority, {{lora: {{rank: 2}}}}, full]
training: {{epochs: 1, learning_rate: null}}
"""
ROWS = ["text,label", *(f"good room number {n},{'yes' if n % 2 else 'no'}" for n in range(40))]


@pytest.fixture
def tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Tell:
    """`tell("validate", "study.yaml")`: what the command says on stderr; it must exit with 2."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["tunewise", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        message = capsys.readouterr().err
        assert ended.value.code == 2, message
        assert "Traceback" not in message
        return message

    return call


def write(folder: Path, model: Path, *, data: str = "data", old: str = "", new: str = "") -> None:
    """A sound study and sound data, with one replacement in the study file."""
    text = STUDY.format(data=data, model=model)
    assert old in text
    (folder / "study.yaml").write_text(text.replace(old, new, 1))
    (folder / "data").mkdir(exist_ok=True)
    for number, split in enumerate(("train", "validation", "test")):
        lines = [
            ROWS[0],
            *(f"{row.split(',')[0]} {number},{row[-3:].strip(',')}" for row in ROWS[1:]),
        ]
        (folder / "data" / f"{split}.csv").write_text("\n".join(lines) + "\n")


BROKEN_STUDIES = [
    ("epochs: 1", "epoch: 1", r"study.yaml:6 training\.epoch: .*'epochs'"),
    ("epochs: 1", "epochs: one", r"study.yaml:6 training\.epochs: .*one"),
    ("epochs: 1", "epochs: 0", r"training\.epochs.*0.*from 1 up|epochs = 0"),
    ("rank: 2", "r: 2", r"'r' is called 'rank'"),
    ("rank: 2", "rank: 0", r"methods\.1\.lora\.rank|rank.*found 0: a whole number"),
    ("full]", "ful]", r"unknown method 'ful'\. Did you mean 'full'\?"),
    ("label: label}", "label: label, label: x}", r"study.yaml:2.*label.*twice|duplicate|again"),
    ("name: small", "name: ../small", r"study.yaml:1 name: found '\.\./small'"),
    ("kind: classification", "kind: clasification", r"Did you mean 'classification'\?"),
    (
        "epochs: 1",
        "learning_rate: 3",
        r"training\.learning_rate: found 3: a number between 0 and 1",
    ),
    ("rank: 2", "rank: 999", r"rank = 999: .*cannot exceed 16"),
    ("rank: 2", "targets: [nowhere]", r"nowhere.*"),
    ("full]", "full", r"study.yaml:\d+"),
]


@pytest.mark.parametrize(("old", "new", "message"), BROKEN_STUDIES)
def test_a_broken_study_file_is_one_clear_message(  # noqa: PLR0917  # pytest names them
    tell: Tell, tmp_path: Path, checkpoint: Callable[[str], Path], old: str, new: str, message: str
) -> None:
    write(tmp_path, checkpoint("bert"), old=old, new=new)
    text = tell("validate", "study.yaml")
    assert re.search(message, text.replace("\n", " ")), text
    assert not (tmp_path / "runs").exists()


def set_lines(folder: Path, **changed: str) -> None:
    """Replace lines of train.csv, named line2, line3, ..."""
    path = folder / "data" / "train.csv"
    lines = path.read_text().splitlines()
    for name, text in changed.items():
        lines[int(name[4:]) - 1] = text
    path.write_text("\n".join(lines) + "\n")


BROKEN_DATA: list[tuple[Callable[[Path], object], str]] = [
    (
        lambda f: set_lines(f, line1="sentence,label"),
        r"train\.csv: has no column 'text'\. Known: label, sentence",
    ),
    (lambda f: set_lines(f, line5="good room,"), r"train\.csv:5"),
    (lambda f: set_lines(f, line7="one,two,three"), r"train\.csv:7.*3"),
    (
        lambda f: (f / "data" / "train.csv").write_bytes(b"text,label\ncaf\x81,yes\n"),
        r"train\.csv.*byte",
    ),
    (lambda f: (f / "data" / "train.csv").write_text(""), r"train\.csv"),
    (lambda f: (f / "data" / "validation.csv").unlink(), r"no validation split"),
    (lambda f: (f / "data" / "test.csv").write_text("text,label\nroom,maybe\n"), r"maybe"),
    (
        lambda f: (f / "data" / "train.csv").write_text('text;label\n"good;yes\n'),
        r"train\.csv:2: a quoted field opens here",
    ),
    (
        lambda f: (f / "data" / "test.csv").write_text((f / "data" / "train.csv").read_text()),
        r"test.*train.*accept_leakage|accept_leakage",
    ),
    (lambda f: set_lines(f, line1="text,label", line4="a\x00b,yes"), r"NUL|\\x00"),
    (
        lambda f: (f / "data" / "train.csv").write_text(
            "id,text,label\n" + "".join(f"same,room {n},yes\n" for n in range(9))
        ),
        r"same",
    ),
]


@pytest.mark.parametrize(("damage", "message"), BROKEN_DATA)
def test_broken_data_is_one_clear_message(
    tell: Tell,
    tmp_path: Path,
    checkpoint: Callable[[str], Path],
    damage: Callable[[Path], object],
    message: str,
) -> None:
    write(tmp_path, checkpoint("bert"))
    damage(tmp_path)
    text = tell("validate", "study.yaml")
    assert re.search(message, text.replace("\n", " ")), text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "nowhere.yaml"), r"nowhere\.yaml"),
        (("status", "runs/nothing"), r"no study here"),
        (("results", "runs/nothing"), r"no study here"),
        (("report", "runs/nothing"), r"no study here"),
        (("rnu", "study.yaml"), r"no command 'rnu'\. Did you mean 'run'\?"),
        (("init", "nowhere.csv"), r"nowhere\.csv"),
        (("explain", "lorra"), r"Did you mean 'lora"),
        (("validate", "study.yaml", "--set", "training.epoks=2"), r"epoks.*epochs"),
        (("validate", "study.yaml", "--set", "models=[./nowhere]"), r"nowhere"),
        (("validate", "study.yaml", "--set", "data.source=./nowhere"), r"nowhere"),
    ],
)
def test_a_wrong_word_on_the_command_line_is_one_clear_message(
    tell: Tell,
    tmp_path: Path,
    checkpoint: Callable[[str], Path],
    words: tuple[str, ...],
    message: str,
) -> None:
    write(tmp_path, checkpoint("bert"))
    text = tell(*words)
    assert re.search(message, text.replace("\n", " ")), text


def test_init_drafts_a_study_that_validates_and_never_writes_over_one(
    tell: Tell,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text("\n".join(["text,label", *(f"room {n} is fine,{n % 3}" for n in range(90))]))
    for words in (["init", "reviews.csv"], ["validate", "reviews.yaml"]):
        monkeypatch.setattr(sys, "argv", ["tunewise", *words])
        try:
            main()
        except SystemExit as ended:
            assert not ended.code, capsys.readouterr().err
    assert "is valid" in capsys.readouterr().out
    assert "is there already" in tell("init", "reviews.csv")
