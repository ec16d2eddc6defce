"""Every row of the real questions, through GPT-2's own tokenizer."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from transformers import GPT2Tokenizer

from tunewise.data.settings import DataSettings
from tunewise.data.sources import read_data
from tunewise.tasks.question_answering import QuestionAnswering

FILES = {
    "train": "train_subset.jsonl",
    "validation": "squadshifts_new_wiki.jsonl",
    "test": "dev.jsonl",
}


@pytest.mark.real
@pytest.mark.parametrize("limit", [128, 512])
def test_every_row_is_preprocessed_and_none_is_lost_unreported(real_data: Path, limit: int) -> None:
    """The unmasked labels are a blank, the answer and the end; a minute at the usual limit."""
    processor: Any = GPT2Tokenizer.from_pretrained(real_data / "gpt2-tokenizer")
    processor.pad_token = processor.eos_token
    task = QuestionAnswering()
    settings = DataSettings(source=str(real_data / "squad"), files=FILES)
    settled = task.settle(read_data(settings, task.reading.columns, Path()))
    seconds, rows = 0.0, 0
    for split, prepared in settled.splits.items():
        assert settled.facts[split]["dropped_answers"] == []
        examples = [task.read(row) for row in prepared]
        started = time.monotonic()
        encoded = {
            one.id: one for one in task.encode(examples, processor, max_length=limit, learning=True)
        }
        left_out = [one for one in examples if one.id not in encoded]
        asked = task.encode(examples, processor, max_length=limit)
        seconds += time.monotonic() - started
        assert len(asked) == len(examples)
        rows += len(examples)
        for example in examples:
            if example.id in encoded:
                prediction = encoded[example.id]
                ids, end = prediction.inputs["input_ids"], processor.eos_token_id
                assert processor.decode(ids[prediction.prompt : -1]) == f" {example.references[0]}"  # type: ignore[index]  # SQuAD 1.1: always one
                assert ids[-1] == end
                assert ids[: prediction.prompt][-2:] == processor("Answer:")["input_ids"]
                assert len(ids) <= limit
        assert sum(not prediction.fits for prediction in asked) <= 0.01 * len(asked)
        if limit == 512:
            assert left_out == []
    assert rows == 4000 + 7938 + 6395
    if limit == 512:
        assert seconds < 60
