"""How many tokens a study's examples have, and what of them enters a step at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunewise.backbones.stored import AT_ONCE, IMAGES_AT_ONCE
from tunewise.core.format import percent
from tunewise.data.examples import Example
from tunewise.data.table import Row, Splits
from tunewise.tasks.base import Task
from tunewise.tasks.lengths import lengths
from tunewise.tasks.rows import positions_computed, shared_rows
from tunewise.training.batches import evaluation_batches, parts_of, training_batches
from tunewise.training.predictor import EVALUATION_BATCH
from tunewise.training.settings import TrainingSettings

MOST_TOKENIZED = 4000  # texts of a split; of more, evenly picked ones stand for all
TOKENS_A_WORD = 1.4  # where there is no tokenizer at hand
SPECIAL = 2  # tokens around a text, where there is no tokenizer at hand
UNCUT = 1 << 24  # tokens


@dataclass(frozen=True)
class Split:
    """Tokens of each example, nothing cut: of what is read, and of the answer if it is written."""

    texts: Sequence[int]
    answers: Sequence[int] = ()  # the token that ends one included
    pictures: int = 0  # different ones

    def read(self, limit: int, spare: int = 0) -> list[int]:
        """Of each example after cutting, in which `spare` tokens stay free for an answer."""
        prompts = self.prompts(limit, spare)
        return [
            prompt + answer
            for prompt, answer in zip(prompts, self.answers or [0] * len(prompts), strict=True)
        ]

    def prompts(self, limit: int, spare: int) -> list[int]:
        """Of each example without its answer."""
        answers = self.answers or [0] * len(self.texts)
        return [
            max(1, min(text, limit - max(spare, answer)))
            for text, answer in zip(self.texts, answers, strict=True)
        ]


@dataclass(frozen=True)
class Lengths:
    """Of the splits that a trial reads.

    `spare` tokens at most are written in an answer; None where answers are chosen.
    """

    train: Split
    validation: Split
    spare: int | None = None
    learns_prompts: bool = False


def lengths_of(task: Task, tokenizer: Any, splits: Splits) -> Lengths:
    """The lengths of a study's texts, counted by a tokenizer, or by words where it is None."""
    writing = task.writing
    return Lengths(
        _split(task, tokenizer, splits["train"], learning=True),
        _split(task, tokenizer, splits["validation"]),
        writing.max_new_tokens if writing else None,
        writing is not None and writing.loss_on == "all",
    )


def behind(
    lengths: Lengths, task: Task, tokenizer: Any, splits: Splits, shown: Sequence[Example]
) -> Lengths:
    """The same where each question is asked behind examples with their answers.

    Without a tokenizer at hand they are left out.
    """
    if not shown or tokenizer is None:
        return lengths
    asked = _split(task.showing(shown), tokenizer, splits["validation"])
    return replace(lengths, validation=asked)


def step_of(training: TrainingSettings, lengths: Lengths, limit: int) -> dict[str, Any]:
    """A `StepShape`: the longest batches, and the most that any of them learns or asks."""
    train, held = lengths.train, lengths.validation
    read = train.read(limit)
    longest_held = held.read(limit, lengths.spare or 0)
    shape = {
        "examples": -(-min(training.batch_size, len(read)) // training.ranks),  # of each device
        "parts": training.accumulate,
        "tokens": max(read),
        "evaluated": min(EVALUATION_BATCH, len(longest_held)),
        "evaluated_tokens": max(longest_held),
        "read": min(AT_ONCE, len(read)),
        "pictures": min(IMAGES_AT_ONCE, train.pictures or len(read)),
    }
    if lengths.spare is None:
        return shape
    prompts_too = lengths.learns_prompts if training.loss_on is None else training.loss_on == "all"
    parts = _parts(training, read)
    if training.packing:
        at_once = [[read[at] for at in part] for part in parts]
        largest = max(at_once, key=lambda part: positions_computed(part, packs=True))
        rows = training.accumulate * len(shared_rows(largest))
        shape |= {"examples": rows, "tokens": max(largest)}
    asked = evaluation_batches(longest_held, EVALUATION_BATCH)
    return {
        **shape,
        "targets": None
        if prompts_too
        else max(sum(train.answers[at] for at in part) for part in parts),
        "evaluated_targets": max(sum(held.answers[at] for at in batch) for batch in asked),
        "prompt_tokens": max(held.prompts(limit, lengths.spare)),
    }


def packing_note(training: TrainingSettings, lengths: Lengths, limit: int) -> str:
    """What sharing rows saves in an epoch of training, in a sentence."""
    read = lengths.train.read(limit)
    parts = [[read[at] for at in part] for part in _parts(training, read)]
    packed, padded = (
        sum(positions_computed(part, packs=packs) for part in parts) for packs in (True, False)
    )
    return (
        f"packing: an epoch computes {packed:,} positions instead of {padded:,}, "
        f"{percent(1 - packed / padded, digits=0)} % fewer; {sum(read):,} of them are text."
    )


def _parts(training: TrainingSettings, read: Sequence[int]) -> list[list[int]]:
    """The examples that are computed at once in an epoch, by places."""
    steps = training_batches(read, training.batch_size, seed=0, epoch=1)
    return [part for step in steps for part in parts_of(step, training.parts)]


def _split(task: Task, tokenizer: Any, rows: Sequence[Row], *, learning: bool = False) -> Split:
    step = -(-len(rows) // MOST_TOKENIZED)
    texts, answers = _counted(task, tokenizer, rows[::step], learning=learning)
    where = [at // step for at in range(len(rows))]
    image = task.reading.image
    return Split(
        [texts[at] for at in where],
        [answers[at] for at in where] if answers else (),
        len({row[image] for row in rows}) if image else 0,
    )


def _counted(
    task: Task, tokenizer: Any, rows: Sequence[Row], *, learning: bool
) -> tuple[list[int], list[int]]:
    """Tokens of the texts and, where they are written, of the answers: in training all of them."""
    examples = [task.read(row) for row in rows]
    if writing := task.writing:
        if tokenizer is None:
            answers = [(example.references or ("",))[0] for example in examples]
            prompts = [_by_words(writing.prompt(example)) for example in examples]
            return prompts, [1 + _by_words(text) for text in answers]
        learning = learning and writing.loss_on != "all"
        encoded = task.encode(examples, tokenizer, max_length=UNCUT, learning=learning)
        learned = [
            sum(end - begin for begin, end in one.learned) or one.length - one.prompt
            for one in encoded
        ]
        texts = [one.length - count for one, count in zip(encoded, learned, strict=True)]
        return texts, learned
    if tokenizer is None:
        return [SPECIAL + _by_words(" ".join(example.texts)) for example in examples], []
    columns = task.reading.texts
    return lengths(task, [tuple(str(row[name]) for name in columns) for row in rows], tokenizer), []


def _by_words(text: str) -> int:
    return int(TOKENS_A_WORD * len(text.split()))
