"""Real data sets, from their folders to rows with labels, and what the audit says of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tunewise.data.audit.audit import Audit, audit
from tunewise.data.labels import Labels, resolve
from tunewise.data.prepared import label_counts, prepared_rows
from tunewise.data.settings import DataSettings, SplitRule
from tunewise.data.sources import Data, read_data


class Looked(NamedTuple):
    data: Data
    labels: Labels
    audit: Audit


def look(
    settings: DataSettings,
    base: Path,
    texts: Sequence[str] = ("text",),
    label: str = "label",
    **options: Any,
) -> Looked:
    data = read_data(settings, [*texts, label], base, label=label)
    labels = resolve(data.splits, label, found=data.names)
    found = audit(data.splits, texts=texts, label=label, labels=labels, **options)
    return Looked(data, labels, found)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "rows", "classes"),
    [
        ("sst5", (8544, 1101, 1326), 5),
        ("tweeteval-emotion", (3257, 374, 1421), 4),
        ("tweeteval-irony", (2862, 955, 784), 2),
        ("tweeteval-offensive", (11916, 1324, 860), 2),
        ("tweeteval-sentiment", (45603, 2000, 7370), 3),
    ],
)
def test_real_folders_are_sound(
    real_data: Path, name: str, rows: tuple[int, int, int], classes: int
) -> None:
    looked = look(DataSettings(source=name), real_data)
    assert tuple(len(part) for part in looked.data.splits.values()) == rows
    assert len(looked.labels.options) == classes
    assert looked.data.names == looked.labels.options
    assert looked.audit.problems == []


@pytest.mark.real
def test_the_label_counts_of_real_data_are_those_of_its_description(real_data: Path) -> None:
    looked = look(DataSettings(source="tweeteval-sentiment"), real_data)
    prepared = prepared_rows(looked.data.splits, ["text"], "label", looked.labels)
    counts = label_counts(prepared, "label", looked.labels)
    assert counts["train"] == {"negative": 7091, "neutral": 20663, "positive": 17849}


@pytest.mark.real
def test_a_real_set_that_repeats_train_in_test_is_refused(real_data: Path) -> None:
    settings = DataSettings(source="tweeteval-hate")
    (problem,) = look(settings, real_data).audit.problems
    assert "test: 245 rows (8.2%) with a text that train has too" in problem.message
    warnings = look(settings, real_data, accept_leakage="as published").audit.warnings
    assert any("validation: 1 empty text" in warning for warning in warnings)
    assert any("Accepted: as published" in warning for warning in warnings)


@pytest.mark.real
def test_real_pairs_are_read_and_cut_by_passage(real_data: Path) -> None:
    settings = DataSettings(
        source="boolq",
        files={"train": "train_subset.jsonl", "validation": "validation.jsonl"},
        split=SplitRule(from_="validation", test=0.5, group="passage"),
    )
    looked = look(settings, real_data, ("question", "passage"), "answer")
    parts = looked.data.splits
    passages = [{row["passage"] for row in parts[name]} for name in ("validation", "test")]
    assert not passages[0] & passages[1]
    assert any(
        "share their 'passage' with rows of train" in message for message in looked.audit.warnings
    )
