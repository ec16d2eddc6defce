from __future__ import annotations

from pathlib import Path

import pytest

from tunewise.core.errors import InputError
from tunewise.studyfile.reading import read_text
from tunewise.studyfile.settings import StudySettings
from tunewise.studyfile.studyfile import read_study

pytestmark = pytest.mark.usefixtures("guess")

TEXT = """\
name: toy   # a comment
task: {kind: classification, text: text, label: label}
data: {source: reviews.csv}
models: [bert]
methods: [full, lora: {rank: 8}, lora: {rank: 2, name: small}]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "study.yaml"
    file.write_text(TEXT, encoding="utf-8")
    return file


def complaint(path: Path, *overrides: str) -> str:
    with pytest.raises(InputError) as caught:
        read_study(path, overrides)
    return str(caught.value)


def ranks(study: StudySettings) -> list[tuple[int, ...] | None]:
    return [entry.settings.get("rank") for entry in study.methods]


def test_a_value_is_read_as_yaml(path: Path) -> None:
    study = read_study(path, ["training.learning_rate=1e-4", "models=[a, b]", "seeds=[0, 1]"])
    assert study.methods[0].training == {"learning_rate": (1e-4,)}
    assert [str(model) for model in study.models] == ["a", "b"]
    assert study.seeds == (0, 1)


def test_a_later_value_wins(path: Path) -> None:
    assert read_study(path, ["name=a", "name=b"]).name == "b"


def test_a_method_is_meant_by_its_name_in_every_entry(path: Path) -> None:
    assert ranks(read_study(path, ["methods.lora.rank=4"])) == [None, (4,), (4,)]
    assert ranks(read_study(path, ["methods.small.rank=4"])) == [None, (8,), (4,)]


def test_an_entry_that_is_a_word_gets_settings(path: Path) -> None:
    study = read_study(path, ["methods.full.training.epochs=7"])
    assert study.methods[0].training == {"epochs": (7,)}


def test_what_is_stored_is_the_study_after_its_overrides(path: Path) -> None:
    assert read_study(path).text == TEXT
    changed = read_study(path, ["training.epochs=7", "methods.small.rank=4"])
    again = read_text(changed.text, name="study.yaml")
    assert again.values == changed.given
    assert again.values["training"] == {"epochs": 7}


def test_a_mistake_is_shown_where_it_was_made(path: Path) -> None:
    assert complaint(path, "training.epochs=none", "methods.lora.rank=0").splitlines() == [
        "--set training.epochs: found 'none': a whole number or auto.",
        "--set methods.lora.rank: found 0: a whole number from 1 up.",
    ]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (
            "trainin.epochs=1",
            "--set trainin.epochs: unknown setting of a study 'trainin'. Did you mean 'training'?",
        ),
        (
            "training.epoch=1",
            "--set training.epoch: unknown setting of training 'epoch'. Did you mean 'epochs'?",
        ),
        ("training.lr=1", "--set training.lr: 'lr' is called 'learning_rate' here."),
        (
            "methods.lorra.rank=1",
            "--set methods.lorra.rank: unknown method of this study 'lorra'. Did you mean 'lora'?",
        ),
        ("training.epochs", "--set training.epochs: a setting and its value, such as"),
        ("=1", "--set =1: a setting and its value, such as"),
        ("a..b=1", "--set a..b=1: a setting and its value, such as"),
        ("name.first=1", "--set name.first=1: 'first' would stand inside a value that has no"),
        ("models.first=1", "--set models.first=1: 'first' would stand inside a value"),
        ("seeds=[0", "--set seeds:1: not readable as YAML"),
        ("training={epochs: 1, epochs: 2}", "--set training:1: the key 'epochs' stands twice"),
    ],
)
def test_an_override_that_goes_nowhere_says_so(path: Path, override: str, words: str) -> None:
    assert complaint(path, override).startswith(words)


def test_overrides_serve_studies_from_python_too(path: Path) -> None:
    given = dict(read_study(path).given)
    assert read_study(given, ["training.epochs=7"]).methods[0].training == {"epochs": (7,)}
