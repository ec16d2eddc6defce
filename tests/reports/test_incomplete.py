"""Studies that stopped half-way, and answers that cannot be compared."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.reports.conftest import Seen, look
from tests.reports.fabricate import CONTENDERS, Plan, fabricate

from tunewise.analysis.facts import Facts
from tunewise.analysis.gather import gather
from tunewise.core.files import mark_complete, read_json, write_json
from tunewise.store.study import StudyFolder

SMALL = Plan(contenders=CONTENDERS[:3], seeds=(0, 1), test=120, validation=80, epochs=2)


def seen_again(folder: StudyFolder) -> Seen:
    evidence = gather(folder)
    return Seen(folder, Facts(evidence))


@pytest.fixture
def small(tmp_path: Path) -> Seen:
    return look(tmp_path / "study", SMALL)


def ids_of(seen: Seen, name: str) -> list[str]:
    contender = next(c for c in seen.evidence.contenders if c.name == name)
    return [trial.record.id for trial in contender.finished]


def test_a_contender_whose_test_was_not_opened_is_unfinished(small: Seen) -> None:
    for id in ids_of(small, "head"):
        shutil.rmtree(small.folder.test_folder(id))
    again = seen_again(small.folder)
    row = next(row for row in again.results.rows if row.name == "head")
    assert (row.status, row.standing) == ("unfinished", "unscored")
    assert row.validation["accuracy"].mean > 0
    assert again.verdict.headline.startswith(
        "Not finished: 2 tests of head are still to come. So far"
    )


def test_a_missing_seed_leaves_a_contender_unfinished(small: Seen) -> None:
    shutil.rmtree(small.folder.trial_folder(ids_of(small, "head")[1]))
    row = next(row for row in seen_again(small.folder).results.rows if row.name == "head")
    assert (row.status, row.seeds) == ("unfinished", (0,))


def test_an_untried_search_point_leaves_nothing_chosen(small: Seen) -> None:
    contender = next(c for c in small.evidence.contenders if c.name == "head")
    lost = next(p for p in contender.points if p is not contender.chosen)
    shutil.rmtree(small.folder.trial_folder(lost.trials[0].record.id))
    row = next(row for row in seen_again(small.folder).results.rows if row.name == "head")
    assert (row.status, row.chosen) == ("unfinished", None)


def test_a_test_that_failed_is_the_rows_failure(small: Seen) -> None:
    folder = small.folder.test_folder(ids_of(small, "tfidf")[0])
    failed = {"status": "killed", "error": "signal 9", "metrics": {}}
    write_json(folder / "result.json", {**read_json(folder / "result.json"), **failed})
    shutil.rmtree(folder / "predictions")
    mark_complete(folder)
    row = next(row for row in seen_again(small.folder).results.rows if row.name == "tfidf")
    assert (row.status, row.error, row.standing) == ("killed", "signal 9", "unscored")


def test_answers_to_other_examples_are_not_compared(small: Seen) -> None:
    folder = small.folder.test_folder(ids_of(small, "tfidf")[0])
    path = folder / "predictions" / "test.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(0, 100), path)
    mark_complete(folder)
    again = seen_again(small.folder)
    rows = [row for row in again.results.rows if row.to_best and "tfidf" in row.to_best.row]
    rows += [r for r in again.results.rows if r.to_best and r.to_best.other == "tfidf"]
    assert rows
    for row in rows:
        assert row.standing == "untested"
        assert row.to_best is not None
        assert row.to_best.items.p is None
        assert row.to_best.items.reason == "not testable: they answered different examples"
        assert any("they answered different examples" in note for note in again.verdict.notes)


def test_a_damaged_trial_does_not_stop_the_report(tmp_path: Path) -> None:
    folder = StudyFolder.open(
        fabricate(tmp_path / "study", replace(SMALL, contenders=CONTENDERS[:2]))
    )
    victim = next((folder.path / "trials").iterdir()) / "result.json"
    victim.write_text(victim.read_text()[:-40])
    again = seen_again(folder)
    assert len(again.results.rows) == 2
    assert json.dumps([row.status for row in again.results.rows]).count("unfinished") == 1
    assert "contenders" in again.html
