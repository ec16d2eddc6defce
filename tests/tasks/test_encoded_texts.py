"""Many encoded texts: what a batch is given of them is what each text alone would be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from tests.conftest import tokenizer

from tunewise.backbones import kept_tokens
from tunewise.data.examples import Example
from tunewise.data.prepared import PreparedRows
from tunewise.tasks.base import Encoded
from tunewise.tasks.classification import Classification
from tunewise.tasks.encoded_texts import full_lengths, token_lengths

LIMIT = 6  # tokens
FIRST = ["good", "", "good bad " * 4, "bad", "good good", "bad bad bad bad", "good " * 9]
SECOND = ["bad bad bad bad", "good", "bad", "", "good bad good", "bad", "good " * 9]


@pytest.fixture(autouse=True)
def in_threes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kept_tokens, "CHUNK", 3)
    monkeypatch.setenv("TUNEWISE_CACHE", str(tmp_path))


def encoded(task: Classification, examples: Sequence[Example]) -> Sequence[Encoded]:
    return task.encode(examples, tokenizer(), max_length=LIMIT)


@pytest.mark.parametrize("columns", [("one",), ("one", "two")])
def test_many_stored_rows_are_encoded_as_each_alone(columns: tuple[str, ...]) -> None:
    task = Classification(columns, "label")
    labels = [0, 1, None, 0, 1, 0, 1]
    ids = [f"train-{place}" for place in range(len(labels))]
    table = pa.table({"id": ids, "one": FIRST, "two": SECOND, "label": labels})
    stored = PreparedRows(table, task.read)
    alone = [one for example in stored for one in encoded(task, [example])]
    assert max(one.full_length for one in alone) > LIMIT
    for _ in ("read", "kept"):
        found = encoded(task, stored)
        assert list(found) == alone
        assert found[-3:] == alone[-3:]
        assert full_lengths(found) == [one.full_length for one in alone]
        assert token_lengths(found) == [one.length for one in alone]
