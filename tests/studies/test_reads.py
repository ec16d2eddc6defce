"""Which trials are named by how their model reads, and which keep the names they had."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.studyfile.test_expand import FACTS, expanded

from tunewise.backbones.model import Model
from tunewise.core.errors import InputError
from tunewise.store.identity import trial_id
from tunewise.store.records import IN_CHAT, ContenderRecord
from tunewise.studies.contenders.reads import with_reading
from tunewise.studyfile.contender_records import contender_records
from tunewise.studyfile.studyfile import read_study
from tunewise.tasks.classification import Classification
from tunewise.tasks.question_answering import QuestionAnswering
from tunewise.training.assembly import Parts

METHODS = ["nearest-neighbour", "prompt", "full"]
TASK = Classification(text=("text",), label="label")


def rows_of(**changes: Any) -> list[ContenderRecord]:
    study = {"methods": METHODS, **changes}
    settings = read_study(
        {
            "name": "toy",
            "task": {"kind": "classification", "text": "text", "label": "label"},
            "data": {"source": "reviews.csv"},
            "models": ["bert"],
            **study,
        }
    )
    return contender_records(settings, expanded(**study), FACTS)


def ids(rows: list[ContenderRecord]) -> list[str]:
    return [trial_id(row.points[0].identity, 0) for row in rows]


def message(model: Model, *texts: str, task: Any = TASK, **changes: Any) -> tuple[list[str], Any]:
    """The ids after telling, and the rows."""
    rows = rows_of(**changes)
    splits: Any = {"train": [dict.fromkeys(task.reading.texts, text) for text in texts]}
    rows = with_reading(rows, {"bert": model}, task, splits)
    return ids(rows), rows


def test_ordinary_texts_rename_no_trial(tiny: Callable[..., Model]) -> None:
    assert message(tiny("bert"), "good bed", "[x] <a>", "")[0] == ids(rows_of())


def test_a_special_token_in_a_text_renames_those_that_parsed_it(
    tiny: Callable[..., Model],
) -> None:
    before, after = ids(rows_of()), message(tiny("bert"), "good", "a [SEP] b")[0]
    changed = [one != other for one, other in zip(before, after, strict=True)]
    assert changed == [True, False, True]  # a prompt's texts were text before


def test_a_template_with_special_tokens_renames_what_it_asks(tiny: Callable[..., Model]) -> None:
    methods = [{"prompt": {"template": "[CLS] {text}"}}, "prompt"]
    before = ids(rows_of(methods=methods))
    after = message(tiny("bert"), "good", methods=methods)[0]
    assert [one != other for one, other in zip(before, after, strict=True)] == [True, False]
    task = QuestionAnswering(prompt="[SEP] {context} {question}:")
    before = ids(rows_of(methods=["full"]))
    assert message(tiny("bert"), "good", task=task, methods=["full"])[0] != before
    task = QuestionAnswering()
    assert message(tiny("bert"), "a [SEP]", task=task, methods=["full"])[0] == before


def test_an_encoder_that_is_read_otherwise_renames_its_trials(tiny: Callable[..., Model]) -> None:
    found, rows = message(replace(tiny("bert"), reads="pooled output"), "good")
    assert all(one != other for one, other in zip(found, ids(rows_of()), strict=True))
    assert rows[0].points[0].settings.model.reads == "pooled output"


def test_what_is_not_trained_reads_as_much_of_a_text_as_what_is() -> None:
    for row in rows_of(training={"max_length": 64}):
        settings = row.points[0].settings.with_seed(0)
        settings = replace(settings, task={**settings.task, "labels": ["bad", "good"]})
        assert Parts.of(settings, FACTS).training.max_length == 64  # type: ignore[arg-type]


def test_a_sweep_of_the_limit_is_one_of_every_row() -> None:
    found = expanded(methods=["nearest-neighbour", "full"], training={"max_length": [32, 64]})
    names = [contender.name for contender in found.contenders]
    assert names == [
        "nearest-neighbour max_length=32",
        "nearest-neighbour max_length=64",
        "full max_length=32",
        "full max_length=64",
    ]


def test_without_a_limit_texts_longer_than_the_loop_reads_rename_what_read_them_whole(
    tiny: Callable[..., Model],
) -> None:
    model = replace(tiny("bert"), max_length=4096)
    before = ids(rows_of())
    assert message(model, "a " * 250)[0] == before
    found, rows = message(model, "a " * 260)
    assert [one != other for one, other in zip(found, before, strict=True)] == [True, True, False]
    assert rows[0].points[0].settings.max_length == 512


def test_a_row_may_be_given_a_limit_of_its_own_and_no_other_training() -> None:
    own = [{"nearest-neighbour": {"training": {"max_length": 16}}}]
    (row,) = rows_of(methods=own, training={"max_length": 64})
    assert row.points[0].settings.max_length == 16
    with pytest.raises(InputError, match="no training to set but max_length"):
        rows_of(methods=[{"nearest-neighbour": {"training": {"epochs": 2}}}])
    for wrong in (
        {"methods": [{"nearest-neighbour": {"training": {"max_length": 2}}}]},
        {"training": {"max_length": 2}},
        {"methods": ["nearest-neighbour"], "training": {"max_length": 2}},
    ):
        with pytest.raises(InputError, match="at least 4") as caught:
            rows_of(**wrong)
        assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    ("chat", "template", "renamed"),
    [
        ({}, True, True),  # auto, which once asked plainly
        ({}, False, False),
        ({"chat": "never"}, True, False),
        ({"chat": "always"}, True, False),  # the study's own words name it
        ({"template": "[SEP] {text}"}, True, False),  # a chat by hand
    ],
)
def test_a_prompt_asked_in_a_chat_is_another_trial(
    tiny: Callable[..., Model], chat: dict[str, Any], template: bool, renamed: bool
) -> None:
    model = tiny("bert")
    processor = copy.deepcopy(model.processor)
    processor.chat_template = "{{ messages[-1].content }}" if template else None
    asked = message(replace(model, processor=processor), "good", methods=[{"prompt": chat}])[1]
    (point,) = asked[0].points
    assert point.settings.model is not None
    assert (IN_CHAT in (point.settings.model.reads or "")) is renamed
