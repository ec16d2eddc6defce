from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.core.canonical import settings_of
from tunewise.core.errors import InputError
from tunewise.methods.base import Adaptation
from tunewise.methods.full import Full
from tunewise.methods.lora import LoRA
from tunewise.store.identity import trial_id
from tunewise.store.records import ModelRecord, TrialSettings
from tunewise.studyfile.contender_records import Facts, contender_records, identity_of
from tunewise.studyfile.expand import Expansion, expand
from tunewise.studyfile.studyfile import read_study

pytestmark = pytest.mark.usefixtures("guess")

FACTS = Facts(
    data_hash="d" * 16,
    task={"labels": ["bad", "good"]},
    models={
        name: ModelRecord(name, None, f"hash of {name}") for name in ("bert", "a/bert", "b/minilm")
    },
)


def study(**changes: Any) -> dict[str, Any]:
    return {
        "name": "toy",
        "task": {"kind": "classification", "text": "text", "label": "label"},
        "data": {"source": "reviews.csv"},
        "models": ["bert"],
        "methods": ["full"],
        **changes,
    }


def expanded(**changes: Any) -> Expansion:
    return expand(read_study(study(**changes)))


def names(**changes: Any) -> list[str]:
    return [contender.name for contender in expanded(**changes).contenders]


def rows(**changes: Any) -> list[dict[str, Any]]:
    settings = read_study(study(**changes))
    return [row.as_json() for row in contender_records(settings, expand(settings), FACTS)]


def test_what_is_learned_is_swept_like_any_training_setting_and_renames_nothing() -> None:
    task = {"kind": "question-answering"}
    assert names(task=task, training={"loss_on": ["answer", "all"]}) == [
        "full loss_on=answer",
        "full loss_on=all",
    ]
    settings = read_study(study(task=task))
    (row,) = contender_records(settings, expand(settings), replace(FACTS, task={}))
    assert "loss_on" not in row.points[0].identity["training"]
    for where in ({"training": {"loss_on": "all"}}, {"search": {"loss_on": ["all", "answer"]}}):
        with pytest.raises(InputError, match="loss_on chooses among tokens of a prompt"):
            read_study(study(**where))


def ids(**changes: Any) -> list[str]:
    return [
        trial_id(point["identity"], seed)
        for row in rows(**changes)
        for point in row["points"]
        for seed in changes.get("seeds", [0])
    ]


def test_a_list_in_a_scalar_setting_makes_a_contender_of_each_value() -> None:
    assert names(methods=["guess", {"lora": {"rank": [1, 16, 256], "alpha": 32}}]) == [
        "guess",
        "lora rank=1",
        "lora rank=16",
        "lora rank=256",
    ]


def test_a_list_in_a_list_setting_is_one_value() -> None:
    one = expanded(methods=[{"lora": {"targets": ["query"]}}]).contenders
    assert [contender.method for contender in one] == [LoRA(targets=("query",))]
    assert names(methods=[{"lora": {"targets": [["query"], ["query", "value"]]}}]) == [
        "lora targets=query",
        "lora targets=query+value",
    ]


def test_sweeps_multiply() -> None:
    found = names(methods=[{"lora": {"rank": [1, 2]}}], training={"epochs": [1, 5]})
    assert found == [
        "lora rank=1 epochs=1",
        "lora rank=1 epochs=5",
        "lora rank=2 epochs=1",
        "lora rank=2 epochs=5",
    ]


def test_a_name_says_which_of_two_settings_it_means() -> None:
    found = names(methods=[{"lora": {"dropout": [0.0, 0.1]}}], training={"dropout": [0.2, 0.3]})
    assert found[0] == "lora dropout=0 training.dropout=0.2"


def test_several_models_stand_in_the_name_and_a_method_without_one_makes_one_row() -> None:
    assert names(models=["a/bert", "b/minilm"], methods=["guess", "full"]) == [
        "guess",
        "full on bert",
        "full on minilm",
    ]


def test_models_of_one_last_name_are_called_by_their_whole_name() -> None:
    assert names(models=["a/bert", "bert"], methods=["full"]) == ["full on a/bert", "full on bert"]


def test_a_study_without_a_model_needs_none() -> None:
    assert names(models=[], methods=["guess"]) == ["guess"]


def test_a_methods_own_training_is_laid_over_the_studys() -> None:
    plain, own = expanded(
        methods=["full", {"full": {"training": {"epochs": 5}, "name": "longer"}}],
        training={"epochs": 2, "batch_size": 8},
    ).contenders
    assert plain.name == "full"
    assert own.name == "longer"
    for contender, epochs in ((plain, 2), (own, 5)):
        training = contender.points[0].training
        assert training is not None
        assert (training.epochs, training.batch_size) == (epochs, 8)


