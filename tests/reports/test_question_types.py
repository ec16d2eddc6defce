"""Types of questions: all of a taxonomy, counted, scored and tested, with likely reasons."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.reports.conftest import Seen
from tests.reports.fabricate import Invented, Plan, fabricate

from tunewise.analysis import question_types
from tunewise.analysis.facts import Facts
from tunewise.analysis.gather import gather
from tunewise.analysis.question_types import SOURCES, ByType, by_type
from tunewise.analysis.slices import sliced
from tunewise.data.question_types import TAXONOMIES
from tunewise.reports.sections.slices import _text
from tunewise.statistics.paired import mcnemar_of
from tunewise.store.records import ModelRecord
from tunewise.store.study import StudyFolder

TYPES = ("object", "number", "color", "location")
COUNTED = {"train": (30, 700, 270, 0), "validation": (20, 20, 20, 0), "test": (100, 100, 100, 0)}
MODEL = "embedded:picture-encoder + sentence-transformers/all-MiniLM-L6-v2"
RECORDED = {"source": MODEL, "revision": " + 1fd2c0e", "hash": "h"}
PLAN = Plan(
    seeds=(0,),
    epochs=1,
    validation=60,
    test=300,
    slices=("kind",),
    kinds=TYPES[:3],
    contenders=(
        Invented("majority", "majority", (-1.0,), 0.01, trained=False),
        Invented("words", "fusion", (0.0,), 1.0, settings={"inputs": "question", "width": 4}),
        Invented("both", "fusion", (1.5,), 1.0, settings={"inputs": "both", "width": 4}),
    ),
)


OTHER = "./images + ./words"
TWO_PAIRS = replace(
    PLAN,
    contenders=(
        Invented("near", "nearest-neighbour", (1.5,), 0.01, trained=False),
        Invented("fusion on one", "fusion", (1.4,), 1.0),
        Invented("last-layers on one", "last-layers", (0.9,), 1.0),
        Invented("fusion on other", "fusion", (0.1,), 1.0),
    ),
)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """An invented study whose rows and audit are those of questions about images."""
    return invented(tmp_path_factory.mktemp("types") / "s", PLAN)


def invented(folder: Path, plan: Plan) -> Seen:
    folder = fabricate(folder, plan)
    for path in (folder / "data").glob("*.parquet"):
        table = pq.read_table(path)
        pq.write_table(table.append_column("question_type", table["kind"]), path)
    study = json.loads((folder / "study.json").read_text())
    study["slices"] = []
    study["task"]["question_types"] = "cocoqa"
    study["data"]["audit"]["facts"]["splits"] = {
        split: {"question_types": dict(zip(TYPES, counts, strict=True))}
        for split, counts in COUNTED.items()
    }
    for contender in study["contenders"]:
        contender["model"] = OTHER if contender["name"].endswith("other") else MODEL
    study["models"] = {MODEL: RECORDED, OTHER: {"source": OTHER, "revision": None, "hash": "o"}}
    study["vectors"] = {MODEL: {"images": 64, "texts": 384}, OTHER: {"images": 1280, "texts": 576}}
    (folder / "study.json").write_text(json.dumps(study))
    evidence = gather(StudyFolder(folder))
    return Seen(StudyFolder(folder), Facts(evidence))


@pytest.fixture(scope="module")
def types(seen: Seen) -> ByType:
    made = by_type(seen.evidence, sliced(seen.evidence, seen.results))
    assert made is not None
    return made


def test_sources_are_those_of_the_taxonomies() -> None:
    assert {name: one.source for name, one in TAXONOMIES.items()} == SOURCES


def test_absent_types_are_counted_with_zero_in_every_split(types: ByType) -> None:
    assert {row.name: row.counts for row in types.rows} == {
        name: tuple(counts[place] for counts in COUNTED.values())
        for place, name in enumerate(TYPES)
    }
    assert types.present == 3
    assert "3 of 4 types of questions are present" in types.lead
    assert SOURCES["cocoqa"] in types.lead


def test_questions_with_types_are_sliced_by_them_though_the_study_names_no_slice(
    seen: Seen, types: ByType
) -> None:
    """The best against the second on each type: McNemar's exact test on the stored answers."""
    data = pq.read_table(seen.folder.path / "data" / "test.parquet").to_pydict()
    kinds = np.array(data["question_type"])
    right = {}
    for contender in seen.evidence.contenders:
        answers = contender.finished[0].answers("test")
        assert answers is not None
        right[contender.name] = answers.choices == answers.labels
    for row in types.rows[:3]:
        assert row.slice is not None and row.slice.test is not None
        inside = kinds == row.name
        for name, own in right.items():
            score = row.slice.score(name)
            assert score is not None and score.mean == pytest.approx(own[inside].mean())
        expected = mcnemar_of(right["both"][inside], right["words"][inside]).exact
        assert row.slice.test.p == pytest.approx(expected)
    assert types.rows[3].slice is None


