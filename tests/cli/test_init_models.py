"""``tunewise init`` proposes models, and takes those that are named."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.commands import Run
from tests.data.test_inspect import review

from tunewise.studyfile.studyfile import read_study

Checkpoint = Callable[[str], Path]


@pytest.fixture
def place(tmp_path: Path, checkpoint: Checkpoint) -> Path:
    lines = [f'"{review(at)}",{("bad", "good")[at % 2]}' for at in range(120)]
    (tmp_path / "reviews.csv").write_text("\n".join(["text,label", *lines]))
    shutil.copytree(checkpoint("bert"), tmp_path / "tiny")
    return tmp_path


def test_models_of_several_sizes_are_proposed_and_the_embedded_one_is_owned_up(
    tunewise: Run, place: Path
) -> None:
    ended = tunewise("init", "reviews.csv", cwd=place)
    assert ended.returncode == 0, ended.stderr
    told = " ".join(ended.stderr.split())
    assert "knows nothing but its own invented world" in told
    assert "Language: English." in told
    assert "sentence-transformers/all-MiniLM-L6-v2 22.7 M" in told
    written = (place / "reviews.yaml").read_text()
    assert "# models: [sentence-transformers/all-MiniLM-L6-v2]" in written
    assert "models: [embedded:encoder]" in written
    table = ended.stderr[ended.stderr.index("embedded:encoder comes") :]
    assert all(len(line) <= 80 for line in table[: table.index("Check it")].splitlines())


def test_several_models_are_taken_as_they_are_named(tunewise: Run, place: Path) -> None:
    words = ("init", "reviews.csv", "--models", "embedded:encoder", "tiny", "gpt2", "--force")
    ended = tunewise(*words, cwd=place)
    assert ended.returncode == 0, ended.stderr
    study = read_study(place / "reviews.yaml")
    assert [str(model) for model in study.models] == ["embedded:encoder", "./tiny", "gpt2"]
    (place / "studies").mkdir()
    ended = tunewise(*words, "--out", "studies/a.yaml", cwd=place)
    assert ended.returncode == 0, ended.stderr
    named = [model.source for model in read_study(place / "studies" / "a.yaml").models]
    assert named == ["embedded:encoder", str((place / "tiny").resolve()), "gpt2"]


def test_a_model_that_is_none_or_reads_another_language_is_told(tunewise: Run, place: Path) -> None:
    ended = tunewise("init", "reviews.csv", "--models", "./tinny", cwd=place)
    assert ended.returncode == 2
    assert "Did you mean 'tiny'" in ended.stderr
    assert not (place / "reviews.yaml").exists()
    ended = tunewise("init", "reviews.csv", "--models", "bert-base-german-cased", cwd=place)
    assert "pretrained on German, not on English" in " ".join(ended.stderr.split())


def test_the_command_that_takes_a_model_writes_the_same_study_with_it(
    tunewise: Run, place: Path
) -> None:
    texts = [review(at) for at in range(120)]
    lines = [f'"{text}","{text[::-1]}",{at % 2},{at % 3}' for at, text in enumerate(texts)]
    (place / "my reviews.csv").write_text("\n".join(["text,other text,label,stars", *lines]))
    words = ("--text", "text", "--label", "stars", "--drop", "other text", "--out", "a.yaml")
    ended = tunewise("init", "my reviews.csv", *words, cwd=place)
    assert ended.returncode == 0, ended.stderr
    first = (place / "a.yaml").read_text()
    (line,) = (line for line in ended.stderr.splitlines() if line.startswith("To take one: "))
    again = tunewise(*shlex.split(line.removeprefix("To take one: "))[1:], cwd=place)
    assert again.returncode == 0, again.stderr
    taken = "models: [sentence-transformers/all-MiniLM-L6-v2]"
    settings = [line for line in first.splitlines() if not line.startswith("#")]
    for line in settings:
        kept = "embedded:encoder" not in line and "budget" not in line
        assert not kept or line in (place / "a.yaml").read_text(), line
    assert taken in (place / "a.yaml").read_text()
