from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from tests.reports.conftest import Seen, look
from tests.reports.fabricate import CONTENDERS, Plan

from tunewise.analysis.compare import Contest, contest, contest_record
from tunewise.core.errors import InputError
from tunewise.core.files import mark_complete
from tunewise.reports.document.csv import as_csv
from tunewise.reports.outputs.compare import differing_table, print_contest
from tunewise.reports.outputs.record import finite
from tunewise.results import StudyResults

FULL, LORA, TFIDF = "full", "lora rank=16", "tfidf"


@pytest.fixture(scope="module")
def pair(rooms: Seen) -> Contest:
    return contest(rooms.evidence, rooms.results, FULL, LORA)


def printed(found: Contest, *, everything: bool = False) -> str:
    console = Console(width=80, highlight=False, markup=False, record=True, file=io.StringIO())
    print_contest(found, console, everything=everything)
    return console.export_text()


def test_a_difference_is_that_of_the_two_means(pair: Contest, rooms: Seen) -> None:
    rows = {row.name: row for row in rooms.results.rows}
    for measure in pair.measures:
        scores = [rows[name].test[measure.metric].mean for name in (FULL, LORA)]
        assert measure.difference is not None
        assert measure.difference == pytest.approx(scores[0] - scores[1])
        assert measure.items.interval and measure.method.interval
        assert measure.items.interval.low < measure.difference < measure.items.interval.high


def test_the_other_way_round_everything_has_the_other_sign(pair: Contest, rooms: Seen) -> None:
    turned = contest(rooms.evidence, rooms.results, LORA, FULL)
    one, other = pair.measures[0], turned.measures[0]
    assert one.difference is not None
    assert other.difference == pytest.approx(-one.difference)
    assert one.items.interval and other.items.interval
    assert other.items.interval.low == pytest.approx(-one.items.interval.high)
    assert other.items.p == one.items.p
    for seed, test in one.mcnemar.items():
        assert other.mcnemar[seed].first_only == test.second_only
    assert (turned.counts["first"], turned.counts["second"]) == (
        pair.counts["second"],
        pair.counts["first"],
    )


def test_the_headline_says_what_the_table_of_results_says(pair: Contest, rooms: Seen) -> None:
    row = next(row for row in rooms.results.rows if row.name == LORA)
    assert row.to_best is not None and row.to_best.other == FULL
    assert pair.measures[0].difference == -row.to_best.difference
    assert pair.measures[0].method.p == row.to_best.method.p


def test_discordant_counts_are_those_of_the_stored_answers(pair: Contest, rooms: Seen) -> None:
    trials = {c.name: c.finished for c in rooms.evidence.contenders}
    for place, seed in enumerate(rooms.results.seeds_planned):
        right = []
        for name in (FULL, LORA):
            answers = trials[name][place].answers("test")
            assert answers is not None
            right.append(answers.choices == answers.labels)
        test = pair.measures[0].mcnemar[seed]
        assert test.first_only == int((right[0] & ~right[1]).sum())
        assert test.second_only == int((right[1] & ~right[0]).sum())


def test_every_example_is_counted_once_and_differing_ones_do_differ(pair: Contest) -> None:
    assert sum(pair.counts.values()) == pair.items == 600
    assert all(example.first.answer != example.second.answer for example in pair.differing)
    message = [example.right for example in pair.differing]
    assert message.count("first") == pair.counts["first"]
    assert message.count("second") == pair.counts["second"]
    assert message == sorted(message, key=("first", "second", "neither").index)


def test_settings_and_costs_name_both_sides(pair: Contest) -> None:
    settings = {name: values for name, *values in pair.settings}
    assert settings["method.name"] == ["full", "lora"]
    assert settings["method.rank"] == [None, 16]
    assert "training.batch_size" not in settings  # the same for both
    costs = {name: values for name, *values in pair.costs}
    assert costs["trained"] == [22_715_141, 296_837]
    assert costs["artefact bytes"] == [90_860_000, 1_190_000]


def test_a_method_without_seeds_meets_every_seed_of_the_other(rooms: Seen) -> None:
    found = contest(rooms.evidence, rooms.results, TFIDF, LORA)
    assert set(found.measures[0].mcnemar) == {0, 1, 2}


