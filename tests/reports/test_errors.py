"""Errors and likely label mistakes as a list, class balance, and both in every output."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.reports.conftest import Seen, look
from tests.reports.fabricate import CONTENDERS, Plan

from tunewise.analysis.balance import Balance
from tunewise.analysis.errors import contender_named, errors_of, examples_of
from tunewise.core.errors import InputError
from tunewise.reports.document.csv import as_csv
from tunewise.reports.outputs.error_list import MISTAKE, errors_table, listing

SURE = replace(CONTENDERS[1], skills=(4.0,))  # right on nearly everything


@pytest.fixture(scope="module")
def able(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return look(tmp_path_factory.mktemp("able") / "study", Plan(contenders=(CONTENDERS[0], SURE)))


def test_errors_come_the_surest_first_and_say_what_was_answered(rooms: Seen) -> None:
    found = rooms.facts.errors
    assert found is not None
    assert found.contender == rooms.verdict.best
    chances = [one.confidence or 0 for one in found.wrong]
    assert chances == sorted(chances, reverse=True)
    assert all(one.answer != one.label and not one.right for one in found.wrong)
    assert all(sum(one.probabilities.values()) == pytest.approx(1) for one in found.wrong)


def test_probabilities_are_means_over_seeds(rooms: Seen) -> None:
    contender = contender_named(rooms.evidence, "full")
    runs = list(contender.answers("test").values())
    assert len(runs) == 3
    given = np.stack([np.asarray(run.probabilities, dtype=float) for run in runs])
    first = examples_of(rooms.evidence, contender, "test")[0]
    assert list(first.probabilities.values()) == pytest.approx(list(given.mean(axis=0)[0]))


def test_a_contender_that_agrees_with_few_labels_doubts_none(rooms: Seen) -> None:
    found = errors_of(rooms.evidence, contender_named(rooms.evidence, "tfidf"))
    assert found is not None
    assert not found.able
    assert found.mistakes == ()
    assert found.examined == 900


def test_planted_label_mistakes_are_at_the_head_of_the_list(
    able: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    contender = contender_named(able.evidence, SURE.name)
    runs = contender.answers("test")
    sure = [
        id
        for id, row in zip(runs[0].ids, np.asarray(runs[0].probabilities), strict=True)
        if row.max() > 0.8
    ][:5]
    assert len(sure) == 5
    planted = {
        seed: replace(
            run,
            labels=np.array(
                [
                    (label + 1) % 5 if id in sure else label
                    for id, label in zip(run.ids, run.labels, strict=True)
                ]
            ),
        )
        for seed, run in runs.items()
    }
    trials = tuple(
        replace(trial, held={**trial.held, "test": planted[trial.seed]})
        for trial in contender.points[0].trials
    )
    assert contender.chosen is not None
    point = replace(contender.chosen, trials=trials)
    found = errors_of(able.evidence, replace(contender, points=(point,), chosen=point))
    assert found is not None
    assert found.able
    assert set(sure) <= {one.id for one in found.mistakes}
    rows = listing(found)
    assert [row["kind"] for row in rows[: len(found.mistakes)]] == [MISTAKE] * len(found.mistakes)
    assert len(rows) == len({(row["split"], row["id"]) for row in rows})


def test_the_list_is_a_table_for_spreadsheets(rooms: Seen) -> None:
    found = rooms.facts.errors
    assert found is not None
    read = list(csv.DictReader(io.StringIO(as_csv(errors_table(found)))))
    assert [row["id"] for row in read] == [one.id for one in found.listing]
    assert float(read[0]["probability of answer"]) == found.listing[0].confidence


def test_an_unknown_contender_is_told_with_the_nearest_name(rooms: Seen) -> None:
    with pytest.raises(InputError, match="Did you mean 'full'"):
        contender_named(rooms.evidence, "ful")


def test_a_study_that_has_not_run_has_no_errors(tmp_path: Path) -> None:
    assert look(tmp_path / "study", Plan(ran=False)).facts.errors is None


UNEVEN = Balance("test", {"spam": 20, "fine": 80}, {"full": 0.61, "head": 0.72}, "full", "accuracy")


def test_uneven_classes_are_told_with_who_leads_where_all_count_alike() -> None:
    text = UNEVEN.sentence()
    assert "“fine” makes up 80.0 % of the test split, “spam” 20 examples" in text
    assert "scores 80.0 % accuracy and 50.0 % balanced accuracy" in text
    assert "head comes first (72.0 %, against 61.0 % of full)" in text
    assert "task.metrics: [balanced_accuracy]" in text
    assert "task.metrics" not in replace(UNEVEN, metric="balanced_accuracy").sentence()
    assert "full comes first as well" in replace(UNEVEN, balanced={"full": 0.9}).sentence()


def test_even_classes_take_half_a_line_of_the_page_alone(rooms: Seen) -> None:
    found = rooms.facts.balance
    assert found is not None
    assert not found.uneven
    assert found.sentence() in rooms.html
    assert sum(found.counts.values()) == 600
