"""Paths: of a study file they start where it lies, of the command line where the user stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from tunewise.backbones import sources
from tunewise.core.errors import InputError
from tunewise.data.locate import resolved
from tunewise.data.sources import read_data
from tunewise.studies import prepare
from tunewise.studyfile.settings import StudySettings
from tunewise.studyfile.studyfile import read_study

TEXT = """\
name: toy
task: {kind: classification, text: text, label: label}
data: {source: here.csv, split: {validation: 2}}
models: [bert]
methods: [full]
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study file in one folder, while the user stands in another beside it."""
    for place in ("studies", "stand"):
        (tmp_path / place / "bert").mkdir(parents=True)
        (tmp_path / place / "bert" / "config.json").write_text("{}")
        rows = "".join(f"{place} {n},{n % 2}\n" for n in range(6))
        (tmp_path / place / "here.csv").write_text(f"text,label\n{rows}")
    monkeypatch.chdir(tmp_path / "stand")
    file = tmp_path / "studies" / "study.yaml"
    file.write_text(TEXT)
    return file


def place_of(study: StudySettings) -> str:
    """The folder whose rows are read."""
    rows = read_data(study.data, ("text", "label"), study.base, label="label").splits["train"]
    return str(rows[0]["text"]).split()[0]


def test_a_path_in_the_file_starts_at_the_file(path: Path) -> None:
    assert place_of(read_study(path)) == "studies"
    assert place_of(read_study(Path("../studies/study.yaml"))) == "studies"


@pytest.mark.parametrize(
    "override",
    [
        "data.source=here.csv",
        "data.source=./here.csv",
        "data.source=../stand/here.csv",
        "data={source: here.csv, split: {validation: 2}}",
        "data={files: {train: here.csv, validation: here.csv}}",
    ],
)
def test_a_path_on_the_command_line_starts_where_the_user_stands(path: Path, override: str) -> None:
    study = read_study(path, [override])
    assert place_of(study) == "stand"
    stored = path.with_name("stored.yaml")  # beside the file, as if written for another day
    stored.write_text(study.text)
    assert place_of(read_study(stored)) == "stand"


def test_files_of_a_source_stay_inside_it(path: Path) -> None:
    study = read_study(path, ["data={source: bert, files: {train: a.csv}}"])
    assert study.data.files == {"train": "a.csv"}
    assert resolved(study.data.source or "", study.base).resolve() == Path("bert").resolve()


@pytest.mark.parametrize("name", ["embedded:reviews", "SetFit/sst5", "/data/a.csv", "~/a.csv"])
def test_what_is_no_relative_path_stays(path: Path, name: str) -> None:
    assert read_study(path, [f"data.source={name}"]).data.source == name


def test_where_both_are_one_place_the_path_stays_as_given(path: Path) -> None:
    beside = Path("study.yaml")
    beside.write_text(TEXT)
    assert read_study(beside, ["data.source=./here.csv"]).data.source == "./here.csv"


def asked_for(monkeypatch: pytest.MonkeyPatch, study: StudySettings) -> list[str]:
    """The folders that models are looked for in; the hub must not be asked for any."""
    looked: list[str] = []

    def locate(source: str, revision: str | None = None) -> dict[str, Any]:
        folder = sources.locate(source)
        assert folder is not None, f"a hub would be asked for {source}"
        looked.append(str(folder.resolve().parent.name))
        return {"source": source, "revision": None, "hash": "h"}

    monkeypatch.setattr(prepare, "resolve", locate)
    _, problems = prepare._models(study)
    assert not problems
    return looked


@pytest.fixture
def weights(path: Path) -> None:
    for folder in path.parent.parent.glob("*/bert"):
        save_file({"weight": np.zeros(1, np.float32)}, folder / "model.safetensors")


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize("model", ["./bert", "bert", "../stand/bert"])
def test_a_model_on_the_command_line_is_where_the_user_stands(
    path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    assert asked_for(monkeypatch, read_study(path, [f"models=[{model}]"])) == ["stand"]
    assert asked_for(monkeypatch, read_study(path, [f"models={model}"])) == ["stand"]


@pytest.mark.usefixtures("weights")
def test_a_model_in_the_file_is_where_the_file_lies(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked_for(monkeypatch, read_study(path)) == ["studies"]
    monkeypatch.chdir(path.parent)
    assert asked_for(monkeypatch, read_study(Path("study.yaml"))) == ["studies"]


@pytest.mark.parametrize("model", ["./gone", "../gone", ".", "gone/", "~nobody-here/gone"])
def test_a_folder_that_is_not_there_is_asked_for_at_no_hub(
    path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.setattr(sources, "_snapshot", lambda *_: pytest.fail("asked a hub"))
    for folder in (Path("../studies"), Path()):
        monkeypatch.chdir(folder)
        Path("study.yaml").write_text(TEXT.replace("[bert]", f"['{model}']"))
        for study in (Path("study.yaml"), {**read_study(Path("study.yaml")).given}):
            _, problems = prepare._models(read_study(study))
            assert len(problems) == 1


def test_a_pair_keeps_both_its_folders(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    pair = prepare.from_base("./gone + ./bert", Path())
    assert pair == "./gone + ./bert"


def test_the_folder_of_an_experiment_is_where_the_user_stands(path: Path) -> None:
    folder = Path("experiment")
    folder.mkdir()
    (folder / "adapter_config.json").write_text('{"peft_type": "IA3"}')
    for override in ("methods=[{peft: {folder: experiment}}]",):
        (entry,) = read_study(path, [override]).methods
        assert entry.first["peft_type"] == "IA3"


@pytest.mark.parametrize(
    ("old", "new"),
    [("here.csv", "a" * 300), ("[bert]", f"[x/{'a' * 300}]"), ("here.csv", "~nobody/x.csv")],
)
def test_a_name_that_no_file_can_have_is_refused(path: Path, old: str, new: str) -> None:
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(InputError):
        place_of(read_study(path))
