"""How many tokens enter a step: texts that share rows, and examples that are shown first."""

from __future__ import annotations

from typing import Any

from tests.chats import tokenizer

from tunewise.data.conversations import shaped
from tunewise.estimate.lengths import Lengths, Split, behind, lengths_of, packing_note, step_of
from tunewise.methods.few_shot import FewShot
from tunewise.tasks.chat import Conversations
from tunewise.training.settings import TrainingSettings

WRITTEN = Lengths(Split([37, 7, 7, 16], [3, 3, 3, 4]), Split([20], [2]), spare=4)


def talks(rows: int, name: str) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{name}{at}",
            "messages": [
                {"role": "user", "content": f"{name} and {at}?"},
                {"role": "assistant", "content": "yes"},
            ],
        }
        for at in range(rows)
    ]


def test_rows_that_are_shared_are_counted_by_hand() -> None:
    """Of 40, 10, 10 and 20 tokens the three short ones fill a row of 40."""
    packed, padded = (TrainingSettings(packing=packs, batch_size=4) for packs in (True, False))
    assert packing_note(packed, WRITTEN, limit=100) == (
        "packing: an epoch computes 80 positions instead of 160, 50 % fewer; 80 of them are text."
    )
    shape = step_of(packed, WRITTEN, limit=100)
    assert (shape["examples"], shape["tokens"], shape["targets"]) == (2, 40, 13)
    shape = step_of(padded, WRITTEN, limit=100)
    assert (shape["examples"], shape["tokens"], shape["targets"]) == (4, 40, 13)


def test_each_part_of_a_step_has_rows_of_its_own() -> None:
    training = TrainingSettings(packing=True, batch_size=4, accumulate=2)
    shape = step_of(training, WRITTEN, limit=100)  # of 10 and 10 tokens, and of 20 and 40
    assert (shape["examples"], shape["parts"], shape["tokens"]) == (4, 2, 40)


def test_examples_that_are_shown_stand_before_each_question() -> None:
    task, processor = Conversations(max_new_tokens=8), tokenizer()
    splits = shaped({"train": talks(6, "train"), "validation": talks(3, "held")}, task.columns)
    plain = lengths_of(task, processor, splits)
    shown = FewShot(shots=2).shown([task.read(row) for row in splits["train"]], seed=0)
    longer = behind(plain, task, processor, splits, shown)
    held = [task.read(row) for row in splits["validation"]]
    encoded = task.showing(shown).encode(held, processor, max_length=9999)
    assert list(longer.validation.texts) == [one.prompt for one in encoded]
    assert min(longer.validation.texts) > max(plain.validation.texts)
    assert longer.train == plain.train
    assert behind(plain, task, processor, splits, ()) is plain