def test_the_default_learning_rate_is_the_methods_own() -> None:
    fixed = {"learning_rate": None}
    for contender in expanded(methods=["full", "lora"], training=fixed).contenders:
        training = contender.points[0].training
        assert training is not None
        assert training.learning_rate == type(contender.method).learning_rate  # type: ignore[attr-defined]  # both are adaptations


def test_the_search_makes_points_and_what_is_fitted_in_one_go_has_one() -> None:
    found = rows(methods=["guess", "full"], search={"learning_rate": [1e-4, 5e-4]})
    assert [len(row["points"]) for row in found] == [1, 2]
    assert [row["search"] for row in found] == [[], ["training.learning_rate"]]
    assert [point["point"] for point in found[1]["points"]] == [
        {"training.learning_rate": 1e-4},
        {"training.learning_rate": 5e-4},
    ]


def test_a_search_leaves_the_values_it_does_not_choose() -> None:
    found = rows(training={"epochs": 5}, search={"learning_rate": [1e-4]})
    training = found[0]["points"][0]["settings"]["training"]
    assert (training["epochs"], training["learning_rate"]) == (5, 1e-4)


def test_search_values_may_differ_by_method() -> None:
    full, lora = rows(
        methods=["full", "lora"],
        search={"learning_rate": {"full": [1e-5, 3e-5], "lora": [1e-4, 3e-4]}},
    )
    assert [p["point"]["training.learning_rate"] for p in full["points"]] == [1e-5, 3e-5]
    assert [p["point"]["training.learning_rate"] for p in lora["points"]] == [1e-4, 3e-4]


@pytest.mark.parametrize(
    "said", [{}, {"training": {"learning_rate": "auto"}}, {"search": {"learning_rate": "auto"}}]
)
def test_rates_are_measured_where_nothing_else_is_said(said: dict[str, Any]) -> None:
    """Five around each method's own default, and two more on either side for a best at an edge."""
    for row in expanded(methods=["full", "lora"], **said).contenders:
        rates = [point.chosen["training.learning_rate"] for point in row.points]
        assert isinstance(row.method, Adaptation)
        assert (len(rates), rates[4]) == (9, row.method.learning_rate)
        assert row.rates is not None


def test_points_of_another_search_have_the_methods_own_rate() -> None:
    (row,) = expanded(methods=["full"], search={"batch_size": [8, 16]}).contenders
    assert row.rates is None
    rates = [point.training.learning_rate for point in row.points if point.training]
    assert rates == [Full.learning_rate] * 2
    with pytest.raises(InputError, match="which is a search of its own"):
        expanded(methods=["full"], search={"batch_size": [8, 16], "learning_rate": "auto"})


def test_a_methods_own_setting_can_be_searched_and_the_larger_budget_is_noted() -> None:
    expansion = expanded(
        methods=["full", "lora"], training={"learning_rate": None}, search={"rank": [4, 8]}
    )
    assert [len(contender.points) for contender in expansion.contenders] == [1, 2]
    assert "rank" not in expansion.contenders[1].settings()
    assert expansion.notes == (
        "search: 'lora' is tuned over 2 points, 'full' over 1: the first has the larger budget.",
    )


def test_a_setting_of_two_parts_is_searched_by_its_section() -> None:
    found = rows(methods=["lora"], search={"lora.dropout": [0.1], "training.dropout": [0.2]})
    settings = found[0]["points"][0]["settings"]
    assert settings["method"]["settings"]["dropout"] == 0.1
    assert settings["training"]["dropout"] == 0.2


def test_the_same_contender_twice_is_run_once_and_stated() -> None:
    expansion = expanded(methods=["full", {"lora": {"rank": 8}}, "lora"])
    assert [contender.name for contender in expansion.contenders] == ["full", "lora"]
    assert expansion.notes == ("methods.lora: the same contender as methods.lora; it is run once.",)


def test_the_same_point_twice_is_tried_once_and_stated() -> None:
    expansion = expanded(search={"learning_rate": [1e-4, 1e-4, 5e-4]})
    assert len(expansion.contenders[0].points) == 2
    assert expansion.notes == ("methods.full: a search point stands twice and is tried once.",)


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        (
            [{"lora": {"name": "ours", "rank": 4}}, {"lora": {"name": "ours", "rank": 8}}],
            "'ours' is also the name of methods.lora, which is set otherwise",
        ),
        (
            [{"lora": {"name": "Full"}}, "full"],
            "'full' and 'Full' (methods.lora) differ only by case or Unicode form",
        ),
        (
            [{"lora": {"name": "caf\u00e9"}}, {"full": {"name": "cafe\u0301"}}],
            "differ only by case or Unicode form",
        ),
        ([{"lora": {"name": "full"}}, "full"], "'full' is also the name of methods.lora"),
    ],
)
def test_contenders_that_cannot_be_distinguished_by_name_are_refused(
    methods: list[Any], words: str
) -> None:
    with pytest.raises(InputError) as caught:
        expanded(methods=methods)
    assert words in str(caught.value)


