"""``tunewise init`` proposes models, and takes those that are named."""

from __future__ import annotations

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
