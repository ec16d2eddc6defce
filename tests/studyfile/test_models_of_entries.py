"""Models of single entries: read, named, held apart, and left out where they cannot work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.tasks.conftest import save_writer

from tunewise.core.errors import InputError
from tunewise.studies.prepare import Prepared, prepare
from tunewise.studyfile.expand import expand
from tunewise.studyfile.settings import StudySettings
from tunewise.studyfile.studyfile import read_study

SMALL = {
    "name": "toy",
    "task": {"kind": "classification", "text": "text", "label": "label"},
    "data": {"source": "embedded:reviews", "limit": {"train": 9, "validation": 6, "test": 6}},
}
ENCODER = "embedded:encoder"


def study(methods: list[Any], models: Any = None, **more: Any) -> StudySettings:
    given = {} if models is None else {"models": models}
    return read_study({**SMALL, "methods": methods, **given, **more})


def rows(settings: StudySettings) -> dict[str, str | None]:
    found = expand(settings).contenders
    return {row.name: str(row.model) if row.model else None for row in found}


def problems(*arguments: Any, **more: Any) -> str:
    with pytest.raises(InputError) as wrong:
        study(*arguments, **more)
    return str(wrong.value)


def test_an_entry_has_the_models_of_the_study_or_its_own() -> None:
    found = rows(study(["tfidf", "head", {"prompt": {"model": "gpt2"}}], ["bert", "roberta"]))
    assert found == {
        "tfidf": None,
        "head on bert": "bert",
        "head on roberta": "roberta",
        "prompt on gpt2": "gpt2",
    }


def test_an_entry_may_have_several_models() -> None:
    found = rows(study([{"lora": {"model": ["bert", "a/gpt2@v1"]}}, "full"], ["bert"]))
    assert found == {"lora on bert": "bert", "lora on gpt2": "a/gpt2@v1", "full on bert": "bert"}


def test_where_every_entry_has_the_same_model_no_name_says_it() -> None:
    assert rows(study([{"lora": {"model": "bert"}}, "full"], ["bert"])) == {
        "lora": "bert",
        "full": "bert",
    }


def test_a_study_whose_entries_name_their_models_needs_none_of_its_own() -> None:
    settings = study([{"head": {"model": "bert"}}, "tfidf"])
    assert rows(settings) == {"head": "bert", "tfidf": None}
    assert {str(model): place for model, place in settings.places.items()} == {
        "bert": "methods.head.model"
    }
    assert "needs 'models', because 'full' adapts one" in problems(
        [{"head": {"model": "b"}}, "full"]
    )


def test_a_pair_of_encoders_is_one_model() -> None:
    pair = {"image": "resnet", "text": "./minilm"}
    task = {"kind": "visual-question-answering", "image": "i", "question": "q", "answer": "a"}
    (row,) = expand(study([{"fusion": {"model": pair}}], task=task)).contenders
    assert str(row.model) == "resnet + ./minilm"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"tfidf": {"model": "bert"}}, "methods.tfidf.model: 'tfidf' uses no model"),
        ({"head": {"model": 3}}, "methods.head.model[0]: found 3"),
        ({"head": {"model": []}}, "methods.head.model: found []"),
        ({"head": {"model": ["bert", "gpt2@"]}}, "methods.head.model[1]: found 'gpt2@'"),
        ({"head": {"models": "bert"}}, "an entry's own models stand under 'model'"),
    ],
)
def test_what_is_no_model(entry: dict[str, Any], words: str) -> None:
    assert words in problems([entry], ["bert"])


def test_the_way_a_model_is_named_makes_no_other_trial() -> None:
    (of_study,) = prepare(study(["head"], [ENCODER])).study.contenders
    (of_entry,) = prepare(study([{"head": {"model": ENCODER}}])).study.contenders
    assert of_study.points[0].identity == of_entry.points[0].identity


def test_a_path_on_the_command_line_starts_where_the_user_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("studies", "stand/bert"):
        (tmp_path / place).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "stand")
    file = tmp_path / "studies" / "study.yaml"
    file.write_text(
        "name: toy\ntask: {kind: classification, text: t, label: l}\ndata: {source: a.csv}\n"
        "methods: [head]\n"
    )
    for words in ("methods.head.model=bert", "methods=[{head: {model: bert}}]"):
        (row,) = expand(read_study(file, [words])).contenders
        assert str(row.model) == "../stand/bert"


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("writer")
    save_writer(folder, n_positions=1024)  # reviews are long where every byte is a token
    return str(folder)


def left_out(prepared: Prepared) -> list[str]:
    return [note for note in prepared.notes if "is left out" in note]


def test_a_pair_that_cannot_work_is_left_out_and_said(writer: str) -> None:
    found = prepare(study(["prompt", "head"], [ENCODER, writer]))
    name = Path(writer).name
    assert [row.name for row in found.study.contenders] == [
        f"prompt on {name}",
        "head on embedded:encoder",
        f"head on {name}",
    ]
    (note,) = left_out(found)
    assert note.startswith("'prompt on embedded:encoder' is left out: it is asked in words")
    assert note in found.study.notes


@pytest.mark.parametrize(
    "methods", [["prompt", "tfidf"], ["tfidf", {"prompt": {"model": ENCODER}}]]
)
def test_a_method_without_any_model_left_is_a_mistake(methods: list[Any]) -> None:
    with pytest.raises(InputError, match="needs a causal language model"):
        prepare(study(methods, [ENCODER]))


def test_a_model_without_any_method_left_is_a_mistake(writer: str) -> None:
    with pytest.raises(InputError, match="prompt on embedded:encoder"):
        prepare(study(["prompt"], [ENCODER, writer]))
