"""From unknown data to a study file that can be read back."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from tests.exports import EXPORTS

from benchmarks import messy_exports
from tunewise.core.errors import InputError
from tunewise.data.cleaning.rules import CleanRules
from tunewise.data.column_guess import Wishes
from tunewise.data.first_look.evidence import predictability
from tunewise.data.inspect import Guess, look
from tunewise.data.settings import DataSettings, SplitRule
from tunewise.data.sources import read_data
from tunewise.data.study_template import quoted, study_name, write_study
from tunewise.studyfile.studyfile import read_study

MESSY = EXPORTS | {
    name: (one.write, one.texts, one.label) for name, one in messy_exports.EXPORTS.items()
}
NOUNS = ("film", "room", "meal", "book", "train", "song", "coat", "boat", "lamp", "road", "tree")


def review(number: int) -> str:
    noun, other = NOUNS[number % 11], NOUNS[number // 11 % 11]
    return f"number {number} is about a {noun} and says nothing of any {other} at all, {number * 7}"


def rows(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {"text": review(at), "label": ("bad", "good", "fine")[at % 3]}
        for at in range(start, start + count)
    ]


def jsonl(path: Path, content: Sequence[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
    return path


def read_back(guess: Guess, base: Path) -> dict[str, Any]:
    """The study file as YAML 1.2 reads it, with its data settings checked and its data read."""
    study: dict[str, Any] = YAML(typ="safe").load(write_study(guess))
    data = dict(study["data"])
    if "split" in data:
        rule = dict(data["split"])
        data["split"] = SplitRule(**{"from_" if key == "from" else key: rule[key] for key in rule})
    if "clean" in data:
        data["clean"] = CleanRules(**data["clean"])
    assert DataSettings(**data) == guess.settings
    text = study["task"]["text"]
    assert ((text,) if isinstance(text, str) else tuple(text)) == guess.texts
    assert study["task"]["label"] == guess.label
    columns = [*guess.texts, guess.label]
    found = read_data(DataSettings(**data), columns, base, texts=guess.texts, label=guess.label)
    assert {name: len(part) for name, part in found.splits.items()} == guess.rows
    return study


def test_a_single_file_is_cut_in_three(tmp_path: Path) -> None:
    lines = ["id,review text,stars,source"]
    lines += [f'{at},"{review(at)}",{at % 5 + 1},{("web", "app")[at % 2]}' for at in range(300)]
    (tmp_path / "my reviews.csv").write_text("\n".join(lines))
    guess = look("my reviews.csv", tmp_path)
    assert (guess.texts, guess.label) == (("review text",), "stars")
    assert guess.options == ("1", "2", "3", "4", "5")
    assert guess.rows == {"train": 180, "validation": 60, "test": 60}
    study = read_back(guess, tmp_path)
    assert study["name"] == "my-reviews"
    assert study["methods"] == [
        "majority",
        "tfidf",
        "head",
        {"lora": {"rank": 8}},
        "full",
    ]
    assert any("it could also be: 'source'" in reason for reason in guess.reasons)


def test_a_folder_with_splits_is_taken_as_it_is(tmp_path: Path) -> None:
    for name, start in (("train", 0), ("dev", 60), ("test", 90)):
        jsonl(tmp_path / "d" / f"{name}.jsonl", rows(30, start))
    guess = look("d", tmp_path)
    assert guess.settings == DataSettings(source="d")
    assert guess.counts["train"] == {"bad": 10, "fine": 10, "good": 10}
    read_back(guess, tmp_path)


def test_splits_that_are_missing_are_cut(tmp_path: Path) -> None:
    jsonl(tmp_path / "a" / "train.jsonl", rows(100))
    jsonl(tmp_path / "a" / "test.jsonl", rows(30, 100))
    assert look("a", tmp_path).settings.split == SplitRule(validation=0.2)
    jsonl(tmp_path / "b" / "train.jsonl", rows(100))
    jsonl(tmp_path / "b" / "validation.jsonl", rows(30, 100))
    assert look("b", tmp_path).settings.split == SplitRule(test=0.2)
    jsonl(tmp_path / "b" / "validation.jsonl", rows(1200, 100))
    guess = look("b", tmp_path)
    assert guess.settings.split == SplitRule(from_="validation", test=0.5)
    read_back(guess, tmp_path)


def test_files_are_known_by_parts_of_their_names(tmp_path: Path) -> None:
    jsonl(tmp_path / "d" / "train_small.jsonl", rows(30))
    jsonl(tmp_path / "d" / "train_all.jsonl", rows(60))
    jsonl(tmp_path / "d" / "films-dev.jsonl", rows(30, 60))
    jsonl(tmp_path / "d" / "films-test.jsonl", rows(30, 90))
    guess = look("d", tmp_path)
    assert guess.settings.files == {
        "train": "train_all.jsonl",
        "validation": "films-dev.jsonl",
        "test": "films-test.jsonl",
    }
    assert "train_all.jsonl serves as train by its name; not train_small.jsonl." in guess.reasons
    read_back(guess, tmp_path)


def test_pairs_are_known_by_their_names_and_kept_together_by_passage(tmp_path: Path) -> None:
    content = [
        {
            "question": f"is number {at} an even one",
            "passage": review(at // 3),
            "answer": at % 2 == 0,
        }
        for at in range(300)
    ]
    jsonl(tmp_path / "pairs.jsonl", content)
    guess = look("pairs.jsonl", tmp_path)
    assert guess.texts == ("question", "passage")
    assert guess.settings.split is not None
    assert guess.settings.split.group == "passage"
    read_back(guess, tmp_path)


def test_rows_without_a_label_are_dropped_openly(tmp_path: Path) -> None:
    jsonl(tmp_path / "d.jsonl", [*rows(90), *({"text": review(at)} for at in range(90, 95))])
    guess = look("d.jsonl", tmp_path)
    assert guess.settings.clean == CleanRules(empty="drop")
    assert any("5 without a text or a label" in warning for warning in guess.warnings)
    assert "    empty: drop" in write_study(guess)
    read_back(guess, tmp_path)


def test_numbers_below_zero_are_written_down_as_names(tmp_path: Path) -> None:
    jsonl(tmp_path / "d.jsonl", [{"text": review(at), "polarity": at % 3 - 1} for at in range(90)])
    guess = look("d.jsonl", tmp_path)
    assert guess.options == ("-1", "0", "1")
    assert read_back(guess, tmp_path)["task"]["labels"] == ["-1", "0", "1"]


def test_what_would_stop_the_study_stands_in_the_draft(tmp_path: Path) -> None:
    for name in ("train", "validation", "test"):
        jsonl(tmp_path / "d" / f"{name}.jsonl", rows(60))
    draft = write_study(look("d", tmp_path))
    assert "TO SETTLE before it runs: data: test: 60 rows (100.0%)" in draft
    assert "# accept_leakage:" in draft


def test_embedded_data_are_looked_at_too(tmp_path: Path) -> None:
    read_back(look("embedded:questions", tmp_path), tmp_path)


def test_a_draft_is_a_valid_study_file(tmp_path: Path) -> None:
    jsonl(tmp_path / "my data.jsonl", [{**row, "no: label?": "x"} for row in rows(90)])
    jsonl(tmp_path / "ratings.jsonl", [{"text": review(at), "y": at % 3 - 1} for at in range(90)])
    for source in ("my data.jsonl", "ratings.jsonl", "embedded:questions"):
        guess = look(source, tmp_path)
        (tmp_path / "study.yaml").write_text(write_study(guess), encoding="utf-8")
        study = read_study(tmp_path / "study.yaml")
        assert study.data == guess.settings
        task: Any = study.task
        assert (task.text, task.label) == (guess.texts, guess.label)
        assert task.labels == guess.names
        assert len(study.methods) == 5


# Messy exports


@pytest.mark.parametrize("name", MESSY)
def test_a_messy_export_becomes_a_study_that_runs(tmp_path: Path, name: str) -> None:
    make, texts, label = MESSY[name]
    if name in {"workbook", "survey"}:
        pytest.importorskip("openpyxl")
    path = make(tmp_path)
    guess = look(path.name, tmp_path)
    combine = guess.settings.combine or {}
    assert tuple(combine.get(guess.texts[0], guess.texts)) == texts
    assert guess.label == label
    assert guess.problems == ()
    (tmp_path / "study.yaml").write_text(write_study(guess), encoding="utf-8")
    study = read_study(tmp_path / "study.yaml")
    assert study.data == guess.settings
    data = read_data(study.data, [*guess.texts, label], tmp_path, texts=guess.texts, label=label)
    assert {split: len(rows) for split, rows in data.splits.items()} == guess.rows
    assert study.allowance is not None and study.allowance.seconds in (120, 300, 600)
    assert study.seeds == tuple(range(10))  # those that a race may come to


def test_what_a_person_says_decides(tmp_path: Path) -> None:
    path = EXPORTS["tickets"][0](tmp_path)
    wishes = Wishes(texts=("body",), label="priority", group="created_at", drop=("subject",))
    guess = look(path.name, tmp_path, wishes)
    assert (guess.texts, guess.label, guess.settings.combine) == (("body",), "priority", None)
    assert guess.settings.split is not None
    assert guess.settings.split.group == "created_at"
    with pytest.raises(InputError, match=r"--label: no column 'teem'\. Did you mean 'team'"):
        look(path.name, tmp_path, Wishes(label="teem"))


def test_a_person_is_asked_where_two_columns_could_be_the_label(tmp_path: Path) -> None:
    content = [{**row, "also": row["label"].upper()} for row in rows(90)]
    content = [{"text": row["text"], "one": row["label"], "also": row["also"]} for row in content]
    jsonl(tmp_path / "d.jsonl", content)
    asked: list[Sequence[str]] = []

    def ask(question: str, options: Sequence[str], assumed: str) -> str:
        asked.append(options)
        return "also"

    assert look("d.jsonl", tmp_path, Wishes(ask=ask)).label == "also"
    assert sorted(asked[0]) == ["also", "one"]


# What the words tell


def test_slips_in_a_label_do_not_hide_that_the_words_tell_it() -> None:
    labels = [("good", "bad")[at % 2] for at in range(300)]
    texts = [f"{label} film with number {at}" for at, label in enumerate(labels)]
    for at, slip in zip(range(0, 60, 10), ("n/a", "goood", "baad") * 2, strict=True):
        labels[at] = slip
    assert predictability(texts, labels) > 0.95
    shuffled = random.Random(0).sample(labels, len(labels))
    assert predictability(texts, shuffled) < 0.2


def test_dates_are_a_label_where_nothing_else_could_be(tmp_path: Path) -> None:
    dated = [{"text": review(at), "quarter": f"2025-0{1 + at % 3}-01"} for at in range(90)]
    jsonl(tmp_path / "d.jsonl", dated)
    assert look("d.jsonl", tmp_path).label == "quarter"
    jsonl(
        tmp_path / "e.jsonl",
        [{**row, "moved": ("yes", "no")[len(row["text"]) % 2]} for row in dated],
    )
    assert look("e.jsonl", tmp_path).label == "moved"


def test_several_labels_of_a_row_are_noticed(tmp_path: Path) -> None:
    joined = ("a", "a,b", "b", "b, c", "c")
    jsonl(tmp_path / "d.jsonl", [{"text": review(at), "label": joined[at % 5]} for at in range(90)])
    assert "several labels, such as 'a,b'" in look("d.jsonl", tmp_path).warnings[0]
    places = ("Paris, France", "Lyon, France", "Bonn, Germany")
    jsonl(tmp_path / "e.jsonl", [{"text": review(at), "label": places[at % 3]} for at in range(90)])
    assert "several labels" not in " ".join(look("e.jsonl", tmp_path).warnings)


# What is no classification of texts


def refused(path: Path, content: Sequence[dict[str, Any]]) -> str:
    jsonl(path / "d.jsonl", content)
    with pytest.raises(InputError) as caught:
        look("d.jsonl", path)
    return str(caught.value)


def test_other_tasks_are_named(tmp_path: Path) -> None:
    vqa = [{"question": "what", "answer": "desk", "image_id": f"i{at}"} for at in range(9)]
    assert "visual question answering" in refused(tmp_path, vqa)
    regression = [{"text": review(at), "score": at / 7} for at in range(1, 50)]
    assert "predicting a number is no classification" in refused(tmp_path, regression)


def spans(count: int) -> list[dict[str, Any]]:
    """Two questions on each context."""
    return [
        {
            "id": f"q{at}",
            "context": f"{review(at // 2)} {at // 2}",
            "question": f"{review(at)}?",
            "answers": {"text": ["about a"], "answer_start": [review(at // 2).index("about a")]},
        }
        for at in range(count)
    ]


def test_spans_of_a_context_are_question_answering(tmp_path: Path) -> None:
    jsonl(tmp_path / "d.jsonl", spans(200))
    guess = look("d.jsonl", tmp_path)
    assert guess.kind == "question-answering"
    assert guess.settings.split == SplitRule(train=0.6, validation=0.2, test=0.2, group="context")
    (tmp_path / "study.yaml").write_text(write_study(guess))
    study = read_study(tmp_path / "study.yaml")
    assert study.task.name == "question-answering"
    assert [entry.method for entry in study.methods] == ["untuned", "lora", "full"]
    data = read_data(study.data, study.task.reading.columns, tmp_path)
    assert {name: len(rows) for name, rows in data.splits.items()} == guess.rows
    by_split = [{row["context"] for row in rows} for rows in data.splits.values()]
    assert sum(map(len, by_split)) == len(set().union(*by_split)) == 100  # no context twice


def test_spans_out_of_place_are_an_error_with_their_ids(tmp_path: Path) -> None:
    wrong = spans(40)
    wrong[7]["answers"]["answer_start"] = [3]
    assert "ids q7" in refused(tmp_path, wrong)


def test_too_many_classes_are_no_classes(tmp_path: Path) -> None:
    many = [{"text": review(at), "label": f"class {at // 2}"} for at in range(5000)]
    message = refused(tmp_path, many)
    assert "'label' (text, 2,500 different values" in message
    assert "too many different values for 5,000 rows to be classes (at most 300" in message


def test_data_without_label_or_text_say_what_was_found(tmp_path: Path) -> None:
    assert "no column could be a label" in refused(tmp_path, [{"text": review(1)}] * 20)
    dated = [{"text": review(at), "month": f"2025-0{1 + at % 3}"} for at in range(20)]
    assert "tunewise init d.jsonl --label month" in refused(tmp_path, dated)
    assert "there is nothing to decide" in refused(tmp_path, [{"text": "a", "label": "x"}] * 20)
    numbers = [{"a": at % 2, "b": at} for at in range(50)]
    assert "no column holds texts to classify" in refused(tmp_path, numbers)


# Hostile names


STRANGE = ["no", "1", "a: b", "- x", "#", "{", "'", '"', ".nan", "~", "é 👩‍👧", "a\nb: c", "\u2028"]
NAMES = st.sampled_from(STRANGE) | (
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=NAMES, label=NAMES)
def test_any_column_name_survives_the_study_file(tmp_path: Path, text: str, label: str) -> None:
    names = {text, label}
    if len(names) < 2 or names & {"_place", "id"}:
        return
    content = [{text: review(at), label: ("bad", "good")[at % 2]} for at in range(40)]
    jsonl(tmp_path / "d.jsonl", content)
    try:
        guess = look("d.jsonl", tmp_path)
    except InputError:
        return  # such as a text column that is called "id"
    read_back(guess, tmp_path)


@given(NAMES)
def test_quoted_text_is_that_text_to_yaml(text: str) -> None:
    assert YAML(typ="safe").load(f"{{a: {quoted(text)}}}") == {"a": text}


@given(NAMES)
def test_a_study_name_is_a_folder_name(text: str) -> None:
    name = study_name(text)
    assert name
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert set(name) != {"."}


@pytest.mark.real
@pytest.mark.parametrize(
    ("source", "texts", "options"),
    [
        ("sst5", ("text",), 5),
        ("tweeteval-emotion", ("text",), 4),
        ("boolq", ("question", "passage"), 2),
        ("boolq/validation.jsonl", ("question", "passage"), 2),
        ("boolq/train_questions_only.jsonl", ("question",), 2),
    ],
)
def test_real_data_are_recognised(
    real_data: Path, source: str, texts: tuple[str, ...], options: int
) -> None:
    guess = look(source, real_data)
    assert (guess.texts, len(guess.options), guess.problems) == (texts, options, ())
    read_back(guess, real_data)


@pytest.mark.real
def test_real_questions_with_spans_are_recognised(real_data: Path) -> None:
    guess = look("squad", real_data)
    assert guess.kind == "question-answering"
    assert guess.rows["train"] == 4000
    assert sum(guess.rows.values()) == 4000 + 6395
    assert guess.problems == ()


@pytest.mark.real
@pytest.mark.parametrize("source", ["daquar", "gpt2-tokenizer"])
def test_real_data_of_other_tasks_are_refused(real_data: Path, source: str) -> None:
    with pytest.raises(InputError):
        look(source, real_data)


def test_nothing_is_said_of_other_texts_where_all_are_taken(tmp_path: Path) -> None:
    lines = [
        f"the room was quite warm {n},a long tale of a stay in this house {n},{'ab'[n % 2]}"
        for n in range(60)
    ]
    (tmp_path / "two.csv").write_text("\n".join(["title,body,label", *lines]))
    (reason,) = [one for one in look("two.csv", tmp_path).reasons if "put together" in one]
    assert reason == "The text is put together of 'title' and 'body'."