def test_two_pairs_of_encoders_are_compared_whatever_else_ranks_between(
    tmp_path: Path,
) -> None:
    seen = invented(tmp_path / "s", TWO_PAIRS)
    order = [row.name for row in seen.results.rows]
    assert set(order[:2]) != {"fusion on one", "fusion on other"}
    found = sliced(seen.evidence, seen.results)
    assert found is not None and found.of_pairs
    assert (found.best, found.second) == ("fusion on one", "fusion on other")
    for one in found.slices:
        first, other = one.score("fusion on one"), one.score("fusion on other")
        assert first is not None and other is not None and one.difference is not None
        assert first.mean is not None and other.mean is not None
        assert one.difference == pytest.approx(first.mean - other.mean)
    assert "one method with its two best pairs of encoders" in _text(found)


def test_the_sizes_of_embeddings_are_reported(types: ByType) -> None:
    assert types.embeddings == (
        "embedded:picture-encoder with all-MiniLM-L6-v2 64 of images and 384 of texts",
        "images with words 1,280 of images and 576 of texts",
    )


def test_reasons_are_distinguished_from_what_was_measured_and_what_is_known(types: ByType) -> None:
    adds, guessed, rare, *known = types.reasons
    gaps = {
        row.name: row.slice.score("both").mean - row.slice.score("words").mean  # type: ignore[union-attr,operator]
        for row in types.rows[:3]
    }
    assert adds.startswith("What images add to the question (both minus words, in points): ")
    places = [adds.index(f"{name} +{100 * gap:.1f}") for name, gap in gaps.items() if gap > 0]
    assert len(places) == 3
    by_size = sorted(gaps, key=lambda name: -gaps[name])
    assert sorted(by_size, key=lambda name: adds.index(f"{name} +")) == by_size
    majority = {row.name: row.slice.score("majority").mean for row in types.rows[:3]}  # type: ignore[union-attr]
    for name, fraction in majority.items():
        assert (f"{100 * fraction:.1f} % on {name}" in guessed) == (fraction >= 0.25)  # type: ignore[operator]
    assert rare == "Of 1,000 training questions few are on object (30)."
    assert ["embedded image encoder" in known[0], "all-MiniLM" in known[1]] == [True, True]


@pytest.mark.parametrize(
    ("source", "revision"),
    [
        ("./models/resnet-50 + ./all-MiniLM-L6-v2", " + "),
        ("microsoft/resnet-50 + sentence-transformers/all-MiniLM-L6-v2", " + "),  # two folders
        ("mine/resnet-50 + mine/all-MiniLM-L6-v2", "1fd2c0e + 1fd2c0e"),
        ("./openai/clip-vit-base-patch32", None),
    ],
)
def test_a_name_alone_says_nothing_of_what_a_model_was_trained_on(
    seen: Seen, source: str, revision: str | None
) -> None:
    study = replace(seen.evidence.study, models={MODEL: ModelRecord(source, revision)})
    found = by_type(replace(seen.evidence, study=study), None)
    assert found is not None
    assert not any("was trained" in reason for reason in found.reasons)


def test_page_and_table_hold_every_type(seen: Seen) -> None:
    assert 'id="types"' in seen.html
    assert "Likely reasons" in seen.html
    table = seen.tables["question-types"]
    keys = [column.key for column in table.columns]
    assert keys[:4] == ["type", "train", "validation", "test"]
    assert keys[-2:] == ["both minus words", "p"]
    assert table.rows[3] == ("location", 0, 0, 0, *[None] * 5)


def test_other_studies_have_no_types(rooms: Seen) -> None:
    assert by_type(rooms.evidence, None) is None
    assert 'id="types"' not in rooms.html


def test_a_majority_that_is_seldom_right_is_not_spoken_of(
    seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question_types, "OFTEN", 1.01)
    made = by_type(seen.evidence, sliced(seen.evidence, seen.results))
    assert made is not None
    assert not any("every question" in reason for reason in made.reasons)