def test_one_seed_is_not_testable_over_seeds(tmp_path: Path) -> None:
    seen = look(tmp_path / "s", Plan(seeds=(0,), test=200, validation=100))
    found = contest(seen.evidence, seen.results, FULL, LORA)
    assert found.measures[0].method.p is None
    text = " ".join(printed(found).split())
    assert "Over seeds: " in text and "not testable" in text.split("Over seeds: ")[1][:120]


def test_a_wrong_name_gets_the_nearest_and_both_are_reported(rooms: Seen) -> None:
    with pytest.raises(InputError, match=r"unknown contender 'fll'\. Did you mean 'full'"):
        contest(rooms.evidence, rooms.results, "fll", LORA)
    with pytest.raises(InputError) as caught:
        contest(rooms.evidence, rooms.results, "fll", "tdidf")
    assert len(caught.value.problems) == 2
    with pytest.raises(InputError, match="itself"):
        contest(rooms.evidence, rooms.results, FULL, FULL)


def test_an_unfinished_study_says_who_has_no_answers(tmp_path: Path) -> None:
    seen = look(tmp_path / "s", Plan(ran=False))
    with pytest.raises(InputError, match=r"'full' \(unfinished\) has no answers .* status"):
        contest(seen.evidence, seen.results, FULL, LORA)


@pytest.mark.parametrize("change", ["id", "label"])
def test_answers_about_other_examples_are_refused_with_the_difference(
    tmp_path: Path, change: str
) -> None:
    plan = Plan(contenders=CONTENDERS[:3], seeds=(0,), test=100, validation=60)
    seen = look(tmp_path / "s", plan)
    trial = next(c for c in seen.evidence.contenders if c.name == TFIDF).finished[0]
    assert trial.test is not None
    path = trial.test.folder / "predictions" / "test.parquet"
    table = pq.read_table(path)
    if change == "id":
        table = table.set_column(0, "id", [["test-other", *table["id"].to_pylist()[1:]]])
        expected = r"1 only 'tfidf' answered \(test-other\); 1 only 'head' answered \(test-0\)"
    else:
        labels = np.asarray(table["label"].to_numpy()).copy()
        labels[:7] = (labels[:7] + 1) % 5
        table = table.set_column(1, "label", [labels])
        expected = r"7 with different labels \(test-0, .*test-4, \.\.\.\)"
    pq.write_table(table, path)
    mark_complete(trial.test.folder)
    seen = look_again(tmp_path / "s")
    with pytest.raises(InputError, match=expected):
        contest(seen.evidence, seen.results, TFIDF, "head")


def look_again(path: Path) -> Seen:
    opened = StudyResults(path)
    return Seen(opened.folder, opened.facts)


def test_the_terminal_shows_a_page_and_with_all_every_example(pair: Contest) -> None:
    some, everything = printed(pair), printed(pair, everything=True)
    assert f"10 of {len(pair.differing)} shown" in some
    assert all(example.id in everything for example in pair.differing)
    assert max(map(len, everything.splitlines())) <= 80


def test_hostile_names_and_texts_stay_text(hostile: Seen) -> None:
    names = [row.name for row in hostile.results.rows]
    found = contest(hostile.evidence, hostile.results, names[0], names[1])
    text = printed(found, everything=True)
    assert not any(ord(sign) < 32 and sign != "\n" for sign in text)
    assert not any("\x7f" <= sign <= "\x9f" or "\u202a" <= sign <= "\u202e" for sign in text)
    for row in csv.reader(io.StringIO(as_csv(differing_table(found)))):
        assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for cell in row)
    assert json.dumps(finite(contest_record(found)), allow_nan=False)


def test_the_record_holds_every_differing_example(pair: Contest) -> None:
    content = json.loads(json.dumps(finite(contest_record(pair))))
    assert len(content["differing"]) == len(pair.differing)
    assert content["metrics"][0]["mcnemar"]["0"]["first_only"] > 0
    first = dict(content["differing"][0])
    assert {"id", "text", "label", "first", "second", "right"} == set(first)
