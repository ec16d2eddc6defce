"""The answers as CSV: they add up to the report's scores, read back, and run nowhere."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reports.conftest import Seen
from tests.reports.fabricate import Plan, fabricate

from tunewise.analysis.evidence import Evidence
from tunewise.analysis.gather import gather
from tunewise.analysis.results import results_of
from tunewise.analysis.slices import slice_values
from tunewise.core.sanitize import visible
from tunewise.reports.outputs.answers_file import (
    GUARDED,
    Predictions,
    as_csv,
    guarded,
    predictions,
    write_predictions,
)
from tunewise.reports.outputs.remove_stale import remove_stale
from tunewise.store.answers import Answers
from tunewise.store.study import StudyFolder

FORMULAS = (
    "=1+1",
    "+A1",
    "-A1",
    "@sum(1)",
    "\t=1",
    "\n=1",
    "  =1",
    "\uff1d1",
    "'=1",
    "''-x",
    "-1-1",
)
HARMLESS = ("", "a=b", "'tis", "-1", "+2.5", "a\nb", 'say "no"', "a,b;c", "é\u2003ü")


def plain(cell: str) -> str:
    """A text as it was before it was written, by the rule that the module states."""
    return cell[1:] if GUARDED.match(cell) else cell


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe_and_reads_back(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert plain(guarded(text)) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_is_written_as_it_is(text: str) -> None:
    assert guarded(text) == text
    assert plain(text) == text


@given(st.lists(st.text("=+-@'\"\t\n\r,;1a é\x1b\u202e\uff0b"), min_size=1, max_size=4))
def test_every_text_reads_back_as_it_is_shown(texts: list[str]) -> None:
    """Only signs that act in a terminal are lost; see `visible`."""
    written = as_csv(Predictions("test", ("id",) * len(texts), (tuple(texts),)))
    _, row = csv.reader(io.StringIO(written, newline=""))
    assert [plain(cell) for cell in row] == [visible(text) for text in texts]
    assert not any(cell.lstrip()[:1] in {"=", "@"} for cell in row)


def test_the_fraction_that_is_right_adds_up_to_the_reported_accuracy(rooms: Seen) -> None:
    found = predictions(rooms.evidence)
    assert found is not None and found.split == "test"
    rows = list(csv.DictReader(io.StringIO(as_csv(found), newline="")))
    assert len({row["id"] for row in rows}) == len(rows) == 600
    scored = [row for row in rooms.results.rows if row.scores("test")]
    assert len(scored) >= 4
    for one in scored:
        fractions = [float(row[f"{one.name}: right"]) for row in rows]
        assert fmean(fractions) == pytest.approx(one.scores("test")["accuracy"].mean)
        if len(one.seeds) == 1:
            assert fractions == [float(row[one.name] == row["truth"]) for row in rows]


def test_text_truth_and_slices_stand_beside_the_answers(tmp_path: Path) -> None:
    evidence = gather(StudyFolder(fabricate(tmp_path / "s", Plan(slices=("kind", "length")))))
    found = predictions(evidence)
    assert found is not None
    assert found.columns[:5] == ("id", "kind", "length", "text", "truth")
    texts, kinds = evidence.texts("test"), slice_values(evidence, "test", ["kind"])["kind"]
    for row in found.rows:
        assert row[1] == kinds[str(row[0])]
        assert row[3] == texts[str(row[0])]["text"]


def test_written_answers_stand_as_they_were_written(
    rooms: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three seeds the answer of two, and any of the texts that count as right."""
    ids = rooms.evidence.contenders[0].finished[0].answers("test").ids[:1]  # type: ignore[union-attr]
    runs = [
        Answers(
            ids,
            np.ones(1, dtype=np.int64),
            np.array([right]),
            written=(text,),
            references=(("Denver", "the city"),),
        )
        for text, right in (("the Denver", 1), ("=no", 0), ("=no", 0))
    ]
    message = [(rooms.evidence.contenders[0], runs)]
    monkeypatch.setattr(Evidence, "answered", property(lambda evidence: message))
    found = predictions(rooms.evidence)
    assert found is not None
    assert found.rows[0][-3:] == ("Denver | the city", "=no", 1 / 3)
    assert as_csv(found).endswith('"Denver | the city","\'=no",0.3333333333333333\n')


def test_a_study_without_answers_writes_no_file(tmp_path: Path) -> None:
    evidence = gather(StudyFolder(fabricate(tmp_path / "s", Plan(ran=False))))
    assert write_predictions(evidence, tmp_path) == []
    assert not (tmp_path / "predictions").exists()


def test_validation_is_written_where_no_test_was_opened_and_goes_when_one_was(
    tmp_path: Path, rooms: Seen
) -> None:
    folder = fabricate(tmp_path / "s", Plan(has_test=False))
    for evidence, name in ((gather(StudyFolder(folder)), "validation"), (rooms.evidence, "test")):
        remove_stale(tmp_path, write_predictions(evidence, tmp_path))
        assert [path.name for path in (tmp_path / "predictions").iterdir()] == [f"{name}.csv"]


def test_hostile_texts_end_no_cell_and_no_row(hostile: Seen, tmp_path: Path) -> None:
    (path,) = write_predictions(hostile.evidence, tmp_path)
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    texts = hostile.evidence.texts(hostile.evidence.split)
    column = hostile.evidence.text_columns[0]
    assert len(rows) == len(texts)
    assert results_of(hostile.evidence).rows
    for row in rows:
        assert len(row) == len(header)
        shown = dict(zip(header, row, strict=True))
        assert plain(shown[column]) == visible(texts[plain(shown["id"])][column])