def test_a_row_holds_what_a_trial_needs() -> None:
    fixed = {"learning_rate": LoRA.learning_rate}
    (row,) = rows(methods=[{"lora": {"rank": 4}}], training=fixed, seeds=[0, 1])
    (point,) = row["points"]
    assert {key: value for key, value in row.items() if key != "points"} == {
        "name": "lora",
        "model": "bert",
        "method": "lora",
        "settings": settings_of(LoRA(rank=4)),
        "seeded": True,
        "trained": True,
        "search": [],
        "parameters": None,
        "features": None,
        "own_training": [],
    }
    assert point["settings"]["task"] == {
        "kind": "classification",
        "text": ["text"],
        "label": "label",
        "labels": ["bad", "good"],
        "metrics": ["accuracy", "f1_macro"],
        "pooling": "auto",
    }
    assert point["settings"]["data"] == {"hash": "d" * 16}
    assert point["settings"]["model"] == FACTS.models["bert"].as_json()
    assert point["settings"]["method"] == {
        "name": "lora",
        "version": 2,
        "settings": row["settings"],
    }
    assert point["settings"]["training"]["learning_rate"] == LoRA.learning_rate


def test_a_row_of_a_method_without_model_and_training_says_so() -> None:
    (row,) = rows(methods=["guess"])
    assert (row["model"], row["trained"], row["seeded"]) == (None, False, False)
    assert row["points"][0]["settings"]["model"] is None
    assert row["points"][0]["settings"]["training"] == {}


def test_a_written_default_makes_no_other_trial() -> None:
    written = ids(
        methods=[{"lora": {"rank": 8, "alpha": 16}}],
        training={"epochs": "auto", "learning_rate": LoRA.learning_rate},
    )
    assert written == ids(methods=["lora"], training={"learning_rate": None})


def test_defaults_are_no_part_of_an_id() -> None:
    training = {"epochs": 5, "learning_rate": None}
    (row,) = rows(methods=[{"lora": {"rank": 4}}], training=training)
    assert row["points"][0]["identity"] == {
        "task": {
            "kind": "classification",
            "version": 2,
            "text": ["text"],
            "label": "label",
            "labels": ["bad", "good"],
        },
        "data": {"hash": "d" * 16},
        "model": {"hash": "hash of bert"},
        "method": {"name": "lora", "version": 2, "settings": {"rank": 4}},
        "training": {"version": 2, "epochs": 5, "learning_rate": LoRA.learning_rate},
    }


def test_a_higher_version_makes_another_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed = {"learning_rate": None}
    before = ids(methods=["full", "lora"], training=fixed)
    monkeypatch.setattr(LoRA, "version", 3)
    after = ids(methods=["full", "lora"], training=fixed)
    assert before[0] == after[0]
    assert before[1] != after[1]


SWEEP = st.lists(st.integers(1, 300), min_size=1, max_size=3, unique=True)
RATES = st.lists(st.floats(1e-6, 0.1), min_size=1, max_size=3, unique=True)


def test_a_model_whose_content_changed_shares_no_trial_with_the_one_before() -> None:
    """A study that goes on after its base model moved runs anew; it never mixes the two."""
    settings = read_study(study(methods=["full", "lora"], training={"learning_rate": None}))
    moved = {"bert": replace(FACTS.models["bert"], hash="of other weights")}
    before, after = (
        {
            trial_id(point.identity, 0)
            for row in contender_records(settings, expand(settings), facts)
            for point in row.points
        }
        for facts in (FACTS, replace(FACTS, models=moved))
    )
    assert (len(before), len(after), before & after) == (2, 2, set())


@given(rank=SWEEP, rates=RATES, epochs=SWEEP)
def test_the_study_survives_json_with_the_same_ids(
    rank: list[int], rates: list[float], epochs: list[int]
) -> None:
    changes = {
        "methods": ["guess", {"lora": {"rank": rank}}, "full"],
        "training": {"epochs": epochs},
        "search": {"learning_rate": rates},
    }
    made = rows(**changes)
    stored = json.loads(json.dumps(made))
    assert stored == made
    assert [p["identity"] for r in made for p in r["points"]] == [
        identity_of(TrialSettings.from_json(p["settings"])) for r in stored for p in r["points"]
    ]
    again = json.loads(json.dumps(dict(read_study(study(**changes)).given)))
    assert rows(**{key: again[key] for key in changes}) == made
